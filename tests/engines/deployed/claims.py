"""The claims of a token. They aren't verified here: the gateway does that, and the check tests it."""

import json
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime

# Less is not enough to give back what was taken.
SECONDS_LEFT_MIN = 120


class Unfit(Exception):
    """The token can't be used; the message gives the reason and never the token."""


@dataclass
class Claims:
    """A token's account, scopes and remaining time."""

    account: str
    scopes: list[str]
    seconds_left: float

    def allows(self, scope: str) -> bool:
        """Whether it has the scope, with any prefix."""
        return any(each.endswith(scope) for each in self.scopes)

    def need(self, *scopes: str) -> None:
        missing = [scope for scope in scopes if not self.allows(scope)]
        if missing:
            raise Unfit(f"the token has no {' and no '.join(missing)}; it has: {' '.join(self.scopes) or 'none'}")


def claims(token: str, account_claim: str, now: float | None = None) -> Claims:
    """Reads a JWT's claims."""
    payload = _payload(token)
    now = time.time() if now is None else now
    expires = payload.get("exp", now + 3600)
    if not isinstance(expires, int | float):
        raise Unfit("the token's exp is no time")
    if expires <= now:
        at = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise Unfit(f"the token expired at {at}: get another")
    if expires < now + SECONDS_LEFT_MIN:
        raise Unfit(f"the token expires within {SECONDS_LEFT_MIN} s: get another")
    account = payload.get(account_claim, "")
    if not isinstance(account, str):
        raise Unfit(f"the token's claim {account_claim} is no text")
    return Claims(account, _scopes(payload.get("scope") or payload.get("scp") or []), expires - now)


def forged(token: str) -> str:
    """The same token with a signature that is wrong."""
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"


def _payload(token: str) -> dict:
    parts = token.split(".")
    try:
        head, encoded, _ = parts
        payload = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        if not isinstance(payload, dict) or not head or not parts[2]:
            raise ValueError
    except ValueError:
        raise Unfit("the token is no JWT: three parts in base64url with dots between them") from None
    return payload


def _scopes(claim: object) -> list[str]:
    if isinstance(claim, list):
        return [str(scope) for scope in claim]
    return str(claim).strip("[]").split()
