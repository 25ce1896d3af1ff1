"""An operator's tasks with a stack, by docs/deploying.md: wrong parameters, a creation that fails, a restored table,
changed parameters, and the identity providers of docs/identity.md.

The emulator can't show all of it: it restores a table as it is now, whatever moment is asked for; it deletes protected
tables with their stack; it makes one resource after the other, and functions without their zip too; and a function
that is stopped still runs by its alias, so that only the webhook turns away what comes. Its authorizer reads
`client_id`, `scp` and lists as AWS's does. The tokens are those of the page, but of this issuer and of now; no provider
is called.
"""

import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.exceptions import ClientError

import providers
import stripe
from caller import Caller, Checks, credits
from emulator import REGION, Emulator, NotDeployed, Stack
from issuer import Issuer
from loopback import Answer
from play_check import VERIFY

ACCOUNT, PATH = "kept", "/v1/accounts/kept"
ONE = {"operation": "face_enhance", "images": 1}
RESTORED = "scrip-ledger-restored"
SECOND, DOMAIN = "scrip-second", "credits.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
WRITERS = ["DebitFunction", "RefundFunction", "PurchaseWebhookFunction", "MonthlyRefillFunction"]
# A fact, wrong parameters, and a part of the message that refuses them.
WRONG = [
    ("prices without their quotes", {"StripePrices": "{price_1:basic_monthly}"}, "must be JSON"),
    ("an issuer without https", {"JwtIssuer": "login.example.com"}, "must be an https URL"),
    ("an issuer by http", {"JwtIssuer": "http://login.example.com"}, "must be an https URL"),
    ("a domain without a certificate", {"DomainName": DOMAIN}, "DomainName needs CertificateArn"),
    ("the outbox without a stream", {"CreateTable": "No", "Outbox": "On"}, "The outbox needs TableStreamArn"),
    ("a table without a name", {"TableName": ""}, "TableName"),
    ("an audience in quotes", {"JwtAudience": '"scrip"'}, "without quotes"),
]
# The answers of the emulator and of AWS for a function that may not run.
TURNED_AWAY = {429, 503}
VERIFY_SECONDS_MAX = 60


