"""The outbox, which the emulator's pipes can't fill: a thread that does what the template's pipe does.

It reads the table instead of the stream, so it tells of what was there before too, as the pipe would from its
`TRIM_HORIZON`, and fills in the deployed pipe's own template, so events have the form that the pipe gives them.
"""

import json
import re
import threading
from typing import Any

from emulator import Stack

_LOOK_SECONDS = 0.2
_FIELD = re.compile(r"<\$\.dynamodb\.NewImage\.([\w.]+)>")
_BATCH = 10


class Outbox:
    """Each entry of the ledger becomes an event on the stack's bus, until it is closed."""

    def __init__(self, stack: Stack) -> None:
        (pipe,) = (resource for resource in stack.resources().values() if resource["Type"] == "AWS::Pipes::Pipe")
        parameters = pipe["Properties"]["TargetParameters"]
        self._template = parameters["InputTemplate"]
        target, outputs = parameters["EventBridgeEventBusParameters"], stack.outputs()
        form = {"Source": target["Source"], "DetailType": target["DetailType"]}
        self._event = form | {"EventBusName": outputs["EventBusName"]}
        self._table, self._seen = outputs["TableName"], set()
        self._dynamodb, self._events = stack.client("dynamodb"), stack.client("events")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            fresh = [image for image in self._entries() if _key(image) not in self._seen]
            for start in range(0, len(fresh), _BATCH):
                some = fresh[start : start + _BATCH]
                entries = [self._event | {"Detail": filled(self._template, image)} for image in some]
                self._events.put_events(Entries=entries)
                self._seen |= {_key(image) for image in some}

    def _entries(self) -> list[dict]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(sk, :entry)",
            ExpressionAttributeValues={":entry": {"S": "ENTRY#"}},
        )
        return [image for page in pages for image in page["Items"]]


def filled(template: str, image: dict) -> str:
    """A pipe's input template with what an item has."""

    def value(found: re.Match[str]) -> str:
        at: Any = image
        for step in found[1].split("."):
            at = at[step]
        return json.dumps(at)[1:-1]

    return _FIELD.sub(value, template)


def _key(image: dict) -> tuple[str, str]:
    return image["pk"]["S"], image["sk"]["S"]
