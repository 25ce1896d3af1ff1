"""The story of story.ts, through the Python client of docs/clients.md.

story.py STACK NETWORK
"""

import datetime
import json
import sys
import urllib.parse
import urllib.request
from typing import Any

import httpx
from jobs import Reversed, pay, run
from scrip import connect

from scrip_client.api.accounts import get_account, list_entries, quote_for_account
from scrip_client.api.debits import reverse_debit
from scrip_client.api.holds import capture_hold, create_hold, release_hold
from scrip_client.api.prices import quote_price
from scrip_client.api.refunds import refund_purchase
from scrip_client.models import (
    AccountQuote,
    Capture,
    CaptureEntry,
    CaptureRequest,
    Credits,
    Debit,
    DebitEntry,
    EntryPage,
    ForbiddenProblem,
    Hold,
    HoldEntry,
    HoldSettledProblem,
    HoldUpscale,
    Quote,
    QuoteTextToImage,
    Refund,
    RefundEntry,
    RefundRequest,
    ReleaseRequest,
    Reversal,
    ReversalRequest,
    TextToImage,
)

ACCOUNT = "google-oauth2|python"
stack, network = sys.argv[1:]


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def buy(sku: str) -> str:
    purchase: str = ask(f"{stack}/local/buy", {"account_id": ACCOUNT, "sku": sku})["purchase_id"]
    return purchase


def attempts(path: str, key: str = "") -> int:
    """How often a request to that path, below the account's, was sent with that key."""
    path = f"/v1/accounts/{urllib.parse.quote(ACCOUNT, safe='')}/{path}"
    count: int = ask(f"{network}/attempts?{urllib.parse.urlencode({'path': path, 'key': key})}")
    return count


def equal(left: object, right: object) -> None:
    assert left == right, f"{left} is not {right}"


# Noon of the 2nd of a month: no month ends meanwhile.
now = datetime.datetime.fromisoformat(ask(f"{stack}/local/state")["now"][:19] + "+00:00")
second = (now.replace(day=1) + datetime.timedelta(days=32)).replace(day=2, hour=12)
ask(f"{stack}/local/clock", {"to": second.isoformat(), "runs_schedule": False})
tokens = ask(f"{stack}/local/tokens", {"account_id": ACCOUNT})
user, backend, support = (connect(network, tokens[caller]) for caller in ("user", "backend", "support"))

buy("basic_monthly")
pack = buy("tune_pack")

# A price, and what the account can afford.
work = QuoteTextToImage(operation="text_to_image", width=768, height=512, steps=80, images=2)
price = quote_price.sync(client=user, body=work)
assert isinstance(price, Quote), price
equal(price.credits_, Credits(playground=4, tune=0, tune_image=0))
equal(price.operation, TextToImage(operation="text_to_image", width=768, height=512, steps=80, images=2))
quote = quote_for_account.sync(ACCOUNT, client=user, body=work)
assert isinstance(quote, AccountQuote), quote
equal(
    (quote.affordable, quote.affordable_images, quote.balance),
    (True, 500, Credits(playground=1000, tune=1, tune_image=64)),
)

# A job of which one image fails, and of which every first answer gets lost.
worked: list[int] = []


def upscale(images: int) -> int:
    worked.append(images)
    return images - 1


done = run(backend, ACCOUNT, "upscale-lost", 4, upscale)
assert isinstance(done, Capture), done
equal(
    (done.captured, done.returned, done.balance),
    (Credits(6, 0, 0), Credits(2, 0, 0), Credits(994, 1, 64)),
)
equal((attempts("holds", "upscale-lost"), attempts("holds/upscale-lost/capture")), (3, 3))

