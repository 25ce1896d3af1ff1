"""Stripe, as the deployment sees it: its signed events, and the API that has their objects.

The events are the samples of `events/stripe`, moved in time and made one account's own. The API is a table of
objects: what a purchase leaves at Stripe, listed and expanded as far as the functions ask for it. Stripe's details
are for the scenarios and their model of it.
"""

import copy
import hashlib
import hmac
import json
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback import Reply, Request, Server

WEBHOOK_SECRET = "whsec_deployed"
API_KEY = "rk_test_deployed"

_SAMPLES = Path(__file__).parents[3] / "events" / "stripe"
_ACCOUNT = "sample-account"
_IDS = re.compile(r"\b(?:evt|in|pi|ch|cs_test|cus|sub|si|il|inpay)_\w+")
_TIMES = re.compile(r"\b1\d{9}\b")
_KINDS = [
    "charges",
    "checkout/sessions",
    "disputes",
    "events",
    "invoice_payments",
    "invoices",
    "payment_intents",
    "refunds",
    "subscriptions",
]
# Parameters that say how a list is shown, not what is in it; all invoices here are paid.
_FORMS = {"limit", "expand[]", "status", "payment[type]", "created[gte]", "delivery_success"}


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
    """Shows what was bought, and refunds each payment once for each key."""

    def __init__(self) -> None:
        self.refunds: dict[str, str] = {}
        # By the path of their kind, then by id.
        self._objects: dict[str, dict[str, dict]] = {kind: {} for kind in _KINDS}
        self._lock = threading.Lock()
        self._server = Server(self._answer)
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def sell_pack(self, account: str, at: int) -> dict:
        """A pack is paid for at the checkout; its event, which is not sent."""
        sold = event("checkout.session.completed", account, at)
        session = sold["data"]["object"]
        amount, payment = session["amount_total"], session["payment_intent"]
        price = _price(session["metadata"]["sku"], amount, "one_time")
        line = {"id": f"li_{payment}", "object": "item", "amount_total": amount, "price": price, "quantity": 1}
        with self._lock:
            self._add("checkout/sessions", session | {"line_items": _list([line])})
            self._add_payment(payment, session["customer"], amount, at)
        return sold

    def sell_plan(self, account: str, at: int) -> dict:
        """A plan's first invoice is paid; its event, which is not sent."""
        sold = event("invoice.paid", account, at)
        invoice = sold["data"]["object"]
        (line,) = invoice["lines"]["data"]
        amount, customer, payment = invoice["amount_paid"], invoice["customer"], f"pi_{invoice['id']}"
        details = line["parent"]["subscription_item_details"]
        price = _price(line["metadata"]["sku"], amount, "recurring")
        price["id"] = line["pricing"]["price_details"]["price"]
        item = {
            "id": details["subscription_item"],
            "object": "subscription_item",
            "price": price,
            "quantity": 1,
            "current_period_start": line["period"]["start"],
            "current_period_end": line["period"]["end"],
        }
        subscription = {
            "id": details["subscription"],
            "object": "subscription",
            "status": "active",
            "customer": customer,
            "created": at,
            "metadata": {"account_id": account},
            "items": _list([item]),
            "latest_invoice": invoice["id"],
        }
        paid = {
            "id": f"inpay_{payment}",
            "object": "invoice_payment",
            "status": "paid",
            "invoice": invoice["id"],
            "amount_paid": amount,
            "is_default": True,
            "payment": {"type": "payment_intent", "payment_intent": payment},
        }
        with self._lock:
            self._add("invoices", invoice | {"subscription": subscription["id"], "payments": _list([paid])})
            self._add("subscriptions", subscription)
            self._add("invoice_payments", paid | {"payment[payment_intent]": payment})
            self._add_payment(payment, customer, amount, at)
        return sold

    def lose(self, sold: dict) -> None:
        """An event is not delivered: Stripe lists it as that."""
        with self._lock:
            self._add("events", sold)

    def _add(self, kind: str, added: dict) -> None:
        self._objects[kind][added["id"]] = added

    def _add_payment(self, payment: str, customer: str, amount: int, at: int) -> None:
        charge = {
            "id": f"ch_{payment}",
            "object": "charge",
            "payment_intent": payment,
            "customer": customer,
            "amount": amount,
            "amount_refunded": 0,
            "refunded": False,
            "disputed": False,
            "created": at,
        }
        intent = {
            "id": payment,
            "object": "payment_intent",
            "status": "succeeded",
            "customer": customer,
            "amount": amount,
            "amount_received": amount,
            "currency": "usd",
            "created": at,
            "metadata": {},
            "latest_charge": charge["id"],
        }
        self._add("charges", charge)
        self._add("payment_intents", intent)

    def _answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided."}}
        url = urlsplit(request.path)
        path = url.path.removeprefix("/v1/")
        with self._lock:
            if request.method == "POST" and path == "refunds":
                return self._refund(parse_qs(request.body), request.headers.get("idempotency-key", ""))
            found = self._find(path, parse_qs(url.query)) if request.method == "GET" else None
        if found is None:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        return 200, found

    def _find(self, path: str, asked: dict[str, list[str]]) -> dict | None:
        """An object by its id, or a list of those that have what is asked for."""
        fields = [field.removeprefix("data.") for field in asked.get("expand[]", [])]
        if path in self._objects:
            wanted = {name: values[0] for name, values in asked.items() if name not in _FORMS}
            listed = self._objects[path].values()
            listed = [each for each in listed if all(each.get(name) == wanted[name] for name in wanted)]
            return _list([self._expanded(each, fields) for each in reversed(listed)])
        kind, _, name = path.rpartition("/")
        one = self._objects.get(kind, {}).get(name)
        return one and self._expanded(one, fields)

    def _expanded(self, shown: dict, fields: list[str]) -> dict:
        """The object with others in place of their ids, as far as the table has them."""
        shown = copy.deepcopy(shown)
        for field in fields:
            self._expand(shown, field.split("."))
        return shown

    def _expand(self, within: Any, steps: list[str]) -> None:
        if isinstance(within, list):
            for each in within:
                self._expand(each, steps)
        elif isinstance(within, dict) and steps and within.get(steps[0]) is not None:
            named = within[steps[0]]
            if isinstance(named, str):
                tables = (table[named] for table in self._objects.values() if named in table)
                within[steps[0]] = copy.deepcopy(next(tables, named))
            self._expand(within[steps[0]], steps[1:])

    def _refund(self, asked: dict[str, list[str]], key: str) -> Reply:
        (payment,) = asked.get("payment_intent", [""])
        charge = self._objects["charges"].get(f"ch_{payment}")
        if charge is None:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        if self.refunds.setdefault(payment, key) != key:
            return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
        charge |= {"amount_refunded": charge["amount"], "refunded": True}
        metadata = {name[9:-1]: value for name, (value,) in asked.items() if name.startswith("metadata[")}
        refund = {
            "id": f"re_{payment}",
            "object": "refund",
            "amount": charge["amount"],
            "charge": charge["id"],
            "created": charge["created"],
            "metadata": metadata,
            "payment_intent": payment,
            "status": "succeeded",
        }
        self._add("refunds", refund)
        return 200, refund


def _list(data: list[dict]) -> dict:
    return {"object": "list", "data": data, "has_more": False}


def _price(sku: str, amount: int, kind: str) -> dict:
    return {
        "id": f"price_{sku}",
        "object": "price",
        "lookup_key": sku,
        "metadata": {},
        "product": f"prod_{sku}",
        "type": kind,
        "unit_amount": amount,
        "recurring": {"interval": "month"} if kind == "recurring" else None,
    }
