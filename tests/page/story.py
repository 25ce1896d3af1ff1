"""Plays a month on the page as a person would, and checks what it shows at each step."""

import argparse
import re
import sys
import time
from pathlib import Path

import failures
from browser import Browser
from seen import KINDS, accessible, generates, has_balance, has_price, newest, number, steps_of_job
from selenium.webdriver.common.keys import Keys

STEPS = []
IMAGE_BYTES_MAX = 300_000


def step(function):
    STEPS.append(function)
    return function


@step
def a_newcomer_sees_prices_and_an_empty_account(page):
    page.show(1280, 1000, "light")
    page.open()
    has_balance(page, 0, 0, 0)
    has_price(page, "4 playground credits")
    assert "priced as 512 × 768, up to 100 steps" in page.text("#because")
    accessible(page, "the empty page")


@step
def the_story_begins_on_the_second_of_a_month(page):
    # So that it is the same on any day, the last of a month too.
    page.click("#move-month")
    page.click("#move-day")
    assert page.text("#now").startswith("2 "), page.text("#now")


@step
def the_price_follows_a_slider_while_it_is_dragged(page):
    asked = """
        const requests = performance.getEntriesByType("resource");
        return requests.filter((request) => request.name.endsWith("/v1/quotes")).length;"""
    before = page.run(asked)
    page.run("""
        const slider = document.getElementById("slider-images");
        return (async () => {
            for (let images = 3; images <= 60; images += 1) {
                slider.value = images;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                await new Promise((done) => setTimeout(done, 5));
            }
        })();""")
    has_price(page, "120 playground credits")
    assert page.run(asked) - before < 30, "each movement asked for a price"


@step
def of_two_prices_that_are_asked_for_the_last_one_wins(page):
    page.run("""
        const whole = window.fetch;
        window.fetch = async (path, options) => {
            const answer = await whole(path, options);
            if (options?.body?.includes('"images":7')) await new Promise((done) => setTimeout(done, 600));
            return answer;
        };
        const slider = document.getElementById("slider-images");
        const move = (images) => {
            slider.value = images;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        };
        move(7);
        setTimeout(() => move(2), 100);
        setTimeout(() => { window.fetch = whole; }, 150);""")
    time.sleep(1)
    has_price(page, "4 playground credits")


@step
def every_kind_of_work_has_a_price(page):
    prices = ["4 playground credits", "2 playground credits", "2 playground credits", "2 playground credits",
              "1 tune and 64 tune image credits", "24 tune image credits", "free"]
    for at, price in enumerate(prices):
        page.click(f"#playground fieldset:first-child label:nth-of-type({at + 1})")
        has_price(page, price)
    page.click("#playground fieldset:first-child label:nth-of-type(1)")
    has_price(page, "4 playground credits")


@step
def without_credits_nothing_is_taken_and_the_page_says_what_would_help(page):
    page.has_text("#remedies", "Standard $29")
    generates(page)
    assert "402" in steps_of_job(page) and "nothing was taken" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 0, 0, 0)


@step
def a_plan_is_bought_and_stripes_webhook_grants_it(page):
    page.button("Buy Standard", "#remedies")
    has_balance(page, 2500, 0, 0)
    assert page.text("#plan") == "Standard" and page.text("#plan-status") == "active"
    page.wait(lambda: "applied" in page.text("#events"), "an event that was applied")


@step
def two_packs_are_bought_at_once(page):
    quantity = page.find("#quantity-tune_pack")
    quantity.send_keys(Keys.CONTROL, "a")
    quantity.send_keys("2")
    page.click("#buy-tune_pack")
    has_balance(page, 2500, 2, 128)
    assert "2 × Tune pack" in page.text("#purchases") and "$18" in page.text("#purchases")


@step
def one_generate_by_keyboard_alone(page):
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.tab_to(".skip")
    page.press(Keys.ENTER)
    page.tab_to("#slider-steps")
    page.press(Keys.ARROW_RIGHT)
    page.tab_to("#generate")
    page.press(Keys.ENTER)
    page.wait(lambda: page.find("#job").get_attribute("data-over") == "true", "the job's end")
    assert "captured" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 2496, 2, 128)
    assert page.run("return document.activeElement.id") == "generate", "the focus got lost"


@step
def a_lost_answer_is_given_again_and_taken_once(page):
    page.click_label("#switch-loses")
    generates(page)
    steps = steps_of_job(page)
    assert "byte for byte" in steps and "201 · Idempotent-Replayed: true" in steps, steps
    has_balance(page, 2492, 2, 128)


