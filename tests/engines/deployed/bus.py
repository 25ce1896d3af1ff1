"""The events of a check on the stack's bus: a rule and a queue for a while.

Invariant: whatever happens between, `close` tries to delete both, and says what it could not.
"""

import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

RULE_SECONDS_MAX = 60
EVENTS_SECONDS_MAX = 120
_TARGET = "check"
_LOOK_SECONDS = 5
# The probe must not look like an entry to other listeners.
_PROBE = "scrip-check"


class Bus:
    """Receives the events of entries whose reference begins with a prefix."""

    def __init__(self, client: Any, bus: str, prefix: str) -> None:
        self._events, self._sqs = client("events"), client("sqs")
        self._bus, self._prefix, self._name = bus, prefix, f"scrip-{prefix.rstrip('-')}"
        self._queue = ""
        # The received events, repeats included.
        self.events: list[dict] = []

    def open(self) -> bool:
        """Makes the rule and the queue; returns whether the rule has its target."""
        pattern = {"source": ["scrip", _PROBE], "detail": {"reference": [{"prefix": self._prefix}]}}
        rule = self._events.put_rule(
            Name=self._name,
            EventBusName=self._bus,
            EventPattern=json.dumps(pattern),
            Description="A check of the deployment; may be deleted.",
        )["RuleArn"]
        # An hour: left behind, it holds nothing for long.
        self._queue = self._sqs.create_queue(
            QueueName=self._name, Attributes={"MessageRetentionPeriod": "3600"}
        )["QueueUrl"]
        named = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = named["Attributes"]["QueueArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
                }
            ],
        }
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        targets = [{"Id": _TARGET, "Arn": arn}]
        put = self._events.put_targets(Rule=self._name, EventBusName=self._bus, Targets=targets)
        return put["FailedEntryCount"] == 0

    def is_delivering(self) -> bool:
        """Whether an event of its own comes through: a new rule takes a while to work."""
        probe = {"reference": f"{self._prefix}probe"}
        until = time.monotonic() + RULE_SECONDS_MAX
        while time.monotonic() < until:
            entry = {"Source": _PROBE, "DetailType": "Probe", "Detail": json.dumps(probe)}
            self._events.put_events(Entries=[entry | {"EventBusName": self._bus}])
            if any(event["source"] == _PROBE for event in self._receive()):
                return True
        return False

    def wait(self, references: set[str]) -> bool:
        """Receives until each reference has an event, or the time is up; returns whether each has."""
        until = time.monotonic() + EVENTS_SECONDS_MAX
        while not (are_complete := references <= {event["detail"]["reference"] for event in self.events}):
            if time.monotonic() > until:
                break
            self._receive()
        return are_complete

    def close(self) -> list[str]:
        """Deletes the rule and the queue; returns what is left, and why."""
        left = []
        rule = {"EventBusName": self._bus}
        for what, delete in (
            ("the rule's target", lambda: self._events.remove_targets(Rule=self._name, Ids=[_TARGET], **rule)),
            ("the rule", lambda: self._events.delete_rule(Name=self._name, **rule)),
            ("the queue", lambda: self._queue and self._sqs.delete_queue(QueueUrl=self._queue)),
        ):
            try:
                delete()
            except (BotoCoreError, ClientError) as error:
                if getattr(error, "response", {}).get("Error", {}).get("Code") != "ResourceNotFoundException":
                    left.append(f"{what} {self._name}: {error}")
        return left

    def _receive(self) -> list[dict]:
        asked = {"QueueUrl": self._queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": _LOOK_SECONDS}
        messages = self._sqs.receive_message(**asked).get("Messages", [])
        if messages:
            done = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._queue, Entries=done)
        events = [json.loads(message["Body"]) for message in messages]
        self.events += [event for event in events if event["source"] == "scrip"]
        return events


def differences(events: list[dict], entries: list[dict], account: str) -> list[str]:
    """The differences between an account's events and their entries, a line each."""
    by_reference = {(entry["reference"], entry["kind"]): entry for entry in entries}
    found = []
    for event in events:
        detail = event["detail"]
        entry = by_reference.get((detail["reference"], detail["kind"]))
        if entry is None:
            found.append(f"{detail['reference']} has an event and no entry")
            continue
        expected = entry | {
            "type": f"credits.{entry['kind']}",
            "event_id": f"{account}#{entry['sequence']}",
            "account_id": account,
        }
        wrong = sorted(name for name in expected.keys() | detail.keys() if expected.get(name) != detail.get(name))
        if event["detail-type"] != expected["type"]:
            wrong.append("detail-type")
        if wrong:
            found.append(f"{entry['reference']} has an event with another {', '.join(wrong)}")
    return found
