"""Deploys `template.yaml` on an emulator of AWS and plays the API's main paths over HTTP.

Prints a line for each fact that is checked, and ends with `N passed, M failed`. `tests/engines/deployed/run` builds
the functions and runs this.
"""

import argparse
import json
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import providers
import stripe
import zips
from caller import Caller, Checks, credits, kinds, wait
from emulator import Emulator, Stack
from issuer import AUDIENCE, SCOPE_PREFIX, Issuer
from play_check import PlayCheck
from play_events import PlayEvents
from play_operations import PlayOperations

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "events"
LOG_LINES = 40
SECRETS = {"/scrip/stripe/webhook-secret": stripe.WEBHOOK_SECRET, "/scrip/stripe/api-key": stripe.API_KEY}

IMAGES = {"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": 2}
PRICE = 4


class Story:
    """What is played, in order: each part goes on from the account as the one before left it."""

    def __init__(self, stack: Stack, issuer: Issuer, provider: stripe.Api) -> None:
        self.stack, self.issuer, self.provider = stack, issuer, provider
        self.caller, self.checks = Caller(stack, issuer), Checks()
        self.allowance = 0

    def play(self) -> Checks:
        before = (self.public, self.access, self.purchases, self.debits)
        for part in (*before, self.money_back, self.recovery, self.month):
            print(f"\n{part.__doc__}", flush=True)
            part()
        return self.checks

    def public(self) -> None:
        """Without a token"""
        answer = self.caller.get("/v1/catalog")
        catalog = self.checks.answer("the catalog", answer, 200)
        basic = next(plan for plan in catalog["plans"] if plan["plan"] == "basic")
        self.allowance = basic["playground_credits"]
        again = self.caller.get("/v1/catalog", **{"If-None-Match": answer.headers.get("etag", "")})
        self.checks.answer("the catalog again, by its entity tag", again, 304)
        quote = self.caller.post("/v1/quotes", IMAGES)
        self.checks.answer("a quote", quote, 200, credits=credits(PRICE))
        refused = self.caller.post("/v1/quotes", {"operation": "telepathy"})
        self.checks.answer("a quote for what isn't done", refused, 400, code="invalid_request")
        form = refused.headers.get("content-type")
        self.checks.that("problems are problems", form, "application/problem+json")

    def access(self) -> None:
        """Who may"""
        token, past = self.issuer.token, int(time.time()) - 1
        stranger = Issuer()
        forged = stranger.token("buyer", "credits:read", iss=self.issuer.url)
        stranger.close()
        anyone = token("backend", "credits:read", "credits:any-account")
        for fact, given, status, members in (
            ("no token", "", 401, {}),
            ("a token that another key signed", forged, 401, {}),
            ("a token for another audience", token("buyer", "credits:read", aud="others"), 401, {}),
            ("a token that expired", token("buyer", "credits:read", exp=past), 401, {}),
            ("a token without the scope", token("buyer", "credits:debit"), 403, {}),
            ("another's account", token("mallory", "credits:read"), 403, {"code": "forbidden"}),
            ("the backend reads any account", anyone, 200, {"plan": None}),
            ("a scope without its prefix", token("buyer", scope="credits:read"), 403, {}),
            ("one's own account", token("buyer", "credits:read"), 200, {"balance": credits()}),
        ):
            self.checks.answer(fact, self.caller.get("/v1/accounts/buyer", given), status, **members)
        subject = "auth0|5f7c8ec7c33c6c004bbafe82"
        for fact, path, status in (
            ("a subject as it is", subject, 200),
            ("a subject, encoded", subject.replace("|", "%7C"), 200),
            ("a subject, encoded twice", subject.replace("|", "%257C"), 400),
        ):
            got = self.caller.get(f"/v1/accounts/{path}", token(subject, "credits:read"))
            self.checks.answer(fact, got, status)

    def purchases(self) -> None:
        """Purchases, by signed webhooks"""
        check, now = self.checks.answer, int(time.time())
        plan, pack = self.provider.sell_plan("buyer", now), self.provider.sell_pack("buyer", now)
        check("a forged event", self.caller.tell(plan, "whsec_forged"), 400, code="invalid_signature")
        check("a plan is paid", self.caller.tell(plan), 200, outcome="applied")
        check("the same event again", self.caller.tell(plan), 200, outcome="unchanged")
        check("a pack is paid", self.caller.tell(pack), 200, outcome="applied")
        unknown = stripe.event("checkout.session.completed", "stranger", now)
        check("of what Stripe doesn't show", self.caller.tell(unknown), 200, outcome="ignored")
        account = self.caller.get("/v1/accounts/buyer", self.issuer.token("buyer", "credits:read"))
        both = credits(self.allowance, 1, 64)
        check("the account has both", account, 200, plan="basic", plan_status="active", balance=both)
        self.checks.that("both are listed", self._bought("buyer"), {"tune_pack": "paid", "basic_monthly": "paid"})

    def debits(self) -> None:
        """Debits and reversals"""
        check, path = self.checks.answer, "/v1/accounts/buyer"
        token = self.issuer.token("buyer", "credits:read", "credits:debit")
        quote = self.caller.post(f"{path}/quotes", IMAGES, token)
        check("a quote for the account", quote, 200, affordable=True, credits=credits(PRICE))
        left = credits(self.allowance - PRICE, 1, 64)
        first = self.caller.post(f"{path}/debits", IMAGES, token, "job-1")
        check("a debit", first, 201, debit_id="job-1", credits=credits(PRICE), balance=left, sequence=3)
        again = self.caller.post(f"{path}/debits", IMAGES, token, "job-1")
        self.checks.that(
            "201  the debit again, the same answer", (again.status, again.body), (201, first.body)
        )
        self.checks.that("     which says so", again.headers.get("idempotent-replayed"), "true")
        other = self.caller.post(f"{path}/debits", {**IMAGES, "images": 1}, token, "job-1")
        check("its key for another debit", other, 422, code="idempotency_key_reused")
        dear = {"operation": "tune_images", "prompts": 100}
        poor = self.caller.post(f"{path}/debits", dear, token, "job-2")
        check("more than there is", poor, 402, code="insufficient_credits", balance=left)
        failed = {"credits": credits(1), "reason": "one failed"}
        reversals = f"{path}/debits/job-1/reversals"
        self.checks.answer(
            "a user reverses themselves", self.caller.post(reversals, failed, token, "job-1-failed"), 403
        )
        settler = self.issuer.token("buyer", "credits:settle")
        reversal = self.caller.post(reversals, failed, settler, '"job-1-failed"')
        after = credits(self.allowance - PRICE + 1, 1, 64)
        check("a reversal", reversal, 201, debit_id="job-1", credits=credits(1), balance=after, sequence=4)
        found = kinds(self.caller.entries("buyer"))
        self.checks.that("the ledger has it all", found, "reversal debit purchase purchase")

    def money_back(self) -> None:
        """The money back"""
        pack = stripe.event("checkout.session.completed", "buyer", 0)["data"]["object"]["payment_intent"]
        path, body = f"/v1/accounts/buyer/purchases/{pack}/refund", {"reason": "changed their mind"}
        user = self.issuer.token("buyer", "credits:debit")
        self.checks.answer("a user refunds themselves", self.caller.post(path, body, user), 403)
        support = self.issuer.token("support", "credits:refund")
        first = self.caller.post(path, body, support)
        done = {
            "status": "refunded",
            "credits_revoked": credits(0, 1, 64),
            "provider_refund_id": f"re_{pack}",
        }
        self.checks.answer("support refunds the pack", first, 200, **done)
        again = self.caller.post(path, body, support)
        self.checks.that("200  and again, the same answer", (again.status, again.body), (200, first.body))
        self.checks.that("Stripe gave the money of one payment", list(self.provider.refunds), [pack])
        listed = {"tune_pack": "refunded", "basic_monthly": "paid"}
        self.checks.that("which the list of purchases says", self._bought("buyer"), listed)

    def recovery(self) -> None:
        """An event that Stripe could not deliver"""
        sold = self.provider.sell_pack("missed", int(time.time()))
        self.provider.lose(sold)
        for fact, command, expected in (
            ("a dry run would apply it", {"undelivered": True, "dry_run": True}, {"applied": 1}),
            ("a recovery applies it", {"undelivered": True}, {"applied": 1}),
            ("another has nothing to do", {"undelivered": True}, {"unchanged": 1}),
            ("nor has one for the object", {"object_id": sold["data"]["object"]["id"]}, {"unchanged": 1}),
            ("nothing is parked", {"parked": True}, {}),
        ):
            counts = {"applied": 0, "unchanged": 0, "ignored": 0, "parked": 0, "failed": 0, "remaining": 0}
            summary = self.stack.invoke("PurchaseWebhookFunction", {"command": "recover"} | command)
            self.checks.that(fact, {name: summary.get(name) for name in counts}, counts | expected)
        self.checks.that("the account has the pack, once", self._bought("missed"), {"tune_pack": "paid"})

    def month(self) -> None:
        """The month turns: Scheduler, function, queue, workers"""
        turn = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self._spend_before(turn)
        self.checks.that("last month's entries", kinds(self.caller.entries("regular")), "debit purchase")
        self._schedule_once(turn)
        turned = "refill expiry debit purchase"
        found = wait(lambda: kinds(self.caller.entries("regular")), turned)
        self.checks.that("the schedule's turn reaches the account", found, turned)
        token = self.issuer.token("regular", "credits:read")
        account = self.caller.get("/v1/accounts/regular", token)
        full = credits(self.allowance)
        self.checks.answer("the account has the month's allowance", account, 200, balance=full)
        self.checks.that("the queues are empty", *self._empty_queues())
        for schedule in self._schedules():
            target = schedule["Target"]
            event = json.loads(_filled_in(target["Input"], turn))
            try:
                got = self.stack.invoke(target["Arn"], event)
            except RuntimeError as error:
                got = {"failed": str(error)}
            result = got.get("status", 200), got.get("failed", 0)
            self.checks.that(f"the target of {schedule['Name']} takes its input", result, (200, 0))
        self.checks.that("the queues are empty", *self._empty_queues())
        self.checks.that("nothing has changed", kinds(self.caller.entries("regular")), turned)
        found = kinds(self.caller.entries("buyer"))
        bought = "refund reversal debit purchase purchase"
        self.checks.that("an account that bought this month has no turn", found, bought)

    def _bought(self, account: str) -> dict[str, str]:
        """The status of an account's purchases, by SKU."""
        token = self.issuer.token(account, "credits:read")
        listed = self.caller.get(f"/v1/accounts/{account}/purchases", token).body["purchases"]
        return {line["sku"]: purchase["status"] for purchase in listed for line in purchase["lines"]}

    def _spend_before(self, turn: datetime) -> None:
        """An account buys a plan and spends a day before that moment.

        The functions take the time from the gateway's event, so they are called with one of that day.
        """
        at = int((turn - timedelta(days=1)).timestamp())
        body = json.dumps(self.provider.sell_plan("regular", at))
        webhook = _gateway_event("webhook", at)
        webhook["body"], webhook["headers"]["stripe-signature"] = body, stripe.sign(body, at)
        bought = self.stack.invoke("PurchaseWebhookFunction", webhook)
        self.checks.that("a plan is paid last month", bought["body"], '{"outcome":"applied"}')
        spent = self.stack.invoke("DebitFunction", _gateway_event("debit", at, "regular"))
        self.checks.that("and spent from", spent["statusCode"], 201)

    def _schedule_once(self, turn: datetime) -> None:
        """The monthly schedule once more, due now: its target, and its input with what Scheduler fills in."""
        (target,) = (
            each["Target"] for each in self._schedules() if each["ScheduleExpression"].startswith("cron(0 0 1 ")
        )
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.stack.client("scheduler").create_schedule(
            Name="now",
            ScheduleExpression=f"at({now})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=target | {"Input": _filled_in(target["Input"], turn)},
        )

    def _schedules(self) -> list[dict]:
        scheduler = self.stack.client("scheduler")
        names = self.stack.ids("AWS::Scheduler::Schedule").values()
        return [scheduler.get_schedule(Name=name) for name in names]

    def _empty_queues(self) -> tuple[dict[str, int], dict[str, int]]:
        empty = dict.fromkeys(self.stack.ids("AWS::SQS::Queue"), 0)
        return wait(self.stack.waiting_messages, empty), empty


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
    context = event["requestContext"]
    context["timeEpoch"] = at * 1000
    if "authorizer" in context:
        # The issuer's scopes have a prefix, the samples' have none.
        claims = context["authorizer"]["jwt"]["claims"]
        claims["scope"] = " ".join(f"{SCOPE_PREFIX}{scope}" for scope in claims["scope"].split())
    return event


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--architecture", choices=["arm64", "x86_64"], required=True)
    arguments.add_argument("--template", type=Path, default=ROOT / "template.yaml", help="another one to try")
    given = arguments.parse_args()
    started = time.monotonic()
    # On SIGTERM it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    issuer, provider, emulator = Issuer(), stripe.Api(), Emulator()
    try:
        print("Starting the emulator ...", flush=True)
        emulator.wait_until_ready()
        ssm = emulator.client("ssm")
        for name, value in SECRETS.items():
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        print(f"Deploying {given.template.name} ...", flush=True)
        parameters = {
            "JwtIssuer": issuer.url,
            "JwtAudience": ",".join([AUDIENCE, *(recipe.audience for recipe in providers.recipes())]),
            "ScopePrefix": SCOPE_PREFIX,
            "StripeApiBase": provider.url,
            "Architecture": given.architecture,
            "Outbox": "On",
        }
        emulator.upload(given.template, zips.packaged())
        stack = emulator.create(parameters)
        checks = Story(stack, issuer, provider).play()
        PlayEvents(stack, issuer, checks).play()
        PlayCheck(stack, issuer, provider, checks).play()
        PlayOperations(emulator, stack, parameters, issuer, provider, checks).play()
        if checks.failed:
            print(f"\nThe emulator's log ends:\n{emulator.log_tail(LOG_LINES)}")
    except Exception:
        print(f"\nThe emulator's log ends:\n{emulator.log_tail(LOG_LINES)}")
        raise
    finally:
        emulator.close()
        provider.close()
        issuer.close()
    seconds = time.monotonic() - started
    print(f"\nPlayed on the emulator in {seconds:.0f} s.\n{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
