"""AWS on loopback: MiniStack as a child process, and the template deployed on it by CloudFormation.

Invariant: the template is deployed as it is, after what `sam deploy` does to it as well: each `CodeUri` is
uploaded and named by its place in S3. Four limits of the emulator are made up for:

- it refuses alarms on metric math: they are deployed on a plain metric (`_packaged`);
- it doesn't import an HTTP API's OpenAPI document: `mended.py` makes routes of it;
- it asks for a permission to send in batches, which IAM doesn't have: `mended.py` gives it;
- it takes a mapping's number of workers from a parameter as text: `mended.py` gives it as a number.

Others are lived with: its pipes deliver to SNS and state machines only, and enrich nothing (`outbox.py` does what ours
would), its Scheduler fills nothing into an input, its policies know no `dynamodb:LeadingKeys`, and nothing is
throttled.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import mended
from loopback import Answer, ask

STACK = "scrip"
BUCKET = "scrip-code"
REGION = "us-east-1"
START_SECONDS_MAX = 60
DEPLOY_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10
_CODE_URI = re.compile(r"CodeUri: functions/([\w-]+)/")
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_METRIC_MATH = re.compile(r"^( +)Metrics:\n(?:\1 .*\n)+", re.MULTILINE)


class Emulator:
    """MiniStack, until it is closed; nothing of it is left behind."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="scrip-deployed-")
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = Path(self._home.name, "log")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment = inherited | {
            # The functions may do what their policies say, and nothing else.
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            # Nothing that isn't needed opens a port.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": self._home.name,
            "TMPDIR": self._home.name,
            # The functions inherit these.
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        }
        with self._log.open("wb") as log:
            # A session of its own, so that the functions it starts end with it.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                if ask("GET", f"{self.url}/_ministack/ready", {}).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError("the emulator doesn't start")

    def close(self) -> None:
        """Lets it stop its functions; whatever is left of its session then is killed."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS_MAX)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._home.cleanup()

    def log_tail(self, lines: int) -> str:
        """The last lines that the emulator and the functions logged."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            config=config,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def upload(self, template: Path, zips: dict[str, Path]) -> None:
        """Puts the functions' zips and the template into S3."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for name, path in zips.items():
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=path.read_bytes())
        # A template of over 51,200 bytes is taken from S3 only.
        s3.put_object(Bucket=BUCKET, Key="template.yaml", Body=_packaged(template.read_text()).encode())

    def create(self, parameters: dict[str, str], name: str = STACK) -> "Stack":
        """Makes a stack of what was uploaded, with those parameters."""
        return self._deploy(self.client("cloudformation").create_stack, name, parameters)

    def update(self, parameters: dict[str, str], name: str = STACK) -> "Stack":
        """Gives a stack those parameters instead."""
        return self._deploy(self.client("cloudformation").update_stack, name, parameters)

    def delete(self, name: str) -> str:
        """Deletes a stack; the status that it ends with."""
        formation = self.client("cloudformation")
        (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
        formation.delete_stack(StackName=name)
        return self._settled(stack["StackId"])

    def _deploy(self, call: Callable[..., Any], name: str, parameters: dict[str, str]) -> "Stack":
        made = call(
            StackName=name,
            TemplateURL=f"{self.url}/{BUCKET}/template.yaml",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=_CAPABILITIES,
        )
        status = self._settled(made["StackId"])
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
            failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
            why = "; ".join(
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed
            )
            raise NotDeployed(status, why)
        stack = Stack(self, name)
        mended.mend(stack, parameters)
        return stack

    def _settled(self, stack: str) -> str:
        """A stack's status once nothing is in progress."""
        formation, until = self.client("cloudformation"), time.monotonic() + DEPLOY_SECONDS_MAX
        while time.monotonic() < until:
            (described,) = formation.describe_stacks(StackName=stack)["Stacks"]
            if not described["StackStatus"].endswith("IN_PROGRESS"):
                break
            time.sleep(0.1)
        return described["StackStatus"]


class NotDeployed(Exception):
    """A stack couldn't be deployed."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(f"the template can't be deployed: {status}: {why}")
        self.status, self.why = status, why


class Stack:
    """The deployed resources, by the names of the template."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name = name
        self._formation = emulator.client("cloudformation")
        pages = self._formation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        self._ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        self._types = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources}
        self.emulator_url = emulator.url
        self._lambda = emulator.client("lambda")
        self._sqs = emulator.client("sqs")
        self.client = emulator.client

    def id(self, name: str) -> str:
        """The physical id of a resource."""
        return self._ids[name]

    def ids(self, resource_type: str) -> dict[str, str]:
        """The physical ids of the resources of a type."""
        return {name: self._ids[name] for name, is_type in self._types.items() if is_type == resource_type}

    def outputs(self) -> dict[str, str]:
        (described,) = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def resources(self) -> dict[str, Any]:
        """The resources of the template as SAM made it."""
        body = self._formation.get_template(StackName=self.name, TemplateStage="Processed")["TemplateBody"]
        return (json.loads(body) if isinstance(body, str) else body)["Resources"]

    def function_arn(self, name: str) -> str:
        """The ARN of a function or of an alias, whose id it is."""
        if self._types[name] == "AWS::Lambda::Alias":
            return self.id(name)
        return self._lambda.get_function(FunctionName=self.id(name))["Configuration"]["FunctionArn"]

    def invoke(self, function: str, event: object) -> Any:
        """Calls a function by its template name or its ARN; what it fails with is raised."""
        name = self._ids.get(function, function)
        answer = self._lambda.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} fails: {payload}")
        return payload

    def call(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer:
        """A request to the HTTP API."""
        host = f"{self.id('Api')}.execute-api.localhost"
        return ask(method, f"{self.emulator_url}{path}", {"Host": host, **headers}, body)

    def waiting_messages(self) -> dict[str, int]:
        """How many messages each queue holds, those included that a function works on."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = {}
        for name, url in self.ids("AWS::SQS::Queue").items():
            attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
            waiting[name] = sum(int(attributes[count]) for count in counts)
        return waiting


def _packaged(template: str) -> str:
    template = _METRIC_MATH.sub(r"\1Namespace: Emulator\n\1MetricName: MetricMath\n", template)
    return _CODE_URI.sub(rf"CodeUri: s3://{BUCKET}/\1.zip", template)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
