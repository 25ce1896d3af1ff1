"""Checks a deployed stack from outside; `arguments.py` says what it takes, and `check --help` prints that."""

import json
import os
import secrets
import signal
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import arguments
import claims
import statement
from api_facts import ApiFacts, GaveUp, explained
from caller import Checks
from claims import Claims, Unfit
from plan import CALLS_FACTOR_MAX, Plan
from service import Service, Stopped, Unreachable

SECONDS_MAX = 600
AFTER_SECONDS_MAX = 300
# For a look at the account, before it is known what will be sent.
LOOK_CALLS = 60
USER_AGENT = "scrip-check/1"
UNFIT = 2


class Unready(Exception):
    """It can't begin; says what to do."""


class Check:
    """One check of one stack."""

    def __init__(self, options: Namespace) -> None:
        self.options, self.checks = options, Checks()
        self.prefix = f"check-{secrets.token_hex(4)}-"
        self.started = datetime.now(UTC)
        self.claims = self._claims()
        self.stack = self._stack()
        self.url = options.url or self.stack.deployment.output("ApiUrl")
        self.service = Service(self.url, USER_AGENT)
        self.account = options.account or self.claims.account
        self.api = ApiFacts(self.service, self.checks, options.token, self.account, self.prefix)

    def _claims(self) -> Claims:
        options = self.options
        read = claims.claims(options.token, options.account_claim)
        read.need("credits:read", "credits:debit")
        if not options.keep and not read.allows("credits:settle"):
            raise Unready(
                "the token has no credits:settle, so what is taken can't be given back: "
                "give another, or say --keep to leave it taken"
            )
        account = options.account or read.account
        if not account:
            raise Unready(f"the token has no claim {options.account_claim}: say --account or --account-claim")
        if account != read.account:
            read.need("credits:any-account")
        if options.purchase:
            claims.claims(options.support_token, options.account_claim).need("credits:refund")
        return read

    def _stack(self) -> Any:
        if not self.options.stack:
            return None
        # Only here boto3 is needed.
        from deployment import Deployment, Unavailable
        from stack_facts import StackFacts

        if self.options.verify and not Path(self.options.verify).is_file():
            raise Unready(f"there is no program {self.options.verify}: cargo build --release --package scrip-verify")
        try:
            deployment = Deployment(self.options.stack, self.options.endpoint_url)
        except Unavailable as error:
            raise Unready(str(error)) from error
        return StackFacts(deployment, self.checks)

    def look(self) -> Plan:
        """Asks what the account has, and says what will be sent and taken."""
        self.service.allow(LOOK_CALLS, SECONDS_MAX)
        self.service.reach("/v1/catalog")
        quote = self.api.quote()
        if quote.status != 200:
            raise Unready(explained(quote))
        plan = Plan(self.options.debits, not self.options.keep, quote.body["credits"])
        affordable = quote.body["affordable_images"]
        if affordable is None:
            raise Unready("the catalog has an image for nothing: there is nothing to take")
        has = f"the account {self.account} has {statement.written(quote.body['balance'])}"
        if affordable < plan.images:
            raise Unready(
                f"{has}, and {statement.written(plan.credits_max)} are needed: "
                f"give it more, or take less by --debits (8 or more)"
            )
        if (purchase := self.options.purchase) and not self.api.purchase(purchase):
            raise Unready(f"{purchase} is none of the account's newest purchases")
        newest = self.api.remember()
        end = "given back at the end" if plan.gives_back else "kept (--keep)"
        print(
            f"Checks {self.url}\n"
            f"  {has}; its newest entry is {newest['sequence']}\n"
            f"  takes {statement.written(plan.credits_max)} at most, {end}; ids begin with {self.prefix}\n"
            f"  sends {plan.calls} requests, {plan.calls_max} at most if asked to try again, "
            f"within {(SECONDS_MAX + AFTER_SECONDS_MAX) // 60} minutes\n"
            f"  costs {plan.cents_max:.1f} cents at most, at AWS's list prices",
            flush=True,
        )
        if self.options.purchase:
            print(f"  refunds the purchase {self.options.purchase} in Stripe's test mode")
        return plan

    def run(self, plan: Plan) -> None:
        """All parts; whatever happens, what was taken is given back and what was made for it is deleted."""
        seconds = min(SECONDS_MAX, self.claims.seconds_left - claims.SECONDS_LEFT_MIN / 2)
        self.service.allow(CALLS_FACTOR_MAX * plan.calls_to_take, seconds)
        try:
            if self.options.with_events:
                self._part(lambda: self.stack.listen(self.prefix), self.stack.listen)
            try:
                self._part(lambda: self.api.access(self.claims.allows("credits:any-account")), self.api.access)
                self._part(lambda: self.api.one_debit(plan), self.api.one_debit)
                if plan.gives_back:
                    self._part(lambda: self.api.reversals(plan), self.api.reversals)
                self._part(lambda: self.api.many_debits(plan, self.options.parallel), self.api.many_debits)
            finally:
                self._give_back(plan)
            if self.options.purchase:
                money_back = self.api.money_back
                self._part(lambda: money_back(self.options.purchase, self.options.support_token), money_back)
            entries = self._part(lambda: self.api.ledger(plan), self.api.ledger).entries
            if self.options.with_events and self.stack.has_events:
                events = self.stack.events
                self._part(lambda: events(self.prefix, entries, self.account), events)
        finally:
            if self.options.with_events:
                self.stack.hang_up()
        self._part(self.api.whole, self.api.whole)
        if self.stack:
            self._part(self.stack.alarms, self.stack.alarms)
            self._part(self.stack.roles, self.stack.roles)
        if self.options.verify:
            verify = self.stack.verify
            self._part(lambda: verify(self.options.verify, self.options.endpoint_url), verify)

    def _part(self, play: Callable[[], Any], named: Callable) -> Any:
        print(f"\n{named.__doc__}", flush=True)
        return play()

    def _give_back(self, plan: Plan) -> None:
        """In any case, so with requests and time of its own."""
        interrupted = self.service.stop.is_set()
        self.service.allow(CALLS_FACTOR_MAX * plan.calls_after, AFTER_SECONDS_MAX)
        try:
            if plan.gives_back and self.api.crowd.open_keys:
                self._part(self.api.give_back, self.api.give_back)
        finally:
            if interrupted:
                self.service.stop.set()

    def report(self, ended: str) -> None:
        """The figures, on the screen and as JSON."""
        figures = self.api.figures | (self.stack.figures if self.stack else {})
        figures["requests"] = self.service.statuses.total()
        print("\nReport")
        for name, value in figures.items():
            shown = value
            if isinstance(value, dict):
                shown = ", ".join(f"{name} {count}" for name, count in value.items() if count) or "none"
            print(f"  {name.replace('_', ' '):<24}{shown}")
        if self.stack and not self.options.verify:
            print(f"\nTo check the whole table: {self.stack.verify_command()}")
        print(f"\n{ended}{self.checks.passed} passed, {self.checks.failed} failed, {self.checks.skipped} skipped")
        if self.options.json:
            written = {
                "url": self.url,
                "account_id": self.account,
                "prefix": self.prefix,
                "started_at": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ended": ended.strip() or "to its end",
                "passed": self.checks.passed,
                "failed": self.checks.failed,
                "skipped": self.checks.skipped,
                "facts": self.checks.facts,
                "figures": figures,
            }
            Path(self.options.json).write_text(json.dumps(written, indent=1) + "\n")


