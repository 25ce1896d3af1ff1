"""Tests of `check` without a deployment: each mistake in a ledger, in events, tokens and URLs is found.

`tests/engines/deployed/run` runs it; so does `python3 -m unittest discover tests/engines/deployed`.
"""

import copy
import json
import random
import threading
import unittest
from base64 import urlsafe_b64encode
from unittest import mock

import arguments
import claims
import crowd
import service
import statement
from claims import Unfit
from crowd import Crowd
from loopback import Reply, Request, Server
from plan import Plan
from service import Service, Stopped, Unreachable
from statement import Statement

TOKEN_AT = 1_800_000_000


def credits(playground: int) -> dict[str, int]:
    return {"playground": playground, "tune": 0, "tune_image": 0}


def entry(sequence: int, kind: str, reference: str, change: int, balance: int) -> dict:
    figures = {"credits": credits(change), "balance": credits(balance)}
    return {"sequence": sequence, "kind": kind, "reference": reference, **figures}


BEFORE = entry(7, "purchase", "in_1", 100, 100)
ENTRIES = [
    entry(8, "debit", "check-1", -2, 98),
    entry(9, "debit", "of-another", -5, 93),
    entry(10, "debit", "check-2", -1, 92),
    entry(11, "reversal", "check-1-back", 2, 94),
    entry(12, "refill", "2026-12", 6, 100),
]
DEBITS = {
    "check-1": {"credits": credits(2), "balance": credits(98), "sequence": 8},
    "check-2": {"credits": credits(1), "balance": credits(92), "sequence": 10},
}
BACK = {
    "check-1-back": {"credits": credits(2), "offset": credits(0), "balance": credits(94), "sequence": 11},
}


def found_in(entries: list[dict]) -> list[str]:
    read = Statement(BEFORE, entries)
    return read.faults() + read.strays("debit", "check-", DEBITS) + read.strays("reversal", "check-", BACK)


class Ledger(unittest.TestCase):
    def test_a_ledger_that_adds_up_has_no_faults(self) -> None:
        self.assertEqual(found_in(ENTRIES), [])

    def test_each_mistake_is_found(self) -> None:
        def changed(at: int, **members: object) -> list[dict]:
            entries = copy.deepcopy(ENTRIES)
            entries[at] |= members
            return entries

        twice = entry(13, "debit", "check-2", -1, 99)
        for mistake, entries, expected in (
            ("an entry is missing", ENTRIES[:1] + ENTRIES[2:], "10 follows 8"),
            ("the first is missing", ENTRIES[1:], "9 follows 7"),
            ("a sequence is there twice", changed(1, sequence=8), "8 follows 8"),
            ("a balance is too high", changed(1, balance=credits(94)), "9 has 94 playground"),
            ("a balance is too low", changed(4, balance=credits(99)), "12 has 99 playground"),
            ("a change is another", changed(2, credits=credits(-2)), "10 has 92 playground"),
            ("a balance is below zero", changed(4, credits=credits(-95), balance=credits(-1)), "12 has -1 playground"),
            ("a debit is there twice", [*ENTRIES, twice], "check-2 is in it 2 times"),
            ("a debit was answered and is not there", changed(0, reference="other"), "check-1 is in it 0 times"),
            ("a debit is there and was not answered", changed(1, reference="check-9"), "check-9 is in it, and was not"),
            ("a debit has another sequence", changed(0, sequence=9), "check-1 has the sequence 9"),
            ("a debit took something else", changed(0, credits=credits(-3)), "check-1 has the credits"),
            ("a debit left something else", changed(2, balance=credits(91)), "check-2 has the balance"),
            ("a reversal is there twice", changed(4, kind="reversal", reference="check-1-back"), "2 times"),
            ("a reversal gave something else", changed(3, credits=credits(1)), "check-1-back has the credits"),
        ):
            with self.subTest(mistake):
                self.assertTrue(any(expected in fault for fault in found_in(entries)), found_in(entries))

    def test_a_reversal_that_pays_what_is_owed_raises_the_balance_by_the_rest(self) -> None:
        answer = {"credits": credits(5), "offset": credits(3), "balance": credits(102), "sequence": 8}
        read = Statement(BEFORE, [entry(8, "reversal", "check-1-back", 2, 102)])
        self.assertEqual(read.strays("reversal", "check-", {"check-1-back": answer}), [])

    def test_pages_are_read_back_to_the_entry_of_before(self) -> None:
        newest_first = [*ENTRIES[::-1], BEFORE, entry(6, "expiry", "2026-11", -1, 0)]

        def page(cursor: str) -> dict:
            start = int(cursor or 0)
            return {"entries": newest_first[start : start + 2], "next_cursor": str(start + 2)}

        read = statement.read(page, BEFORE, 10)
        self.assertEqual((read.entries, read.before, read.faults()), (ENTRIES, BEFORE, []))
        self.assertIn("9 follows 7", statement.read(page, BEFORE, 2).faults())
        changed = BEFORE | {"credits": credits(1)}
        self.assertNotEqual(statement.read(page, changed, 10).before, changed)


