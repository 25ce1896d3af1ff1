"""The identity providers of docs/identity.md: a stack's parameters, and a user's access token."""

import json
import re
from pathlib import Path

_PAGE = Path(__file__).parents[3] / "docs" / "identity.md"
_SECTION = re.compile(r"^## (.+)\n((?:(?!^## ).*\n)*)", re.MULTILINE)
_PARAMETERS = re.compile(r"^Parameters:\n\n```json\n(.*?)```", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(r"^A user's access token:\n\n```json\n(.*?)```", re.MULTILINE | re.DOTALL)


class Provider:
    """A recipe of the page."""

    def __init__(self, name: str, parameters: dict[str, str], claims: dict) -> None:
        self.name, self.claims = name, claims
        self.audience = parameters["JwtAudience"]
        # The parameters that a stack needs for these tokens beside issuer and audience.
        self.parameters = {
            "ScopePrefix": parameters.get("ScopePrefix", ""),
            "AccountClaim": parameters.get("AccountClaim", "sub"),
        }

    @property
    def account(self) -> str:
        return self.claims[self.parameters["AccountClaim"]]


def recipes() -> list[Provider]:
    found = []
    for name, text in _SECTION.findall(_PAGE.read_text()):
        parameters, token = _PARAMETERS.search(text), _TOKEN.search(text)
        if parameters and token:
            found.append(Provider(name, json.loads(parameters[1]), json.loads(token[1])))
    return found
