"""Who calls the deployed service: users, support, and Stripe. What they find is counted."""

import json
import time
from collections.abc import Callable
from typing import Any

import stripe
from emulator import Stack
from issuer import Issuer
from loopback import Answer

WAIT_SECONDS_MAX = 60


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


class Caller:
    """The HTTP API as its callers see it."""

    def __init__(self, stack: Stack, issuer: Issuer) -> None:
        self._stack, self._issuer = stack, issuer

    def get(self, path: str, token: str = "", **headers: str) -> Answer:
        return self._stack.call("GET", path, _bearer(token) | headers)

    def post(self, path: str, body: object, token: str = "", key: str = "") -> Answer:
        headers = {"Content-Type": "application/json", **_bearer(token)}
        headers |= {"Idempotency-Key": key} if key else {}
        return self._stack.call("POST", path, headers, json.dumps(body))

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
        return self._stack.call("POST", "/v1/webhooks/stripe", headers, body)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def wait(look: Callable[[], Any], expected: object) -> Any:
    """What is seen once it is as expected, or when the time is up."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := look()) != expected and time.monotonic() < until:
        time.sleep(0.5)
    return seen


def credits(playground: int = 0, tune: int = 0, tune_image: int = 0) -> dict[str, int]:
    return {"playground": playground, "tune": tune, "tune_image": tune_image}


def kinds(entries: list[dict]) -> str:
    return " ".join(entry["kind"] for entry in entries)