class Events(unittest.TestCase):
    def test_each_difference_of_an_event_is_found(self) -> None:
        try:
            import bus
        except ImportError:
            self.skipTest("there is no boto3")
        named = {"type": "credits.debit", "event_id": "alice#8", "account_id": "alice"}
        event = {"detail-type": "credits.debit", "detail": ENTRIES[0] | named}
        self.assertEqual(bus.differences([event, event], ENTRIES, "alice"), [])
        texts = {kind: str(count) for kind, count in ENTRIES[0]["credits"].items()}
        for other in (
            {"sequence": 9},
            {"sequence": "8"},
            {"kind": "reversal"},
            {"credits": credits(2)},
            {"credits": texts},
            {"balance": credits(98) | {"tune": 1}},
            {"reference": "check-3"},
            {"type": "debit"},
            {"event_id": "alice#9"},
            {"account_id": "ACCOUNT#alice"},
            {"low": ["playground"]},
        ):
            with self.subTest(other):
                wrong = event | {"detail": event["detail"] | other}
                self.assertEqual(len(bus.differences([wrong], ENTRIES, "alice")), 1)
        other = bus.differences([event | {"detail-type": "LedgerEntry"}], ENTRIES, "alice")
        self.assertEqual(other, ["check-1 has an event with another detail-type"])


def token(**payload: object) -> str:
    head, body = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, payload))
    return f"{head}.{body}.c2lnbmF0dXJl"


class Tokens(unittest.TestCase):
    def test_claims_are_read_as_issuers_write_them(self) -> None:
        for payload in (
            {"scope": "credits:read credits:debit"},
            {"scp": ["credits:read", "credits:debit"]},
            {"scope": "api/credits:read api/credits:debit"},
        ):
            with self.subTest(payload):
                read = claims.claims(token(sub="alice", exp=TOKEN_AT + 600, **payload), "sub", TOKEN_AT)
                self.assertEqual((read.account, read.seconds_left), ("alice", 600))
                read.need("credits:read", "credits:debit")
                self.assertRaisesRegex(Unfit, "no credits:settle", read.need, "credits:debit", "credits:settle")

    def test_what_cant_be_used_is_refused_and_not_shown(self) -> None:
        for text, why in (
            ("abc", "no JWT"),
            ("a.!.c", "no JWT"),
            (token(sub="alice", exp=TOKEN_AT), "expired at 2027-01-15T08:00:00Z"),
            (token(sub="alice", exp=TOKEN_AT + 119), "expires within"),
            (token(sub=["alice"], exp=TOKEN_AT + 600), "is no text"),
        ):
            with self.subTest(why), self.assertRaisesRegex(Unfit, why) as raised:
                claims.claims(text, "sub", TOKEN_AT)
            self.assertNotIn("c2lnbmF0dXJl", str(raised.exception))

    def test_a_forged_token_differs_in_its_signature_only(self) -> None:
        real = token(sub="alice")
        other = claims.forged(real)
        self.assertNotEqual(other, real)
        self.assertEqual(other.rpartition(".")[0], real.rpartition(".")[0])


class Urls(unittest.TestCase):
    def test_a_token_is_sent_by_https_only(self) -> None:
        for url in ("https://abc.execute-api.us-east-1.amazonaws.com/", "http://127.0.0.1:4566/x", "http://localhost"):
            service.parsed(url)
        for url in ("http://example.com", "ftp://a", "abc", "", "https://u:p@a", "https://a/?b", "https://a:x"):
            with self.subTest(url):
                self.assertRaises(Unreachable, service.parsed, url)