@step
def of_a_job_that_fails_by_half_half_is_captured(page):
    page.click_label("#switch-fails")
    page.slide("images", 8)
    has_price(page, "16 playground credits")
    generates(page)
    assert "4 of 8 images were made" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 2484, 2, 128)
    newest(page, "capture")


@step
def what_the_debit_took_can_be_looked_into(page):
    page.wait(lambda: "…" not in "".join(page.texts("#calls td:nth-child(5)")), "the functions' lines")
    rows = page.texts("#calls tbody tr")
    assert len(rows) == 3, rows
    hold, replay, capture = ([cell.strip() for cell in row.split("\t")] for row in rows)
    assert hold[4:7] == ["3", "1", "2"], hold
    assert "replayed" in replay[2] and capture[1] == "backend", rows
    assert '"kind": "capture"' in page.text("#inside pre[aria-label='The entry it left']")


@step
def a_debit_of_a_failed_job_is_reversed(page):
    page.click_label("#switch-loses")
    page.click_label("input[name=payment]:not(:checked)")
    page.click("fieldset:has(> legend) label:has(input[name=failure])")
    generates(page)
    assert "the debit is reversed" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 2484, 2, 128)
    newest(page, "reversal")


@step
def an_upgrade_grants_the_difference_at_once(page):
    page.button("Upgrade: Business", "#shop")
    has_balance(page, 5984, 2, 128)
    assert page.text("#plan") == "Business"


@step
def a_part_of_the_money_takes_its_part_of_the_credits(page):
    page.button("Refund half: 2 × Tune pack", "#purchases")
    has_balance(page, 5984, 1, 64)
    page.has_text("#purchases tr[data-sku=tune_pack]", "partly refunded")


@step
def a_dispute_takes_the_rest_and_gives_it_back_when_it_is_won(page):
    page.button("Dispute: 2 × Tune pack", "#purchases")
    has_balance(page, 5984, 0, 0)
    page.has_text("#purchases tr[data-sku=tune_pack]", "disputed")
    page.button("Dispute won: 2 × Tune pack", "#purchases")
    has_balance(page, 5984, 1, 64)
    newest(page, "dispute_won")


@step
def an_event_that_comes_again_changes_nothing(page):
    page.button("Send again: charge.dispute.created", "#events")
    has_balance(page, 5984, 1, 64)
    page.has_text("#events", "2×")


@step
def events_that_come_late_and_in_another_order_end_the_same(page):
    page.click_label("#switch-hold-back")
    page.click("#buy-avatar_pack")
    page.has_text("#events", "held back")
    has_balance(page, 5984, 1, 64)
    page.button("Send: checkout.session.completed", "#events")
    has_balance(page, 5984, 1, 168)
    page.click_label("#switch-hold-back")
    page.wait(lambda: "held back" not in page.text("#events"), "the rest to be sent")
    has_balance(page, 5984, 1, 168)


@step
def a_hold_that_is_not_ended_expires_when_the_clock_moves(page):
    page.click_label("input[name=payment]:not(:checked)")
    page.click("label:has(input[name=failure]):last-of-type")
    generates(page)
    assert "The worker died" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 5968, 1, 168)
    assert page.text("#held-playground") == "and 16 held"
    assert len(page.find_all("#holds li")) == 1
    page.click("#move-15")
    has_balance(page, 5984, 1, 168)
    page.wait(lambda: page.find_all("#no-holds"), "no open hold")


@step
def the_month_turns(page):
    page.click("#move-month")
    page.has_text("#moved", "monthly refill")
    assert "0 failed" in page.text("#moved"), page.text("#moved")
    has_balance(page, 6000, 1, 168)
    newest(page, "refill")
    kinds = page.run("return [...document.querySelectorAll('#statement tbody tr')].map((row) => row.dataset.kind)")
    assert kinds[:3] == ["refill", "expiry", "release"], kinds
    assert "00:00:0" in page.text("#now")


@step
def a_cancelled_plan_ends_with_its_period(page):
    page.click("#cancel-period-end")
    page.has_text("#shop", "ends on")
    page.run("""
        const field = document.getElementById("move-to");
        const at = new Date(document.getElementById("now").dateTime);
        const to = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 5, 12));
        field.value = to.toISOString().slice(0, 16);""")
    page.click("#move-go")
    page.has_text("#plan-status", "canceled")
    has_balance(page, 0, 1, 168)
    page.has_text("#shop", "No subscription of this shop.")


