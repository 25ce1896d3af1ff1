"""The issuer of the users' tokens: a key, its public half on loopback, and tokens signed with it.

Invariant: the key is made at start and never leaves the process, so no other tokens are worth anything.
"""

import json
import time
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from loopback import Reply, Request, Server

AUDIENCE = "scrip-deployed"
KEY_ID = "deployed"
TOKEN_SECONDS = 3600
# As Cognito does, it puts a resource server before the names of scopes.
SCOPE_PREFIX = "scrip/"


class Issuer:
    """Says who a user is, as an OpenID provider does."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = Server(self._answer)
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def token(self, subject: str, *scopes: str, **claims: object) -> str:
        """A token that API Gateway accepts, unless other claims are given."""
        scope = " ".join(f"{SCOPE_PREFIX}{scope}" for scope in scopes)
        return self.sign({"aud": AUDIENCE, "sub": subject, "scope": scope} | claims)

    def sign(self, claims: dict[str, object]) -> str:
        """A token with those claims, of this issuer and of now if they don't say otherwise."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        claims = {"iss": self.url, "iat": now, "exp": now + TOKEN_SECONDS} | claims
        signed = f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{_encode(self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"

    def _answer(self, request: Request) -> Reply:
        if request.path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"}
        if request.path == "/jwks.json":
            public = self._key.public_key().public_numbers()
            key = {
                "kty": "RSA",
                "use": "sig",
                "alg": "RS256",
                "kid": KEY_ID,
                "n": _number(public.n),
                "e": _number(public.e),
            }
            return 200, {"keys": [key]}
        return 404, {}


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
