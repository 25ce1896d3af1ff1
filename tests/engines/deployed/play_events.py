"""Plays the rules of `docs/examples/events.yaml` on the deployed bus, with the events of all that was played before.

The emulator makes no connections and API destinations by CloudFormation, so what the example's stack has is made here
by the same properties; a queue stands for each target but the webhook.
"""

import json
import re
from collections import Counter
from pathlib import Path

import bus
from caller import Caller, Checks, wait
from emulator import Stack
from issuer import Issuer
from loopback import Reply, Request, Server
from outbox import Outbox, entries, record
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[3]
SECRET = "a secret of thirty-two characters"
# Which accounts have events is the story's to say; these are two of them.
ACCOUNTS = ("buyer", "regular")


class PlayEvents:
    """The rules are made, the outbox fills the bus, and what each target got is compared with the ledger."""

    def __init__(self, stack: Stack, issuer: Issuer, checks: Checks) -> None:
        self._stack, self._checks, self._caller = stack, checks, Caller(stack, issuer)
        self._events, self._sqs = stack.client("events"), stack.client("sqs")
        self._bus = stack.outputs()["EventBusName"]
        self._example = yaml_parse((ROOT / "docs/examples/events.yaml").read_text())["Resources"]
        self._posted: list[tuple[dict, dict]] = []
        self._queues: dict[str, str] = {}
        self._got: dict[str, list[dict]] = {}

    def play(self) -> None:
        """Events, and rules on them"""
        print(f"\n{self.play.__doc__}", flush=True)
        self._unreadable()
        self._permission()
        server = Server(self._take)
        try:
            for name, properties in self._rules().items():
                self._put(name, properties["EventPattern"])
                if name != "Webhooks":
                    self._queues[name] = self._target_queue(name)
            self._target_webhook(server.url)
            outbox = Outbox(self._stack)
            try:
                self._compare()
            finally:
                outbox.close()
        finally:
            for name in self._rules():
                self._delete(name)
            server.close()

    def _rules(self) -> dict[str, dict]:
        rules = {
            name: resource["Properties"]
            for name, resource in self._example.items()
            if resource["Type"] == "AWS::Events::Rule"
        }
        text = (ROOT / "docs/events.md").read_text()
        (pattern,) = re.findall(r"<!-- pattern: below 100 -->\n```json\n(.*?)```", text, re.DOTALL)
        return rules | {"Below": {"EventPattern": json.loads(pattern)}}

    def _compare(self) -> None:
        checks = self._checks
        items = entries(self._stack.client("dynamodb"), self._stack.outputs()["TableName"])
        count = wait(lambda: len(self._receive("Analytics")), len(items))
        checks.that(f"each of {len(items)} entries is an event", count, len(items))
        everything = self._got["Analytics"]
        for account in ACCOUNTS:
            mine = [event for event in everything if event["detail"]["account_id"] == account]
            shown = self._caller.entries(account)
            result = len(mine), bus.differences(mine, shown, account)
            checks.that(f"each of {account}'s says what the API shows", result, (len(shown), []))
        types = Counter(event["detail-type"] for event in everything)
        wanted = {name: types[name] for name in ("credits.purchase", "credits.refund")}
        checks.that("a receipt is for what was bought and refunded", self._types("Receipts", wanted), wanted)
        low = Counter(event["detail-type"] for event in everything if "playground" in event["detail"].get("low", []))
        checks.that("a mail is for a balance that got low", self._types("LowBalances", dict(low)), dict(low))
        below = Counter(
            event["detail-type"] for event in everything if event["detail"]["balance"]["playground"] < 100
        )
        checks.that("a pattern compares numbers", self._types("Below", dict(below)), dict(below))
        checks.that("some are below, and some aren't", 0 < below.total() < types.total(), True)
        own = {f"credits.{kind}" for kind in ("debit", "reversal", "hold", "capture")}
        others = {name: count for name, count in types.items() if name not in own}
        seen = wait(lambda: dict(Counter(body["type"] for _, body in self._posted)), others)
        checks.that("the webhook gets what the product didn't ask for", seen, others)
        secrets = {headers.get("x-scrip-secret") for headers, _ in self._posted}
        checks.that("with its secret in a header", secrets, {SECRET})
        details = {event["detail"]["event_id"]: event["detail"] for event in everything}
        bodies = [body for _, body in self._posted if details.get(body["event_id"]) != body]
        checks.that("and the entry alone as its body", bodies, [])

    def _unreadable(self) -> None:
        function = self._stack.function_arn("QuoteFunctionAliaslive")
        items = entries(self._stack.client("dynamodb"), self._stack.outputs()["TableName"])[:2]
        broken = [record(items[0]), record(items[1] | {"kind": {"S": "unheard of"}})]
        try:
            answer = self._stack.invoke(function, broken)
        except RuntimeError as error:
            answer = "a record can't become an event" in str(error)
        self._checks.that("a record that can't be read fails its batch", answer, True)
        request = {"version": "2.0", "requestContext": {"http": {}}, "body": json.dumps([record(items[0])])}
        try:
            answer = isinstance(self._stack.invoke(function, request), list)
        except RuntimeError:
            answer = False
        self._checks.that("a request with records in it makes no events", answer, False)

    def _permission(self) -> None:
        """The pipe's role may invoke the alias and nothing else."""
        iam = self._stack.client("iam")
        role = iam.get_role(RoleName=self._stack.id("OutboxRole"))["Role"]["Arn"]
        alias = self._stack.function_arn("QuoteFunctionAliaslive")
        others = [self._stack.function_arn(name) for name in ("QuoteFunction", "DebitFunction", "RefundFunction")]
        decided = {}
        for function in (alias, *others):
            simulated = iam.simulate_principal_policy(
                PolicySourceArn=role, ActionNames=["lambda:InvokeFunction"], ResourceArns=[function]
            )
            decided[function] = simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
        expected = {alias: True} | dict.fromkeys(others, False)
        self._checks.that("the pipe may invoke the quote function's alias and no other", decided, expected)

    def _put(self, name: str, pattern: dict) -> None:
        self._events.put_rule(Name=name, EventBusName=self._bus, EventPattern=json.dumps(pattern))

    def _target_queue(self, name: str) -> str:
        queue = self._sqs.create_queue(QueueName=f"rule-{name}")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        targets = [{"Id": name, "Arn": attributes["QueueArn"]}]
        self._events.put_targets(Rule=name, EventBusName=self._bus, Targets=targets)
        return queue

    def _target_webhook(self, url: str) -> None:
        connection = self._example["Connection"]["Properties"]
        key = connection["AuthParameters"]["ApiKeyAuthParameters"] | {"ApiKeyValue": SECRET}
        made = self._events.create_connection(
            Name="webhook",
            AuthorizationType=connection["AuthorizationType"],
            AuthParameters={"ApiKeyAuthParameters": key},
        )
        destination = self._example["Webhook"]["Properties"]
        webhook = self._events.create_api_destination(
            Name="webhook",
            ConnectionArn=made["ConnectionArn"],
            HttpMethod=destination["HttpMethod"],
            InvocationEndpoint=f"{url}/webhooks/scrip",
            InvocationRateLimitPerSecond=destination["InvocationRateLimitPerSecond"],
        )
        (target,) = self._example["Webhooks"]["Properties"]["Targets"]
        targets = [
            {
                "Id": target["Id"],
                "Arn": webhook["ApiDestinationArn"],
                "RoleArn": "arn:aws:iam::000000000000:role/webhook",
                "InputPath": target["InputPath"],
                "RetryPolicy": target["RetryPolicy"],
            }
        ]
        self._events.put_targets(Rule="Webhooks", EventBusName=self._bus, Targets=targets)

    def _take(self, request: Request) -> Reply:
        self._posted.append((request.headers, json.loads(request.body)))
        return 200, {}

    def _types(self, name: str, expected: dict[str, int]) -> dict[str, int]:
        """How many events of each type a rule's queue got, once they are as expected."""
        return wait(lambda: dict(Counter(event["detail-type"] for event in self._receive(name))), expected)

    def _receive(self, name: str) -> list[dict]:
        got = self._got.setdefault(name, [])
        while messages := self._sqs.receive_message(QueueUrl=self._queues[name], MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            done = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._queues[name], Entries=done)
            got += [json.loads(message["Body"]) for message in messages]
        return got

    def _delete(self, name: str) -> None:
        """Other checks look at the bus too, and find it as they left it."""
        listed = self._events.list_targets_by_rule(Rule=name, EventBusName=self._bus)["Targets"]
        if ids := [target["Id"] for target in listed]:
            self._events.remove_targets(Rule=name, EventBusName=self._bus, Ids=ids)
        self._events.delete_rule(Name=name, EventBusName=self._bus)
        if queue := self._queues.get(name):
            self._sqs.delete_queue(QueueUrl=queue)
