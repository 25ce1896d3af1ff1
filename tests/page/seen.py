"""What the page shows of an account and of a job, and what a person checks of it."""

import re

KINDS = ("playground", "tune", "tune_image")


def number(text):
    return int(re.sub(r"[^0-9]", "", text))


def balance(page, kind="playground"):
    return number(page.text(f"#balance-{kind}"))


def has_balance(page, *amounts):
    """Waits for the balance of each kind."""
    def now():
        return tuple(balance(page, kind) for kind in KINDS)
    try:
        page.wait(lambda: now() == amounts, "the balance")
    except AssertionError:
        raise AssertionError(f"the balance is {now()}, not {amounts}") from None


def has_price(page, text):
    page.wait(lambda: page.text("#price") == text, f"the price to be {text}; it is {page.text('#price')}")


def generates(page):
    """Presses Generate, and waits for the end of the job."""
    page.click("#generate")
    page.wait(lambda: page.find("#job").get_attribute("data-over") == "true", "the job's end")


def steps_of_job(page):
    return " | ".join(page.texts("#job .steps li"))


def newest(page, kind):
    page.wait(lambda: page.find("#statement tbody tr").get_attribute("data-kind") == kind, f"an entry of kind {kind}")


def accessible(page, where):
    found = page.violations()
    assert not found, f"{where}:\n" + "\n".join(found)
