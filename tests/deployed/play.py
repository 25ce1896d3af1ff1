"""Deploys `template.yaml` on an emulator of AWS and plays the contract's main paths over HTTP.

Prints a line for each fact that is checked and ends with `N passed, M failed`. Needs the functions' zips
(`zips.py`); `tests/deployed/run` makes everything and runs this.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import stripe
import zips
from emulator import Emulator, Stack
from issuer import AUDIENCE, Issuer
from loopback import Answer

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
WAIT_SECONDS_MAX = 60
LOG_LINES = 40
SECRETS = {"/scrip/stripe/webhook-secret": stripe.WEBHOOK_SECRET, "/scrip/stripe/api-key": stripe.API_KEY}

IMAGES = {"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2}
PRICE = 4


class Checks:
    """What was found, fact by fact."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def that(self, fact: str, got: object, expected: object) -> None:
        right = got == expected
        self.passed, self.failed = self.passed + right, self.failed + (not right)
        print(f"{'ok  ' if right else 'FAIL'}  {fact}", flush=True)
        if not right:
            print(f"      expected {expected}\n      got      {got}", flush=True)

    def answer(self, fact: str, answer: Answer, status: int, /, **members: object) -> Any:
        """Checks the status and the named members of the body, and returns the body."""
        body = answer.body if isinstance(answer.body, dict) else {"": answer.body}
        got = {name: body.get(name) for name in members} if answer.status == status else body
        self.that(f"{status}  {fact}", (answer.status, got), (status, members))
        return answer.body