class Options(unittest.TestCase):
    def test_a_refund_needs_the_flag_for_test_mode(self) -> None:
        given = ["--url", "https://a", "--token", "t", "--support-token", "s", "--purchase", "pi_1"]
        with mock.patch("sys.stderr"):
            self.assertRaises(SystemExit, arguments.parse, given)
            live = [*given[:-1], "cs_live_1", "--stripe-test-mode"]
            self.assertRaises(SystemExit, arguments.parse, live)
        self.assertEqual(arguments.parse([*given, "--stripe-test-mode"]).purchase, "pi_1")

    def test_a_plan_says_what_is_sent_and_taken_at_most(self) -> None:
        plan = Plan(200, True, credits(1))
        self.assertEqual((plan.credits_max, plan.calls, plan.calls_max), (credits(202), 434, 1302))
        self.assertLess(plan.cents_max, 3)


class Api:
    """An API that answers 503 `again` times for each key, and counts what it carries out."""

    def __init__(self, again: int, lands: bool) -> None:
        self.again, self.lands = again, lands
        self.debits: dict[str, dict] = {}
        self.asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self.server = Server(self._answer)
        self.service = Service(self.server.url, "test")
        self.service.allow(1000, 60)

    def _answer(self, request: Request) -> Reply:
        key = request.headers["idempotency-key"]
        with self._lock:
            asked = self.asked[key] = self.asked.get(key, 0) + 1
            if request.path.endswith("/reversals"):
                name = request.path.split("/")[-2]
                gone = self.debits.pop(name, None)
                if gone is None:
                    return 404, {"code": "debit_not_found"}
                return 201, {"credits": gone["credits"], "offset": credits(0)}
            if asked > self.again or self.lands:
                self.debits.setdefault(key, {"debit_id": key, "credits": credits(1)})
            return (201, self.debits[key]) if asked > self.again else (503, {"code": "try_again"})


@mock.patch("service.pause", lambda *_: random.uniform(0, 0.002))
class Crowds(unittest.TestCase):
    def crowd(self, again: int, lands: bool = False) -> tuple[Api, Crowd]:
        api = Api(again, lands)
        self.addCleanup(api.server.close)
        self.addCleanup(api.service.close)
        return api, Crowd(api.service, "token", "alice")

    def test_each_debit_is_asked_again_with_its_key_until_it_is_answered(self) -> None:
        api, many = self.crowd(again=2)
        exchanges, seconds = many.debits([f"k{at}" for at in range(20)], {}, 4)
        figures = crowd.figures(exchanges, seconds)
        self.assertEqual(len(many.taken), 20)
        self.assertEqual(figures["asked_to_try_again"], 20)
        self.assertEqual(figures["answers_before_the_last"], {"503 try_again": 40})
        self.assertEqual((many.give_back(), many.open_keys, api.debits), ({}, [], {}))

    def test_what_is_never_answered_is_given_back_too(self) -> None:
        api, many = self.crowd(again=100, lands=True)
        many.debits(["k1", "k2"], {}, 2)
        self.assertEqual((len(api.debits), many.taken, many.open_keys), (2, {}, ["k1", "k2"]))
        self.assertEqual((many.give_back(), many.open_keys, api.debits), ({}, [], {}))

    def test_no_more_is_sent_than_allowed(self) -> None:
        api, many = self.crowd(again=100)
        api.service.allow(7, 60)
        many.debits([f"k{at}" for at in range(20)], {}, 2)
        self.assertEqual(sum(api.asked.values()), 7)
        self.assertRaises(Stopped, many.debit, "more", {})
        self.assertNotIn("more", many.open_keys)

    def test_a_stop_leaves_out_what_was_not_sent(self) -> None:
        api, many = self.crowd(again=0)
        api.service.stop.set()
        exchanges, _ = many.debits(["k1", "k2"], {}, 2)
        self.assertEqual((exchanges, many.open_keys, api.asked), ({}, [], {}))

    def test_percentiles_are_of_the_times_as_they_were(self) -> None:
        times = [float(at) for at in range(1, 201)]
        self.assertEqual([crowd.percentile(times, percent) for percent in (50, 99, 100)], [100.0, 198.0, 200.0])
        self.assertEqual(crowd.percentile([3.0], 50), 3.0)


if __name__ == "__main__":
    unittest.main()