def interrupt(check: Check) -> None:
    """The first signal ends the check in order, the second at once."""

    def stop(*_: object) -> None:
        if check.service.stop.is_set():
            print(
                f"\nEnded at once. What debits took whose ids begin with {check.prefix} is not given back, and with "
                "--with-events a rule and a queue of that name are left.",
                flush=True,
            )
            os._exit(UNFIT)
        print("\nEnding; what was taken is given back (again to end at once) ...", flush=True)
        check.service.stop.set()

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, stop)


def main() -> int:
    options = arguments.parse()
    try:
        if options.json:
            Path(options.json).touch()
        check = Check(options)
        interrupt(check)
        plan = check.look()
    except (Unready, Unfit, Unreachable, Stopped, GaveUp, OSError) as error:
        print(f"It can't run: {error}.", file=sys.stderr)
        return UNFIT
    if options.dry_run:
        return 0
    ended = ""
    try:
        check.run(plan)
    except Stopped as error:
        ended = f"Not to its end, {error}: "
    except GaveUp as error:
        check.checks.that("the check goes on", str(error), "to its end")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        traceback.print_exc()
        check.checks.that("answers have the form of the API document", repr(error), "that form")
    check.report(ended)
    if check.checks.failed:
        return 1
    return UNFIT if ended else 0


if __name__ == "__main__":
    sys.exit(main())
