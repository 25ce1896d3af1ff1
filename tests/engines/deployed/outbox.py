"""The outbox, which the emulator's pipes can't fill: a thread that does what the template's pipe does.

It reads the table instead of the stream, so it tells of what was there before too, as the pipe would from its
`TRIM_HORIZON`. Entries go as records of the stream to the deployed pipe's enrichment, and what that makes of them goes
on the bus as the pipe's parameters say.
"""

import json
import threading

from emulator import Stack

_LOOK_SECONDS = 0.2
_BATCH = 10


class Outbox:
    """Each entry of the ledger becomes an event on the stack's bus, until it is closed."""

    def __init__(self, stack: Stack) -> None:
        (pipe,) = (resource for resource in stack.resources().values() if resource["Type"] == "AWS::Pipes::Pipe")
        properties, outputs = pipe["Properties"], stack.outputs()
        of_bus = properties["TargetParameters"]["EventBridgeEventBusParameters"]
        self._form = {"Source": of_bus["Source"], "EventBusName": outputs["EventBusName"]}
        # A path into the event: `$.type`.
        self._type = of_bus["DetailType"].removeprefix("$.")
        self._stack, self._enrichment = stack, stack.function_arn(properties["Enrichment"]["Ref"])
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
            fresh = [image for image in entries(self._dynamodb, self._table) if _key(image) not in self._seen]
            for start in range(0, len(fresh), _BATCH):
                some = fresh[start : start + _BATCH]
                events = self._stack.invoke(self._enrichment, [record(image) for image in some])
                put = [
                    self._form | {"DetailType": event[self._type], "Detail": json.dumps(event)} for event in events
                ]
                self._events.put_events(Entries=put)
                self._seen |= {_key(image) for image in some}


def entries(dynamodb, table: str) -> list[dict]:
    """The items of all entries."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(sk, :entry)",
        ExpressionAttributeValues={":entry": {"S": "ENTRY#"}},
    )
    return [image for page in pages for image in page["Items"]]


def record(image: dict) -> dict:
    """The record of the stream that says that an item was written."""
    return {
        "eventID": "/".join(_key(image)),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {name: image[name] for name in ("pk", "sk")},
            "NewImage": image,
            "StreamViewType": "NEW_IMAGE",
        },
    }


def _key(image: dict) -> tuple[str, str]:
    return image["pk"]["S"], image["sk"]["S"]
