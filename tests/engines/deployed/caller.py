"""Callers of the deployed service: users, support, and Stripe. Their findings are counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import stripe
from loopback import Answer

if TYPE_CHECKING:
    # `check` takes what is here without what an emulator and an issuer need.
    from issuer import Issuer

WAIT_SECONDS_MAX = 60


class Checks:
    """The findings, fact by fact."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        # Each as it was printed, for a report.
        self.facts: list[dict[str, str]] = []

    def that(self, fact: str, got: object, expected: object) -> None:
        right = got == expected
        self.passed, self.failed = self.passed + right, self.failed + (not right)
        self.facts.append({"fact": fact.strip(), "outcome": "passed" if right else "failed"})
        print(f"{'ok  ' if right else 'FAIL'}  {fact}", flush=True)
        if not right:
            self.facts[-1] |= {"expected": str(expected), "got": str(got)}
            print(f"      expected {expected}\n      got      {got}", flush=True)

    def skip(self, fact: str, why: str) -> None:
        """A fact that can't be checked, and why."""
        self.skipped += 1
        self.facts.append({"fact": fact, "outcome": "skipped", "why": why})
        print(f"skip  {fact}: {why}", flush=True)

    def answer(self, fact: str, answer: Answer, status: int, /, **members: object) -> Any:
        """Checks the status and the named members of the body, and returns the body."""
        body = answer.body if isinstance(answer.body, dict) else {"": answer.body}
        got = {name: body.get(name) for name in members} if answer.status == status else body
        self.that(f"{status}  {fact}", (answer.status, got), (status, members))
        return answer.body


class Api(Protocol):
    """Whatever takes requests to the HTTP API."""

    def call(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer: ...


class Caller:
    """The HTTP API as its callers see it."""

    def __init__(self, api: Api, issuer: Issuer | None = None) -> None:
        self._api, self._issuer = api, issuer

    def get(self, path: str, token: str = "", **headers: str) -> Answer:
        return self._api.call("GET", path, bearer(token) | headers)

    def post(self, path: str, body: object, token: str = "", key: str = "") -> Answer:
        return self._api.call("POST", path, posted(token, key), json.dumps(body))

    def entries(self, account: str) -> list[dict]:
        token = self._issuer.token(account, "credits:read")
        return self.get(f"/v1/accounts/{account}/entries?limit=100", token).body["entries"]

    def tell(self, event: dict, secret: str = stripe.WEBHOOK_SECRET) -> Answer:
        """Sends an event to the webhook, as Stripe does."""
        body = json.dumps(event)
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": stripe.sign(body, int(time.time()), secret),
        }
        return self._api.call("POST", "/v1/webhooks/stripe", headers, body)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def posted(token: str, key: str) -> dict[str, str]:
    """The headers of a body that is posted."""
    headers = {"Content-Type": "application/json", **bearer(token)}
    return headers | ({"Idempotency-Key": key} if key else {})


def wait(look: Callable[[], Any], expected: object) -> Any:
    """Reads until the value is as expected or the time is up; returns the last value."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := look()) != expected and time.monotonic() < until:
        time.sleep(0.5)
    return seen


def credits(playground: int = 0, tune: int = 0, tune_image: int = 0) -> dict[str, int]:
    return {"playground": playground, "tune": tune, "tune_image": tune_image}


def kinds(entries: list[dict]) -> str:
    return " ".join(entry["kind"] for entry in entries)
