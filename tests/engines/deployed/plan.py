"""What a check sends, takes and costs; printed before it begins."""

from dataclasses import dataclass

import statement

# Beside the debits: who may call, and the one debit with its replays and reversals; after them, a refund.
OTHER_CALLS = 15
# A request is sent again if the service says so: altogether so many times what it takes otherwise.
CALLS_FACTOR_MAX = 3
# In US dollars, list prices of us-east-1, for a million calls, each taken to be as dear as a debit in a crowd.
PRICES = {
    "API Gateway": 1.00,
    "Lambda, a request, and half a second of 256 MB": 0.20 + 0.5 * 0.25 * 16.67,
    "DynamoDB, 8 write and 10 read units": 8 * 0.625 + 10 * 0.125,
    "a pipe's request, an event, and what is delivered of it": 0.40 + 1.00 + 0.80,
    "logs, 2 KB": 1.00,
    "a trace": 5.00,
}


@dataclass
class Plan:
    """How much is sent and taken."""

    debits: int
    gives_back: bool
    # Of one image.
    price: dict[str, int]

    @property
    def images(self) -> int:
        """The images that are debited: one each, and two by the debit that is replayed."""
        return self.debits + 2

    @property
    def credits_max(self) -> dict[str, int]:
        return {kind: self.images * count for kind, count in self.price.items()}

    @property
    def calls_to_take(self) -> int:
        return OTHER_CALLS + self.debits

    @property
    def calls_after(self) -> int:
        """To give back, and to read the entries."""
        back = self.debits if self.gives_back else 0
        return back + OTHER_CALLS + (self.debits + back) // statement.PAGE

    @property
    def calls(self) -> int:
        return self.calls_to_take + self.calls_after

    @property
    def calls_max(self) -> int:
        return CALLS_FACTOR_MAX * self.calls

    @property
    def cents_max(self) -> float:
        return 100 * self.calls_max * sum(PRICES.values()) / 1_000_000

    @property
    def pages_max(self) -> int:
        """For the entries of others too, who may use the account meanwhile."""
        return 10 + CALLS_FACTOR_MAX * self.calls // statement.PAGE