class Player:
    """The deployed service as its callers see it."""

    def __init__(self, stack: Stack, issuer: Issuer, bank: stripe.Api) -> None:
        self.stack, self.issuer, self.bank = stack, issuer, bank
        self.checks = Checks()

    def get(self, path: str, token: str = "") -> Answer:
        return self.stack.call("GET", path, _bearer(token))

    def post(self, path: str, body: object, token: str = "", key: str = "") -> Answer:
        headers = {"Content-Type": "application/json", **_bearer(token)}
        headers |= {"Idempotency-Key": key} if key else {}
        return self.stack.call("POST", path, headers, json.dumps(body))

    def entries(self, account: str) -> list[dict]:
        token = self.issuer.token(account, "credits:read")
        return self.get(f"/v1/accounts/{account}/entries?limit=100", token).body["entries"]

    def tell(self, event: dict, secret: str = stripe.WEBHOOK_SECRET) -> Answer:
        """Sends an event to the webhook, as Stripe does."""
        body = json.dumps(event)
        headers = {"Content-Type": "application/json", "Stripe-Signature": stripe.sign(body, int(time.time()), secret)}
        return self.stack.call("POST", "/v1/webhooks/stripe", headers, body)

    def play(self) -> Checks:
        for part in (self.public, self.access, self.purchases, self.debits, self.money_back, self.month):
            print(f"\n{part.__doc__}", flush=True)
            part()
        return self.checks

    def public(self) -> None:
        """Without a token"""
        answer = self.get("/v1/catalog")
        catalog = self.checks.answer("the catalog", answer, 200)
        self.allowance = next(plan for plan in catalog["plans"] if plan["plan"] == "basic")["playground_credits"]
        again = self.stack.call("GET", "/v1/catalog", {"If-None-Match": answer.headers.get("etag", "")})
        self.checks.answer("the catalog again, by its entity tag", again, 304)
        quote = self.post("/v1/quotes", IMAGES)
        self.checks.answer("a quote", quote, 200, credits=_credits(PRICE))
        refused = self.post("/v1/quotes", {"operation": "telepathy"})
        self.checks.answer("a quote for what isn't done", refused, 400, code="invalid_request")
        self.checks.that("problems are problems", refused.headers.get("content-type"), "application/problem+json")

    def access(self) -> None:
        """Who may"""
        check, token, path = self.checks.answer, self.issuer.token, "/v1/accounts/buyer"
        check("no token", self.get(path), 401)
        stranger = Issuer()
        forged = stranger.token("buyer", "credits:read", iss=self.issuer.url)
        stranger.close()
        check("a token that another key signed", self.get(path, forged), 401)
        check("a token for another audience", self.get(path, token("buyer", "credits:read", aud="others")), 401)
        check("a token that expired", self.get(path, token("buyer", "credits:read", exp=int(time.time()) - 1)), 401)
        check("a token without the scope", self.get(path, token("buyer", "credits:debit")), 403)
        check("another's account", self.get(path, token("mallory", "credits:read")), 403, code="forbidden")
        backend = token("backend", "credits:read", "credits:any-account")
        check("the backend reads any account", self.get(path, backend), 200, plan=None, balance=_credits())
        check("one's own account", self.get(path, token("buyer", "credits:read")), 200, plan_status="none")

    def purchases(self) -> None:
        """Purchases, by signed webhooks"""
        check, now = self.checks.answer, int(time.time())
        plan, pack = (stripe.event(kind, "buyer", now) for kind in ("invoice.paid", "checkout.session.completed"))
        check("a forged event", self.tell(plan, "whsec_forged"), 400, code="invalid_signature")
        check("a plan is paid", self.tell(plan), 200, outcome="applied")
        check("the same event again", self.tell(plan), 200, outcome="duplicate")
        check("a pack is paid", self.tell(pack), 200, outcome="applied")
        account = self.get("/v1/accounts/buyer", self.issuer.token("buyer", "credits:read"))
        check(
            "the account has both", account, 200,
            plan="basic", plan_status="active", balance=_credits(self.allowance, 1, 64),
        )

    def debits(self) -> None:
        """Debits and reversals"""
        check, path = self.checks.answer, "/v1/accounts/buyer"
        token = self.issuer.token("buyer", "credits:read", "credits:debit")
        quote = self.post(f"{path}/quotes", IMAGES, token)
        check("a quote for the account", quote, 200, affordable=True, credits=_credits(PRICE))
        left = _credits(self.allowance - PRICE, 1, 64)
        first = self.post(f"{path}/debits", IMAGES, token, "job-1")
        check("a debit", first, 201, debit_id="job-1", credits=_credits(PRICE), balance=left, sequence=3)
        again = self.post(f"{path}/debits", IMAGES, token, "job-1")
        self.checks.that("201  the same debit again, the same answer", (again.status, again.body), (201, first.body))
        self.checks.that("     which says so", again.headers.get("idempotent-replayed"), "true")
        other = self.post(f"{path}/debits", {**IMAGES, "images": 1}, token, "job-1")
        check("its key for another debit", other, 422, code="idempotency_key_reused")
        poor = self.post(f"{path}/debits", {"operation": "tune_images", "prompts": 100}, token, "job-2")
        check("more than there is", poor, 402, code="insufficient_credits", balance=left)
        reversal = self.post(
            f"{path}/debits/job-1/reversals", {"credits": _credits(1), "reason": "one failed"}, token, "job-1-failed"
        )
        after = _credits(self.allowance - PRICE + 1, 1, 64)
        check("a reversal", reversal, 201, debit_id="job-1", credits=_credits(1), balance=after, sequence=4)
        self.checks.that("the ledger has it all", _kinds(self.entries("buyer")), "reversal debit purchase purchase")

    def money_back(self) -> None:
        """The money back"""
        pack = stripe.event("checkout.session.completed", "buyer", 0)["data"]["object"]["payment_intent"]
        path, body = f"/v1/accounts/buyer/purchases/{pack}/refund", {"reason": "changed their mind"}
        user = self.issuer.token("buyer", "credits:debit")
        self.checks.answer("a user refunds themselves", self.post(path, body, user), 403)
        support = self.issuer.token("support", "credits:refund")
        first = self.post(path, body, support)
        self.checks.answer(
            "support refunds the pack", first, 200,
            status="refunded", credits_revoked=_credits(0, 1, 64), provider_refund_id=f"re_{pack}",
        )
        again = self.post(path, body, support)
        self.checks.that("200  and again, the same answer", (again.status, again.body), (200, first.body))
        self.checks.that("Stripe gave the money of one payment", list(self.bank.refunds), [pack])

    def month(self) -> None:
        """The month turns: Scheduler, function, queue, workers"""
        turn = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self._spend_before(turn)
        self.checks.that("last month's entries", _kinds(self.entries("regular")), "debit purchase")
        self._schedule_once(turn)
        turned = "refill expiry debit purchase"
        kinds = _wait(lambda: _kinds(self.entries("regular")), turned)
        self.checks.that("the schedule's turn reaches the account", kinds, turned)
        token = self.issuer.token("regular", "credits:read")
        account = self.get("/v1/accounts/regular", token)
        self.checks.answer("the account has the month's allowance", account, 200, balance=_credits(self.allowance))
        self.checks.that("the queues are empty", *self._empty_queues())
        for schedule in self._schedules():
            target = schedule["Target"]
            event = json.loads(_filled_in(target["Input"], turn))
            try:
                got = self.stack.invoke(target["Arn"], event)
            except RuntimeError as error:
                got = {"failed": str(error)}
            said = got.get("statusCode", 200), got.get("failed", 0)
            self.checks.that(f"the target of {schedule['Name']} takes its input", said, (200, 0))
        self.checks.that("the queues are empty", *self._empty_queues())
        self.checks.that("nothing has changed", _kinds(self.entries("regular")), turned)
        kinds = _kinds(self.entries("buyer"))
        self.checks.that("who bought this month was left alone", kinds, "refund reversal debit purchase purchase")

    def _spend_before(self, turn: datetime) -> None:
        """An account buys a plan and spends a day before that moment.

        The functions take the time from the gateway's event, so they are called with one of that day.
        """
        at = int((turn - timedelta(days=1)).timestamp())
        body = json.dumps(stripe.event("invoice.paid", "regular", at))
        webhook = _gateway_event("webhook", at)
        webhook["body"], webhook["headers"]["stripe-signature"] = body, stripe.sign(body, at)
        bought = self.stack.invoke("PurchaseWebhookFunction", webhook)
        self.checks.that("a plan is paid last month", (bought["statusCode"], bought["body"]), (200, '{"outcome":"applied"}'))
        spent = self.stack.invoke("DebitFunction", _gateway_event("debit", at, "regular"))
        self.checks.that("and spent from", spent["statusCode"], 201)

    def _schedule_once(self, turn: datetime) -> None:
        """The monthly schedule once more, due now: the same target and input, with what Scheduler fills in."""
        (monthly,) = [schedule for schedule in self._schedules() if schedule["ScheduleExpression"].startswith("cron")]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.stack.client("scheduler").create_schedule(
            Name="now", ScheduleExpression=f"at({now})", FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=monthly["Target"] | {"Input": _filled_in(monthly["Target"]["Input"], turn)},
        )

    def _schedules(self) -> list[dict]:
        scheduler = self.stack.client("scheduler")
        names = self.stack.ids("AWS::Scheduler::Schedule").values()
        return [scheduler.get_schedule(Name=name) for name in names]

    def _empty_queues(self) -> tuple[dict[str, int], dict[str, int]]:
        empty = dict.fromkeys(self.stack.ids("AWS::SQS::Queue"), 0)
        return _wait(self.stack.waiting_messages, empty), empty