# The job again, under its key: no work, no credits. The hold and the capture again: the same answers.
equal(run(backend, ACCOUNT, "upscale-lost", 4, upscale), "captured")
equal(worked, [4])
held = create_hold.sync_detailed(
    ACCOUNT,
    client=user,
    idempotency_key="upscale-lost",
    body=HoldUpscale(operation="upscale", factor=4, images=4, expires_in=3600),
)
assert isinstance(held.parsed, Hold), held
equal((held.headers["Idempotent-Replayed"], held.headers["Hold-Status"]), ("true", "captured"))
equal((held.parsed.status, held.parsed.credits_), ("held", Credits(8, 0, 0)))
replay = capture_hold.sync_detailed(ACCOUNT, "upscale-lost", client=backend, body=CaptureRequest(images=3))
equal((replay.headers["Idempotent-Replayed"], replay.parsed), ("true", done))
other = release_hold.sync(ACCOUNT, "upscale-lost", client=backend, body=ReleaseRequest())
assert isinstance(other, HoldSettledProblem), other
equal((other.code, other.hold_status, other.captured), ("hold_settled", "captured", Credits(6, 0, 0)))

# A debit whose first answer is cut, and one for which there is too little: asked once, and paid for under the same key
# after a purchase.
first = pay(user, ACCOUNT, "tune-cut", 5)
equal(attempts("debits", "tune-cut"), 2)
assert isinstance(first, Debit), first
equal((first.credits_, first.balance), (Credits(0, 0, 40), Credits(994, 1, 24)))
equal(pay(user, ACCOUNT, "tune-cut", 5), first)
equal(pay(user, ACCOUNT, "tune-2", 10), ["tune_pack", "avatar_pack"])
equal(attempts("debits", "tune-2"), 1)
buy("avatar_pack")
paid = pay(user, ACCOUNT, "tune-2", 10)
assert isinstance(paid, Debit), paid
equal((paid.credits_, paid.balance), (Credits(0, 0, 80), Credits(994, 1, 48)))


# A pack goes back: what was spent of it stays spent.
def refund() -> Refund:
    answer = refund_purchase.sync(ACCOUNT, pack, client=support, body=RefundRequest(reason="changed their mind"))
    assert isinstance(answer, Refund), answer
    return answer


refunded = refund()
equal((refunded.status, refunded.amount, refunded.currency), ("refunded", 900, "usd"))
equal((refunded.credits_revoked, refunded.credits_spent), (Credits(0, 1, 48), Credits(0, 0, 16)))
equal(refund(), refunded)

# The ledger says all of it once, newest first.
page = list_entries.sync(ACCOUNT, client=user)
assert isinstance(page, EntryPage), page
shown: list[object] = []
for entry in page.entries:
    if isinstance(entry, (DebitEntry, HoldEntry)):
        shown.append((entry.kind, entry.operation.operation))
    elif isinstance(entry, CaptureEntry):
        shown.append((entry.kind, entry.captured.playground))
    elif isinstance(entry, RefundEntry):
        shown.append((entry.kind, entry.credits_spent.tune_image))
    else:
        shown.append(entry.kind)
equal(
    shown,
    [
        ("refund", 16),
        ("debit", "tune_images"),
        "purchase",
        ("debit", "tune_images"),
        ("capture", 6),
        ("hold", "upscale"),
        "purchase",
        "purchase",
    ],
)
equal(page.entries[0].balance, Credits(994, 0, 0))

# A job whose credits came back isn't paid for by its old key.
reversal = reverse_debit.sync(
    ACCOUNT, "tune-2", client=backend, idempotency_key="tune-2-failed", body=ReversalRequest()
)
assert isinstance(reversal, Reversal), reversal
try:
    pay(user, ACCOUNT, "tune-2", 10)
except Reversed as reversed_credits:
    equal(str(reversed_credits), "playground=0, tune=0, tune_image=80")
else:
    raise AssertionError("a reversed job was paid for")

# Another's account, and a token that is none.
equal(type(get_account.sync("another", client=user)), ForbiddenProblem)
try:
    get_account.sync(ACCOUNT, client=connect(network, "none"))
except httpx.HTTPStatusError as refusal:
    equal(refusal.response.status_code, 401)
else:
    raise AssertionError("a stranger was answered")

print("Python: quote, hold, capture, replay, refusal and refund are as documented.")
