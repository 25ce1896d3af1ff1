"""The example that signs webhooks: a receiver that follows Standard Webhooks takes what it sends, and nothing else."""

import base64
import hashlib
import hmac
import importlib.util
import json
import os
import unittest
from pathlib import Path
from unittest import mock

from loopback import Reply, Request, Server

EXAMPLE = Path(__file__).parents[3] / "docs/examples/signed_webhook.py"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
DETAIL = {"type": "credits.purchase", "event_id": "alice#43", "balance": {"playground": 996}, "reason": "crédits"}


def example():
    spec = importlib.util.spec_from_file_location("signed_webhook", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_right(headers: dict[str, str], body: str) -> bool:
    """Whether a receiver takes it: the signature is over id, time and body, with the secret's bytes."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    digest = hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}" in headers["webhook-signature"].split(" ")


class SignedWebhook(unittest.TestCase):
    def setUp(self) -> None:
        self.asked: list[Request] = []
        self.status = 200
        self.server = Server(self._take)
        self.addCleanup(self.server.close)

    def _take(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.status, {}

    def send(self) -> None:
        module = example()
        environment = {"WEBHOOK_URL": f"{self.server.url}/hook", "SECRET_PARAMETER": "/secret"}
        with mock.patch.dict(os.environ, environment), mock.patch.object(module, "_secret", lambda: SECRET):
            module.handler({"detail-type": "credits.purchase", "detail": DETAIL}, None)

    def test_an_event_is_posted_and_signed(self) -> None:
        self.send()
        (request,) = self.asked
        self.assertEqual((request.method, request.path, json.loads(request.body)), ("POST", "/hook", DETAIL))
        self.assertEqual(request.headers["webhook-id"], "alice#43")
        self.assertEqual(request.headers["content-type"], "application/json")
        self.assertTrue(is_right(request.headers, request.body))
        self.assertFalse(is_right(request.headers, request.body.replace("996", "997")))
        self.assertFalse(is_right(request.headers | {"webhook-id": "alice#44"}, request.body))
        self.assertFalse(is_right(request.headers | {"webhook-timestamp": "0"}, request.body))

    def test_an_answer_but_2xx_is_an_error(self) -> None:
        for self.status in (400, 429, 500):
            with self.subTest(self.status), self.assertRaises(OSError):
                self.send()


if __name__ == "__main__":
    unittest.main()