def _wait(look: Callable[[], Any], expected: object) -> Any:
    """What is seen once it is as expected, or when the time is up."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := look()) != expected and time.monotonic() < until:
        time.sleep(0.5)
    return seen


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _credits(playground: int = 0, tune: int = 0, tune_image: int = 0) -> dict[str, int]:
    return {"playground": playground, "tune": tune, "tune_image": tune_image}


def _kinds(entries: list[dict]) -> str:
    return " ".join(entry["kind"] for entry in entries)


def _filled_in(schedule_input: str, at: datetime) -> str:
    """A schedule's input with the context that Scheduler puts in."""
    context = {"scheduled-time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "execution-id": "played"}
    for name, value in context.items():
        schedule_input = schedule_input.replace(f"<aws.scheduler.{name}>", value)
    return schedule_input


def _gateway_event(sample: str, at: int, account: str = "") -> dict:
    """A sample of what the gateway hands to a function, at that time and for that account."""
    text = (EVENTS / f"{sample}.json").read_text()
    event = json.loads(text.replace("demo-standard", account) if account else text)
    event["requestContext"]["timeEpoch"] = at * 1000
    return event


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--architecture", choices=["arm64", "x86_64"], required=True)
    architecture = arguments.parse_args().architecture
    started = time.monotonic()
    issuer, bank, emulator = Issuer(), stripe.Api(), Emulator()
    try:
        print("Starting the emulator ...", flush=True)
        emulator.wait_until_ready()
        ssm = emulator.client("ssm")
        for name, value in SECRETS.items():
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        print("Deploying template.yaml ...", flush=True)
        parameters = {
            "JwtIssuer": issuer.url, "JwtAudience": AUDIENCE, "StripeApiBase": bank.url, "Architecture": architecture,
        }
        stack = emulator.deploy(ROOT / "template.yaml", parameters, zips.packaged())
        checks = Player(stack, issuer, bank).play()
        if checks.failed:
            print(f"\nThe emulator's log ends:\n{emulator.log_tail(LOG_LINES)}")
    except Exception:
        print(f"\nThe emulator's log ends:\n{emulator.log_tail(LOG_LINES)}")
        raise
    finally:
        emulator.close()
        bank.close()
        issuer.close()
    print(f"\nPlayed on the emulator in {time.monotonic() - started:.0f} s: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
