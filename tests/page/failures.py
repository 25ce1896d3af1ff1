"""What the page shows when an answer fails, comes late, or is for another account."""

import json
import time

from seen import accessible, generates, has_balance, has_price, newest, steps_of_job

LOSES_NETWORK = 'async () => { throw new TypeError("the network is gone"); }'


def answers(page, part, answer):
    """Has requests whose path contains a part answered by a JavaScript function of `send` and `options`."""
    page.run(f"""
        window.whole ??= window.fetch;
        const answer = {answer};
        window.fetch = async (path, options) => {{
            const send = () => window.whole(path, options);
            return path.includes({json.dumps(part)}) ? answer(send, options) : send();
        }};""")


def answers_itself(page):
    page.run("window.fetch = window.whole")


def chooses(page, *account_ids):
    """Chooses accounts one right after the other."""
    page.run("""
        const select = document.getElementById("accounts");
        for (const id of arguments) {
            select.value = id;
            select.dispatchEvent(new Event("change", { bubbles: true }));
        }""", *account_ids)


def account_is(page, account_id, has_entries):
    page.wait(lambda: page.find("#accounts").get_property("value") == account_id, f"the account to be {account_id}")
    page.wait(lambda: bool(page.find_all("#statement")) == has_entries, f"the statement of {account_id}")


def a_read_that_fails_leaves_the_page_usable(page):
    answers(page, "/purchases?", LOSES_NETWORK)
    page.button("Send again: ", "#events")
    page.has_text("#notice", "could not be read again: the network is gone")
    answers_itself(page)
    page.button("Send again: ", "#events")
    page.has_text("#notice", "The webhook answered 200")


def a_failure_of_the_server_is_not_taken_for_a_refusal(page):
    page.click("#playground fieldset:first-child label:nth-of-type(6)")
    page.slide("prompts", 1)
    has_price(page, "8 tune image credits")
    answers(page, "/holds", """async (send) => {
        await send();
        return new Response('{"detail":"The service is busy."}', { status: 503 });
    }""")
    generates(page)
    steps = steps_of_job(page)
    assert "It isn't known" in steps and "nothing was taken" not in steps, steps
    # Even the statement shows that it was taken.
    has_balance(page, 0, 0, 152)
    accessible(page, "a job of which little is known")
    answers(page, "/holds", LOSES_NETWORK)
    page.click("#send-again")
    assert "no answer" in steps_of_job(page), steps_of_job(page)
    answers_itself(page)
    page.click("#send-again")
    page.wait(lambda: not page.find_all("#send-again"), "the job to be known")
    steps = steps_of_job(page)
    assert "201 · Idempotent-Replayed: true" in steps and "the hold is captured" in steps, steps
    has_balance(page, 0, 0, 152)


def a_lost_answer_may_be_followed_by_a_failure(page):
    page.click_label("#switch-loses")
    answers(page, "/holds", """(() => {
        let asked = 0;
        return async (send) => {
            asked += 1;
            return asked === 2 ? new Response('{"message":"Unauthorized"}', { status: 401 }) : send();
        };
    })()""")
    generates(page)
    steps = steps_of_job(page)
    assert "The answer got lost" in steps and "It isn't known" in steps, steps
    assert "nothing was taken" not in steps, steps
    answers_itself(page)
    page.click("#send-again")
    assert "the hold is captured" in steps_of_job(page), steps_of_job(page)
    page.click_label("#switch-loses")
    has_balance(page, 0, 0, 144)


def a_job_ends_in_the_account_that_began_it(page):
    page.run("document.getElementById('generate').click()")
    page.wait(lambda: "set aside" in steps_of_job(page), "the hold")
    chooses(page, "ben@example.com")
    page.wait(lambda: page.text("#balance-tune_image") == "0", "the other account")
    page.idle()
    account_is(page, "ben@example.com", has_entries=False)
    chooses(page, "ada@example.com")
    account_is(page, "ada@example.com", has_entries=True)
    has_balance(page, 0, 0, 136)
    newest(page, "capture")


def of_accounts_that_are_chosen_quickly_the_last_one_counts(page):
    answers(page, "/local/tokens", """async (send, options) => {
        const answer = await send();
        if (options.body.includes("ada")) await new Promise((done) => setTimeout(done, 600));
        return answer;
    }""")
    chooses(page, "ben@example.com", "ada@example.com", "ben@example.com")
    time.sleep(1)
    account_is(page, "ben@example.com", has_entries=False)
    answers(page, "/local/tokens", LOSES_NETWORK)
    chooses(page, "ada@example.com")
    page.has_text("#notice", "the network is gone")
    account_is(page, "ben@example.com", has_entries=False)
    answers_itself(page)
    chooses(page, "ada@example.com")
    account_is(page, "ada@example.com", has_entries=True)


def a_switch_shows_what_is_so_when_its_change_failed(page):
    answers(page, "/local/events/hold-back", LOSES_NETWORK)
    page.click_label("#switch-hold-back")
    page.has_text("#notice", "the network is gone")
    assert not page.find("#switch-hold-back").is_selected(), "events are not held back"
    answers_itself(page)


def a_purchase_whose_events_failed_is_reported_so(page):
    answers(page, "/local/buy", """async (send) => {
        const sale = await (await send()).json();
        Object.assign(sale.events[0], { status: 500, outcome: null, attempts: 5 });
        return new Response(JSON.stringify(sale));
    }""")
    page.click("#buy-avatar_pack")
    page.has_text("#notice", "$15")
    assert "The webhook did not take" in page.text("#notice"), page.text("#notice")
    answers_itself(page)


def an_answer_that_was_overtaken_sets_no_clock_back(page):
    answers(page, "/local/state", """(() => {
        window.held = 0;
        return async (send) => {
            const answer = await send();
            if (window.held === 0) {
                window.held = 1;
                await new Promise((done) => setTimeout(done, 1000));
                window.held = "answered";
            }
            return answer;
        };
    })()""")
    page.wait(lambda: page.run("return window.held") == 1, "the page to look for news")
    page.click("#move-15")
    moved = page.find("#now").get_attribute("datetime")
    page.wait(lambda: page.run("return window.held") == "answered", "the late answer")
    # Before the page looks again, which would make it good.
    time.sleep(0.1)
    assert page.find("#now").get_attribute("datetime") >= moved, f"it was {moved} already"
    answers_itself(page)


def in_the_last_minute_of_a_month_the_clock_stays(page):
    page.click("#move-end")
    # The page's clock lags by what the stack's answer took, here by more.
    page.run("performance.now = ((whole) => () => whole() - 300)(performance.now.bind(performance))")
    page.click("#move-end")
    page.has_text("#notice", "It is ")
    assert ":59:" in page.text("#now"), page.text("#now")


STEPS = [
    a_read_that_fails_leaves_the_page_usable,
    a_failure_of_the_server_is_not_taken_for_a_refusal,
    a_lost_answer_may_be_followed_by_a_failure,
    a_job_ends_in_the_account_that_began_it,
    of_accounts_that_are_chosen_quickly_the_last_one_counts,
    a_switch_shows_what_is_so_when_its_change_failed,
    a_purchase_whose_events_failed_is_reported_so,
    an_answer_that_was_overtaken_sets_no_clock_back,
    in_the_last_minute_of_a_month_the_clock_stays,
]
