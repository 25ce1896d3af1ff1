"""What the deployment meets of Stripe: its signed events, and the call that gives money back.

The events are the samples of `events/stripe`, moved in time and made one account's own. The API is the least
that a refund needs; Stripe's details are for the scenarios and their model of it.
"""

import hashlib
import hmac
import json
import re
import threading
from pathlib import Path
from urllib.parse import parse_qs

from loopback import Reply, Request, Server

WEBHOOK_SECRET = "whsec_deployed"
API_KEY = "rk_test_deployed"

_SAMPLES = Path(__file__).parents[2] / "events" / "stripe"
_ACCOUNT = "sample-account"
_IDS = re.compile(r"\b(?:evt|in|pi|ch|cs_test|cus|sub|si|il|inpay)_\w+")
_TIMES = re.compile(r"\b1\d{9}\b")


def event(kind: str, account: str, at: int) -> dict:
    """The sample of that kind as it would be for an account, created at that time (seconds since 1970)."""
    text = (_SAMPLES / f"{kind}.json").read_text()
    later = at - json.loads(text)["created"]
    text = _IDS.sub(lambda found: found[0] + account.replace("-", ""), text).replace(_ACCOUNT, account)
    return json.loads(_TIMES.sub(lambda found: str(int(found[0]) + later), text))


def sign(body: str, at: int, secret: str = WEBHOOK_SECRET) -> str:
    """The header `Stripe-Signature` of a body that is sent at that time."""
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Api:
    """Refunds each payment once, whoever asks with the key, and keeps what was asked."""

    def __init__(self) -> None:
        self.refunds: dict[str, str] = {}
        self._lock = threading.Lock()
        self._server = Server(self._answer)
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def _answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided."}}
        payment = parse_qs(request.body).get("payment_intent", [""])[0]
        if (request.method, request.path) != ("POST", "/v1/refunds") or not payment:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        with self._lock:
            key = request.headers.get("idempotency-key", "")
            if self.refunds.setdefault(payment, key) != key:
                return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
        return 200, {
            "id": f"re_{payment}",
            "object": "refund",
            "payment_intent": payment,
            "status": "succeeded",
        }
