"""The facts that a check reads over the API, part by part."""

from typing import Any
from urllib.parse import quote

import claims
import crowd
import statement
from caller import Caller, Checks
from crowd import Crowd
from loopback import Answer
from plan import Plan
from service import LOST, Service, Stopped

# An image of this costs least of what any plan pays for.
OPERATION = "face_enhance"
# The statuses of a service that may be asked too much.
_MAY_ANSWER = {201, 402, 429, 503, LOST}
_PENDING_SECONDS = 5
_PENDING_ASKED_MAX = 6


class GaveUp(Exception):
    """A fact is so wrong that the facts after it would tell nothing."""


class ApiFacts:
    """The checks of one account, each of whose keys begins with the prefix."""

    def __init__(self, service: Service, checks: Checks, token: str, account: str, prefix: str) -> None:
        self.service, self.checks, self.prefix = service, checks, prefix
        self.caller, self._token = Caller(service), token
        self.crowd = Crowd(service, token, account)
        self.path = f"/v1/accounts/{quote(account, safe='')}"
        self.figures: dict[str, Any] = {}
        self._one = f"{prefix}one"
        self._before: dict = {}

    def quote(self) -> Answer:
        """The price of one image, and how many the account can pay for."""
        return self.caller.post(f"{self.path}/quotes", {"operation": OPERATION}, self._token)

    def remember(self) -> dict:
        """The account's newest entry before anything is taken."""
        entries = self._page("", 1)["entries"]
        if not entries:
            raise GaveUp("the account has no entry, so it has no credits")
        self._before = entries[0]
        return self._before

    def access(self, has_any_account: bool) -> None:
        """Who may call"""
        catalog = self.caller.get("/v1/catalog")
        self.checks.answer("the catalog, without a token", catalog, 200)
        again = self.caller.get("/v1/catalog", **{"If-None-Match": catalog.headers.get("etag", "")})
        self.checks.answer("the catalog again, by its entity tag", again, 304)
        self.checks.answer("the account without a token", self.caller.get(self.path), 401)
        forged = self.caller.get(self.path, claims.forged(self._token))
        self.checks.answer("the account with a token whose signature is wrong", forged, 401)
        fact = "another's account"
        if has_any_account:
            self.checks.skip(fact, "the token has credits:any-account")
            return
        another = self.caller.get(f"/v1/accounts/{self.prefix}another", self._token)
        self.checks.answer(fact, another, 403, code="forbidden")

    def one_debit(self, plan: Plan) -> None:
        """One debit, and the same again"""
        two = {"operation": OPERATION, "images": 2}
        price = {kind: 2 * count for kind, count in plan.price.items()}
        first = self.crowd.debit(self._one, two)
        self.checks.answer("a debit", first.answer, 201, debit_id=self._one, credits=price)
        if first.answer.status != 201:
            raise GaveUp("no debit can be made")
        again = self.crowd.debit(self._one, two).answer
        self._is_first("the debit again", again, first.answer.body)
        self.checks.that("     which says so", again.headers.get("idempotent-replayed"), "true")
        other = self.caller.post(self.crowd.path, {**two, "images": 1}, self._token, self._one)
        self.checks.answer("its key for another debit", other, 422, code="idempotency_key_reused")
        status = self.caller.get(f"{self.crowd.path}/{self._one}", self._token)
        none = dict.fromkeys(statement.KINDS, 0)
        expected = {**first.answer.body, "status": "taken", "reversed": none}
        self.checks.answer("the debit by its id", status, 200, **expected)

    def reversals(self, plan: Plan) -> None:
        """A reversal, and the same again"""
        back, half = f"{self._one}-half", {"credits": plan.price}
        first = self.crowd.reverse(self._one, back, half)
        self.checks.answer("a reversal of half of it", first, 201, debit_id=self._one, credits=plan.price)
        again = self.crowd.reverse(self._one, back, half)
        self._is_first("the reversal again", again, first.body)
        whole = {"credits": {kind: 2 * count for kind, count in plan.price.items()}}
        more = self.crowd.reverse(self._one, f"{self._one}-more", whole)
        self.checks.answer("more than is left of it", more, 409, code="exceeds_debit", reversible=plan.price)
        two = {"operation": OPERATION, "images": 2}
        replay = self.crowd.debit(self._one, two).answer
        self._is_first("the debit once more", replay, self.crowd.taken[self._one])
        header = ", ".join(f"{kind}={plan.price[kind]}" for kind in statement.KINDS)
        self.checks.that("     which says what came back", replay.headers.get("debit-reversed"), header)

    def many_debits(self, plan: Plan, at_once: int) -> None:
        """Many debits at once"""
        keys = [f"{self.prefix}{number}" for number in range(1, plan.debits + 1)]
        one = {"operation": OPERATION, "images": 1}
        exchanges, seconds = self.crowd.debits(keys, one, at_once)
        self.figures = crowd.figures(exchanges, seconds)
        if len(exchanges) < len(keys):
            raise Stopped("interrupted, or asked to try again too often", sent=True)
        answers = [answer for each in exchanges.values() for answer in (*each.before, each.answer)]
        fact = f"{plan.debits} debits, {at_once} at once: each is answered 201, 402, 429 or 503"
        self.checks.that(fact, sorted({answer.status for answer in answers} - _MAY_ANSWER), [])
        open_keys = [key for key, each in exchanges.items() if each.answer.status not in (201, 402)]
        self.checks.that("each is 201 or 402 in the end, asked again with its key", open_keys, [])
        bodies = [each.answer.body for each in exchanges.values() if each.answer.status == 201]
        self.figures["taken"] = len(bodies)
        wrong = [body["debit_id"] for body in bodies if body["credits"] != plan.price]
        self.checks.that("each takes its price", wrong, [])
        sequences = {body["sequence"] for body in bodies}
        self.checks.that("each has a sequence of its own", len(sequences), len(bodies))

    def give_back(self) -> None:
        """What was taken is given back"""
        owed = len(self.crowd.open_keys)
        left = self.crowd.give_back()
        answers = {key: (answer.status, answer.body) for key, answer in left.items()}
        self.checks.that(f"{owed} debits come back", answers, {})

    def ledger(self, plan: Plan) -> statement.Statement:
        """The ledger adds up"""
        entries = statement.read(lambda cursor: self._page(cursor, statement.PAGE), self._before, plan.pages_max)
        self.checks.that("the newest entry of before is as it was", entries.before, self._before)
        self.checks.that("entries have no gap, and each balance is the one before and its change", entries.faults(), [])
        debits, back = self.crowd.taken, self.crowd.back
        strays = entries.strays("debit", self.prefix, debits)
        self.checks.that(f"each of {len(debits)} debits is in it once, as it was answered", strays, [])
        strays = entries.strays("reversal", self.prefix, back)
        self.checks.that(f"each of {len(back)} reversals is in it once, as it was answered", strays, [])
        taken, returned = (statement.added([body["credits"] for body in each.values()]) for each in (debits, back))
        if plan.gives_back:
            self.checks.that("as much came back as was taken", returned, taken)
        offsets = statement.added([body["offset"] for body in back.values()])
        self.figures |= {"credits_taken": taken, "credits_back": returned, "paid_what_was_owed": offsets}
        self.figures["entries_read"] = len(entries.entries)
        return entries

    def purchase(self, purchase_id: str) -> dict | None:
        """One of the account's newest hundred purchases."""
        listed = self.caller.get(f"{self.path}/purchases?limit={statement.PAGE}", self._token)
        purchases = listed.body["purchases"] if listed.status == 200 else []
        return next((each for each in purchases if each["purchase_id"] == purchase_id), None)

    def money_back(self, purchase_id: str, support_token: str) -> None:
        """The money back, in Stripe's test mode"""
        path = f"{self.path}/purchases/{quote(purchase_id, safe='')}/refund"
        body = {"reason": "a check of the deployment"}
        first = self.caller.post(path, body, support_token)
        for _ in range(_PENDING_ASKED_MAX):
            if first.status != 202:
                break
            self.service.stop.wait(_PENDING_SECONDS)
            first = self.caller.post(path, body, support_token)
        self.checks.answer("the purchase is refunded", first, 200, purchase_id=purchase_id, status="refunded")
        self._is_first("the refund again", self.caller.post(path, body, support_token), first.body, first.status)
        listed = (self.purchase(purchase_id) or {}).get("status")
        self.checks.that("which the list of purchases says", listed, "refunded")

    def whole(self) -> None:
        """All answers"""
        bad = {status: count for status, count in self.service.statuses.items() if status >= 500 and status != 503}
        self.checks.that("no answer is 500, 502 or 504", bad, {})
        if bad:
            print(
                "      Without a code these are the gateway's own: Lambda was throttled (a new AWS account runs 10\n"
                "      functions at once; try --parallel 8), or a function failed; the log and its alarms say which."
            )

    def _is_first(self, fact: str, answer: Answer, first: object, status: int = 201) -> None:
        self.checks.that(f"{status}  {fact}, the same answer", (answer.status, answer.body), (status, first))

    def _page(self, cursor: str, limit: int) -> dict:
        more = f"&cursor={quote(cursor, safe='')}" if cursor else ""
        answer = self.caller.get(f"{self.path}/entries?limit={limit}{more}", self._token)
        if answer.status != 200:
            raise GaveUp(f"the entries can't be read: {answer.status} {answer.body}")
        return answer.body


def explained(answer: Answer) -> str:
    """Why the account can't be asked about, and what to do."""
    if answer.status == 401:
        return "the token isn't accepted: compare its iss and aud with the parameters JwtIssuer and JwtAudience"
    if answer.status == 403:
        return (
            "the token may not read the account: compare its scopes with the parameter ScopePrefix, and its account "
            "with AccountClaim (--account-claim), or give one with credits:any-account"
        )
    if answer.status == 404:
        return "there is no such route: compare --url with the stack's output ApiUrl"
    return f"the account can't be asked about: {answer.status or 'no answer'} {answer.body or ''}"
