"""What a token says of itself. It isn't verified here: that is for the gateway, and what is checked."""

import json
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime

# Less is not enough to give back what was taken.
SECONDS_LEFT_MIN = 120


class Unfit(Exception):
    """The token can't be used; says why, and never names it."""


@dataclass
class Claims:
    """What a token is for."""

    account: str
    scopes: list[str]
    seconds_left: float

    def allows(self, scope: str) -> bool:
        """Whether it has the scope, with whatever prefix."""
        return any(each.endswith(scope) for each in self.scopes)

    def need(self, *scopes: str) -> None:
        missing = [scope for scope in scopes if not self.allows(scope)]
        if missing:
            raise Unfit(f"the token has no {' and no '.join(missing)}; it has: {' '.join(self.scopes) or 'none'}")


def claims(token: str, account_claim: str, now: float | None = None) -> Claims:
    """Reads a JWT's claims."""
    said = _payload(token)
    now = time.time() if now is None else now
    expires = said.get("exp", now + 3600)
    if not isinstance(expires, int | float):
        raise Unfit("the token's exp is no time")
    if expires <= now:
        at = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise Unfit(f"the token expired at {at}: get another")
    if expires < now + SECONDS_LEFT_MIN:
        raise Unfit(f"the token expires within {SECONDS_LEFT_MIN} s: get another")
    account = said.get(account_claim, "")
    if not isinstance(account, str):
        raise Unfit(f"the token's claim {account_claim} is no text")
    return Claims(account, _scopes(said.get("scope") or said.get("scp") or []), expires - now)


def forged(token: str) -> str:
    """The same token with a signature that is wrong."""
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"


def _payload(token: str) -> dict:
    parts = token.split(".")
    try:
        head, payload, _ = parts
        said = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if not isinstance(said, dict) or not head or not parts[2]:
            raise ValueError
    except ValueError:
        raise Unfit("the token is no JWT: three parts in base64url with dots between them") from None
    return said


def _scopes(said: object) -> list[str]:
    if isinstance(said, list):
        return [str(scope) for scope in said]
    return str(said).strip("[]").split()
