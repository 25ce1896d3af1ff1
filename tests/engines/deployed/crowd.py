"""Many debits of one account at once, and the reversals that give back what was taken.

Invariant: a key is kept from before its debit is sent until it is known that nothing was taken by it, or that it came
back. So an interruption at any time gives everything back.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from caller import posted
from loopback import Answer
from service import LOST, Exchange, Service, Stopped

# Reversals are transactions, which conflict: a few at once are quickest.
BACK_AT_ONCE = 4
REASON = {"reason": "a check of the deployment"}
# Nothing was taken, if it was sent only once.
_REFUSED = {400, 401, 402, 403, 404, 409, 413, 415, 422}


class Crowd:
    """Debits of an account by their keys."""

    def __init__(self, service: Service, token: str, account: str) -> None:
        self._service, self._token = service, token
        self.path = f"/v1/accounts/{quote(account, safe='')}/debits"
        self._sent: dict[str, None] = {}
        self.taken: dict[str, dict] = {}
        self.back: dict[str, dict] = {}

    def debit(self, key: str, operation: dict) -> Exchange:
        self._sent[key] = None
        headers = posted(self._token, key)
        try:
            exchange = self._service.exchange("POST", self.path, headers, json.dumps(operation))
        except Stopped as stopped:
            if not stopped.sent and key not in self.taken:
                self._sent.pop(key)
            raise
        if exchange.answer.status == 201:
            self.taken.setdefault(key, exchange.answer.body)
        elif exchange.answer.status in _REFUSED and not exchange.before:
            self._sent.pop(key)
        return exchange

    @property
    def open_keys(self) -> list[str]:
        """The keys of debits that took something that has not come back, or may have."""
        return list(self._sent)

    def reverse(self, key: str, back_key: str, body: dict) -> Answer:
        path = f"{self.path}/{key}/reversals"
        answer = self._service.call("POST", path, posted(self._token, back_key), json.dumps(body | REASON))
        if answer.status == 201:
            self.back.setdefault(back_key, answer.body)
        return answer

    def debits(self, keys: list[str], operation: dict, at_once: int) -> tuple[dict[str, Exchange], float]:
        """Debits with all those keys, and the seconds they took; what was stopped before its answer is left out."""

        def one(key: str) -> Exchange | None:
            try:
                return self.debit(key, operation)
            except Stopped:
                return None

        with ThreadPoolExecutor(at_once, initializer=_connected(self._service)) as pool:
            started = time.monotonic()
            exchanges = dict(zip(keys, pool.map(one, keys), strict=True))
        seconds = time.monotonic() - started
        self._service.close()
        return {key: exchange for key, exchange in exchanges.items() if exchange}, seconds

    def give_back(self) -> dict[str, Answer]:
        """Reverses what is left of each debit; returns the answers by which something may not have come back."""

        def one(key: str) -> Answer:
            try:
                answer = self.reverse(key, f"{key}-back", {})
            except Stopped as stopped:
                return Answer(LOST, body=f"not sent: {stopped}")
            # One that had no answer may have taken nothing; one that was reversed before has nothing left.
            nothing = {404: "debit_not_found", 409: "exceeds_debit"}.get(answer.status)
            if answer.status == 201 or (isinstance(answer.body, dict) and answer.body.get("code") == nothing):
                self._sent.pop(key)
            return answer

        # Those without an answer last: what they may yet write is shut out by then.
        keys = sorted(self._sent, key=lambda key: key not in self.taken)
        with ThreadPoolExecutor(BACK_AT_ONCE) as pool:
            answers = dict(zip(keys, pool.map(one, keys), strict=True))
        return {key: answer for key, answer in answers.items() if key in self._sent}


def _connected(service: Service) -> Callable[[], None]:
    def connect() -> None:
        try:
            service.connect()
        except OSError:
            # Its first request tells.
            pass

    return connect


def percentile(sorted_seconds: list[float], percent: int) -> float:
    """The least of them that so many per cent are not above."""
    return sorted_seconds[max(0, math.ceil(len(sorted_seconds) * percent / 100) - 1)]


def figures(exchanges: dict[str, Exchange], seconds: float) -> dict:
    """The figures of a crowd's debits: counts, rates and latencies."""
    times = sorted(exchange.seconds for exchange in exchanges.values()) or [0.0]
    again = Counter(_named(answer) for exchange in exchanges.values() for answer in exchange.before)
    replays = sum(
        bool(exchange.before) and exchange.answer.headers.get("idempotent-replayed") == "true"
        for exchange in exchanges.values()
    )
    return {
        "debits": len(exchanges),
        "seconds": round(seconds, 3),
        "debits_per_second": round(len(exchanges) / seconds, 1) if seconds else 0.0,
        "p50_ms": round(1000 * percentile(times, 50)),
        "p99_ms": round(1000 * percentile(times, 99)),
        "max_ms": round(1000 * times[-1]),
        "asked_to_try_again": sum(bool(exchange.before) for exchange in exchanges.values()),
        "answers_before_the_last": dict(sorted(again.items())),
        "replays": replays,
    }


def _named(answer: Answer) -> str:
    """Its status, and its code unless the gateway gave it by itself."""
    code = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
    return f"{answer.status} {code}".strip() if answer.status != LOST else "no answer"
