"""Posts each event to a URL, signed as Standard Webhooks says: https://www.standardwebhooks.com

A Lambda function, the target of a rule of docs/events.md. Runtime python3.13, handler signed_webhook.handler, 15
seconds of time. Its role may read one SSM parameter (SecureString). EventBridge calls it asynchronously, so Lambda calls
it twice more if it fails; give it a dead-letter queue for what fails then.

Environment: WEBHOOK_URL, and SECRET_PARAMETER, the parameter's name. The secret is `whsec_` and 24 to 64 random bytes
in base64.
"""

import base64
import functools
import hashlib
import hmac
import json
import os
import time
import urllib.request

TIMEOUT_SECONDS = 10


def handler(event: dict, _context: object) -> None:
    """Sends one event; any answer but 2xx is an error."""
    detail = event["detail"]
    body = json.dumps(detail, separators=(",", ":")).encode()
    headers = signed(_secret(), detail["event_id"], int(time.time()), body)
    request = urllib.request.Request(os.environ["WEBHOOK_URL"], body, headers, method="POST")
    urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()


def signed(secret: str, event_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{event_id}.{at}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


@functools.cache
def _secret() -> str:
    import boto3

    name = os.environ["SECRET_PARAMETER"]
    return boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