@step
def a_tune_without_prompts_is_trained_and_paid(page):
    page.click_label("#switch-fails")
    page.click("#playground fieldset:first-child label:nth-of-type(5)")
    page.slide("train_prompts", 0)
    has_price(page, "1 tune credit")
    generates(page)
    assert "the hold is captured" in steps_of_job(page), steps_of_job(page)
    has_balance(page, 0, 0, 168)
    newest(page, "capture")


@step
def a_debit_from_a_shell_shows_up_by_itself(page):
    tokens = page.post("/local/tokens", {"account_id": "ada@example.com"})
    work = {"operation": "tune_images", "prompts": 1}
    headers = {"Authorization": f"Bearer {tokens['backend']}", "Idempotency-Key": "from-a-shell"}
    page.post("/v1/accounts/ada@example.com/debits", work, headers)
    has_balance(page, 0, 0, 160)
    newest(page, "debit")


@step
def each_balance_of_the_statement_is_the_one_before_plus_the_change(page):
    page.click("#all-entries")
    rows = page.run("""
        return [...document.querySelectorAll("#statement tbody tr")].map((row) =>
            [row.cells[0], row.cells[3], row.cells[4]].map((cell) => cell.innerText)).reverse();""")
    assert len(rows) > 20, rows
    running = [0, 0, 0]
    for at, (sequence, change, after) in enumerate(rows):
        assert int(sequence) == at + 1, (at, sequence)
        for sign, amount, kind in re.findall(r"([+−])([0-9,]+)\s(playground|tune image|tune)", change):
            running[KINDS.index(kind.replace(" ", "_"))] += (1 if sign == "+" else -1) * number(amount)
        assert [number(part) for part in after.split("·")] == running, (sequence, change, after, running)


@step
def it_is_for_everyone_in_light_in_dark_and_on_a_phone(page):
    accessible(page, "light")
    page.show(1280, 1000, "dark")
    time.sleep(0.3)
    accessible(page, "dark")
    for scheme in ("light", "dark"):
        page.show(390, 844, scheme)
        time.sleep(0.3)
        accessible(page, f"a phone, {scheme}")
        wide = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"the page is {wide} px wider than a phone"
    page.show(1280, 1000, "light")


def errors(page):
    """The console's complaints; the browser itself notes each refusal, of which the story has one."""
    refused = re.compile(r"the server responded with a status of 402")
    complaints = [line["message"] for line in page.console() if line["level"] != "INFO"]
    return [message for message in complaints if not refused.search(message)]


def picture(page, file):
    """The picture of the README: a job whose answer got lost, and of which half failed."""
    page.show(1280, 1000, "light")
    page.run("document.getElementById('notice').hidden = true; document.activeElement.blur()")
    height = page.run("""
        const top = document.getElementById("playground").getBoundingClientRect().top;
        return document.getElementById("job").getBoundingClientRect().bottom - top;""")
    page.show(1280, int(height) + 80, "light")
    page.run("document.getElementById('playground').scrollIntoView({ behavior: 'instant' })")
    time.sleep(0.3)
    page.screenshot(file)
    assert Path(file).stat().st_size < IMAGE_BYTES_MAX, f"{file} is larger than {IMAGE_BYTES_MAX} bytes"
    page.show(1280, 1000, "light")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--image", help="where the README's picture is written")
    parser.add_argument("--failed", required=True, help="where the page is shown as it was at a failure")
    arguments = parser.parse_args()
    begun = time.monotonic()
    page = Browser(arguments.url)
    steps = [*STEPS, *failures.STEPS]
    passed = 0
    try:
        for function in steps:
            started = time.monotonic()
            function(page)
            complaints = errors(page)
            assert not complaints, complaints
            passed += 1
            print(f"{time.monotonic() - started:5.1f} s  {function.__name__.replace('_', ' ')}", flush=True)
            if arguments.image and function is of_a_job_that_fails_by_half_half_is_captured:
                picture(page, arguments.image)
    except Exception as why:
        page.screenshot(arguments.failed)
        print(f"FAILED: {function.__name__.replace('_', ' ')}: {why}\nThe page then: {arguments.failed}")
        for complaint in errors(page):
            print(f"console: {complaint}")
    finally:
        page.close()
    print(f"{passed} passed, {len(steps) - passed} failed in {time.monotonic() - begun:.0f} s")
    return 0 if passed == len(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