class PlayOperations:
    """It leaves the stack with other parameters, so it is played last."""

    def __init__(
        self,
        emulator: Emulator,
        stack: Stack,
        parameters: dict[str, str],
        issuer: Issuer,
        provider: stripe.Api,
        checks: Checks,
    ) -> None:
        self._emulator, self._stack, self._parameters = emulator, stack, parameters
        self._issuer, self._provider, self._checks = issuer, provider, checks
        self._caller, self._dynamodb = Caller(stack, issuer), emulator.client("dynamodb")
        # The providers whose tokens have been tried.
        self._played: set[str] = set()

    def play(self) -> None:
        for part in (self.wrong, self.failed, self.restore, self.changed):
            print(f"\n{part.__doc__}", flush=True)
            part()

    def wrong(self) -> None:
        """Wrong parameters"""
        for fact, parameters, expected in WRONG:
            try:
                self._emulator.create(self._parameters | {"TableName": SECOND} | parameters, SECOND)
                result = "it is deployed"
            except ClientError as error:
                result = error.response["Error"]["Message"]
            except NotDeployed as error:
                result = error.why
            self._checks.that(f"{fact}: refused", expected if expected in result else result, expected)
        self._checks.that("no stack is made", self._stacks(), [self._stack.name])

    def failed(self) -> None:
        """A creation that fails"""
        gateway = self._emulator.client("apigatewayv2")
        gateway.create_domain_name(DomainName=DOMAIN)
        parameters = self._parameters | {
            "TableName": SECOND,
            "DomainName": DOMAIN,
            "CertificateArn": CERTIFICATE,
        }
        try:
            self._emulator.create(parameters, SECOND)
            ended = "CREATE_COMPLETE", ""
        except NotDeployed as error:
            ended = error.status, error.why.partition(":")[0]
        self._checks.that("a domain that is taken: rolled back", ended, ("ROLLBACK_COMPLETE", "Domain"))
        self._checks.that("it leaves no table", SECOND in self._tables(), False)
        self._checks.that("it can be deleted", self._emulator.delete(SECOND), "DELETE_COMPLETE")
        gateway.delete_domain_name(DomainName=DOMAIN)
        second = self._emulator.create(parameters, SECOND)
        target = gateway.get_domain_name(DomainName=DOMAIN)["DomainNameConfigurations"][0]["ApiGatewayDomainName"]
        self._checks.that("mended, it is made, with its domain", second.outputs().get("DomainTarget"), target)
        self._checks.that("deleted, it is gone", self._emulator.delete(SECOND), "DELETE_COMPLETE")
        table = self._dynamodb.describe_table(TableName=SECOND)["Table"]
        kept = table["TableStatus"], table["DeletionProtectionEnabled"]
        self._checks.that("its table is kept, and protected", kept, ("ACTIVE", True))
        left = {"TableName": SECOND, "CreateTable": "No", "TableStreamArn": table["LatestStreamArn"]}
        second = self._emulator.create(self._parameters | left, SECOND)
        self._checks.that("made again, it takes that table", second.outputs()["TableName"], SECOND)
        self._emulator.delete(SECOND)

    def restore(self) -> None:
        """The table is restored"""
        old, checks, now = self._stack.outputs()["TableName"], self._checks, int(time.time())
        self._caller.tell(self._provider.sell_plan(ACCOUNT, now))
        before = self._debit("before")
        functions = self._emulator.client("lambda")
        names = [self._stack.id(writer) for writer in WRITERS]
        for name in names:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        pack = self._provider.sell_pack(ACCOUNT, now)
        checks.that("stopped, the webhook turns events away", self._caller.tell(pack).status in TURNED_AWAY, True)
        self._provider.lose(pack)
        stream = self._restored(old, now)
        self._repair()
        parameters = {"TableName": RESTORED, "CreateTable": "No", "TableStreamArn": stream}
        rows = self._rows(old)
        self._update(parameters)
        checks.that("the stack has that table", self._stack.outputs()["TableName"], RESTORED)
        checks.that("and none of its own", self._stack.ids("AWS::DynamoDB::Table"), {})
        pipe = self._emulator.client("pipes").describe_pipe(Name=self._stack.id("OutboxPipe"))
        checks.that("the outbox reads its stream", pipe["Source"], stream)
        reserved = [functions.get_function_concurrency(FunctionName=name) for name in names]
        found = [each.get("ReservedConcurrentExecutions") for each in reserved]
        checks.that("the functions are stopped still", found, [0] * len(names))
        for name in names:
            functions.delete_function_concurrency(FunctionName=name)
        again = self._debit("before")
        replayed = again.status, again.headers.get("idempotent-replayed"), again.body
        checks.that("started, a debit of before is a replay", replayed, (201, "true", before.body))
        checks.answer("a new debit", self._debit("after"), 201, debit_id="after", sequence=3)
        checks.that("its entry is in the restored table", len(self._entries(RESTORED)), 3)
        checks.that("the old table is there, as it was", self._rows(old), rows)
        since = (datetime.fromtimestamp(now, UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        recovered = self._stack.invoke("PurchaseWebhookFunction", {"command": "recover", "since": since})
        counts = {name: recovered.get(name) for name in ("applied", "failed", "remaining")}
        checks.that("a recovery brings the event in", counts, {"applied": 1, "failed": 0, "remaining": 0})
        account = self._caller.get(PATH, self._token("credits:read"))
        left = credits(before.body["balance"]["playground"] - 1, 1, 64)
        checks.answer("the account has what was bought, less both debits", account, 200, balance=left)
        if VERIFY.is_file():
            checks.that("verify finds nothing", self._verify()[0], 0)

    def changed(self) -> None:
        """Changed parameters, and the tokens of identity providers"""
        self._providers()
        old = self._token("credits:read", "credits:debit", "credits:settle")
        self._update({"ScopePrefix": ""})
        new = self._issuer.token(ACCOUNT, scope="credits:read credits:debit credits:settle")
        for which, token, expected in (("the old", old, [403, 403, 403]), ("the new", new, [200, 201, 201])):
            back = self._caller.post(
                f"{PATH}/debits/before/reversals", {"credits": credits(1), "reason": "failed"}, token, "back"
            )
            asked = [self._caller.get(PATH, token), self._caller.post(f"{PATH}/debits", ONE, token, "changed"), back]
            statuses = [answer.status for answer in asked]
            self._checks.that(f"quote, debit and refund, with {which} prefix of scopes", statuses, expected)
        self._providers()
        for claim in ("uid", "oid"):
            self._update({"AccountClaim": claim})
            self._providers()
        missing = {provider.name for provider in providers.recipes()} - self._played
        self._checks.that("each of the page's providers had its turn", missing, set())

    def _providers(self) -> None:
        """The tokens of the providers whose parameters the stack has."""
        has = {"AccountClaim": "sub"} | self._parameters
        for provider in providers.recipes():
            if any(has[name] != value for name, value in provider.parameters.items()):
                continue
            self._played.add(provider.name)
            theirs = {"iss", "iat", "exp", "nbf"}
            token = self._issuer.sign({name: value for name, value in provider.claims.items() if name not in theirs})
            own = self._caller.get(f"/v1/accounts/{quote(provider.account)}", token)
            self._checks.answer(f"{provider.name}: one's own account", own, 200, plan=None)
            other = self._caller.get(PATH, token)
            self._checks.answer(f"{provider.name}: another's", other, 403, code="forbidden")

    def _restored(self, old: str, now: int) -> str:
        """Steps 2 and 3: a new table with all that a restore doesn't bring; its stream."""
        dynamodb, moment = self._dynamodb, datetime.fromtimestamp(now, UTC)
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=old, TargetTableName=RESTORED, RestoreDateTime=moment
        )
        dynamodb.get_waiter("table_exists").wait(TableName=RESTORED)
        dynamodb.update_continuous_backups(
            TableName=RESTORED, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        dynamodb.update_table(TableName=RESTORED, DeletionProtectionEnabled=True)
        streams = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        dynamodb.update_table(TableName=RESTORED, StreamSpecification=streams)
        tables = [dynamodb.describe_table(TableName=name)["Table"] for name in (old, RESTORED)]
        alike = ("KeySchema", "StreamSpecification", "DeletionProtectionEnabled", "BillingModeSummary")
        was, has = ([table.get(name) for name in alike] for table in tables)
        self._checks.that("restored, it is as the old one", has, was)
        backups = dynamodb.describe_continuous_backups(TableName=RESTORED)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        self._checks.that("and can be restored again", recovery, "ENABLED")
        indexes = [index["IndexName"] for index in tables[1]["GlobalSecondaryIndexes"]]
        found = indexes, self._rows(RESTORED)
        self._checks.that("with its index, and as many rows", found, (["due"], self._rows(old)))
        return tables[1]["LatestStreamArn"]

    def _repair(self) -> None:
        """Step 4: a claim that the restore lost is found, and rebuilt."""
        key = {"pk": {"S": f"OPERATION#{ACCOUNT}#debit#before"}, "sk": {"S": "OPERATION"}}
        had = self._dynamodb.delete_item(TableName=RESTORED, Key=key, ReturnValues="ALL_OLD").get("Attributes")
        self._checks.that("a claim is lost", had is not None, True)
        if not VERIFY.is_file():
            self._checks.skip("verify on the restored table", f"{VERIFY} is not built")
            self._dynamodb.put_item(TableName=RESTORED, Item=had)
            return
        code, output = self._verify()
        self._checks.that("verify finds it", (code, f"{ACCOUNT}: " in output, "no_claim" in output), (1, True, True))
        code, output = self._verify("--repair")
        self._checks.that("and rebuilds it", (code, "no_claim" in output), (1, True))
        self._checks.that("then it finds nothing", self._verify()[0], 0)
        has = self._dynamodb.get_item(TableName=RESTORED, Key=key).get("Item", {})
        self._checks.that("the claim is as it was", has, had)

    def _verify(self, *asked: str) -> tuple[int, str]:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
        done = subprocess.run(
            [str(VERIFY), "--table", RESTORED, "--endpoint-url", self._emulator.url, *asked],
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | keys,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=VERIFY_SECONDS_MAX,
        )
        return done.returncode, done.stdout

    def _update(self, parameters: dict[str, str]) -> None:
        self._parameters = self._parameters | parameters
        self._stack = self._emulator.update(self._parameters)
        self._caller = Caller(self._stack, self._issuer)

    def _token(self, *scopes: str) -> str:
        return self._issuer.token(ACCOUNT, *scopes)

    def _debit(self, key: str) -> Answer:
        return self._caller.post(f"{PATH}/debits", ONE, self._token("credits:debit"), key)

    def _entries(self, table: str) -> list[dict]:
        values = {":pk": {"S": f"ACCOUNT#{ACCOUNT}"}, ":entry": {"S": "ENTRY#"}}
        asked = "pk = :pk AND begins_with(sk, :entry)"
        found = self._dynamodb.query(
            TableName=table, KeyConditionExpression=asked, ExpressionAttributeValues=values, ConsistentRead=True
        )
        return found["Items"]

    def _rows(self, table: str) -> int:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, Select="COUNT")
        return sum(page["Count"] for page in pages)

    def _tables(self) -> list[str]:
        return self._dynamodb.list_tables()["TableNames"]

    def _stacks(self) -> list[str]:
        described = self._emulator.client("cloudformation").describe_stacks()["Stacks"]
        return [stack["StackName"] for stack in described]
