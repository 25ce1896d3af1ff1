"""AWS on loopback: MiniStack as a child process, and the template deployed on it by CloudFormation.

Invariant: the template is deployed as it is, after what `sam deploy` does to it as well: each `CodeUri` is
uploaded and named by its place in S3. Three limits of the emulator are made up for:

- it refuses alarms on metric math: they are deployed on a plain metric (`_packaged`);
- it doesn't import an HTTP API's OpenAPI document: `_import_api` makes routes of it;
- it asks for a permission to send in batches, which IAM doesn't have: `_allow_batches` gives it.

Others are lived with: its pipes deliver to SNS and state machines only, its Scheduler fills nothing into an
input, its policies know no `dynamodb:LeadingKeys`, and nothing is throttled.
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
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import WaiterError

from loopback import Answer, ask

STACK = "scrip"
BUCKET = "scrip-code"
REGION = "us-east-1"
START_SECONDS_MAX = 60
DEPLOY_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10
_CODE_URI = re.compile(r"CodeUri: target/lambda/([\w-]+)/")
_PARAMETER = re.compile(r"\$\{(\w+)\}")
_FUNCTION = re.compile(r"\$\{(\w+)\.Arn\}")
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
        """What the emulator and the functions said last."""
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

    def deploy(self, template: Path, parameters: dict[str, str], zips: dict[str, Path]) -> "Stack":
        """Uploads the functions' zips, and deploys the template with those parameters."""
        s3, formation = self.client("s3"), self.client("cloudformation")
        s3.create_bucket(Bucket=BUCKET)
        for name, path in zips.items():
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=path.read_bytes())
        formation.create_stack(
            StackName=STACK,
            TemplateBody=_packaged(template.read_text()),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        try:
            waiting = {"Delay": 1, "MaxAttempts": DEPLOY_SECONDS_MAX}
            formation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=waiting)
        except WaiterError as error:
            events = formation.describe_stack_events(StackName=STACK)["StackEvents"]
            failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
            why = "; ".join(
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed
            )
            raise RuntimeError(f"the template can't be deployed: {why or error}") from error
        stack = Stack(self)
        _import_api(stack, formation, parameters)
        _allow_batches(stack)
        return stack


class Stack:
    """What was deployed, by the names that the template gives."""

    def __init__(self, emulator: Emulator) -> None:
        pages = (
            emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        )
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        self._ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        self._types = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources}
        self._emulator = emulator
        self._lambda = emulator.client("lambda")
        self._sqs = emulator.client("sqs")
        self.client = emulator.client

    def id(self, name: str) -> str:
        """The physical id of a resource."""
        return self._ids[name]

    def ids(self, resource_type: str) -> dict[str, str]:
        """The physical ids of the resources of a type."""
        return {name: self._ids[name] for name, is_type in self._types.items() if is_type == resource_type}

    def function_arn(self, name: str) -> str:
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
        return ask(method, f"{self._emulator.url}{path}", {"Host": host, **headers}, body)

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


def _import_api(stack: Stack, formation: Any, parameters: dict[str, str]) -> None:
    """Makes the routes and authorizers of the OpenAPI document that SAM made of the template's events."""
    gateway, api = stack.client("apigatewayv2"), stack.id("Api")
    deployed = formation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    resources = (json.loads(deployed) if isinstance(deployed, str) else deployed)["Resources"]
    document = _with_parameters(resources["Api"]["Properties"]["Body"], parameters)
    if cors := document.get("x-amazon-apigateway-cors"):
        # The emulator hands SAM a list parameter as one string.
        lists = {name: value.split(",") if isinstance(value, str) else value for name, value in cors.items()}
        capitalized = {name[0].upper() + name[1:]: value for name, value in lists.items()}
        gateway.update_api(ApiId=api, CorsConfiguration=capitalized)
    authorizers = {}
    for name, scheme in document["components"]["securitySchemes"].items():
        asked = scheme["x-amazon-apigateway-authorizer"]
        configuration = asked["jwtConfiguration"]
        made = gateway.create_authorizer(
            ApiId=api,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[asked["identitySource"]],
            JwtConfiguration={"Issuer": configuration["issuer"], "Audience": configuration["audience"]},
        )
        authorizers[name] = made["AuthorizerId"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            (function,) = _FUNCTION.findall(integration["uri"]["Fn::Sub"])
            made = gateway.create_integration(
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=stack.function_arn(function),
                PayloadFormatVersion=integration["payloadFormatVersion"],
            )
            ((name, scopes),) = operation["security"][0].items()
            secured = (
                {"AuthorizationType": "NONE"}
                if name == "NONE"
                else {
                    "AuthorizationType": "JWT",
                    "AuthorizerId": authorizers[name],
                    "AuthorizationScopes": scopes,
                }
            )
            key, target = f"{method.upper()} {path}", f"integrations/{made['IntegrationId']}"
            gateway.create_route(ApiId=api, RouteKey=key, Target=target, **secured)


def _allow_batches(stack: Stack) -> None:
    """Lets whoever may send a message send several at once, as on AWS."""
    iam = stack.client("iam")
    for role in stack.ids("AWS::IAM::Role").values():
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                batches = ["sqs:SendMessageBatch"] if "sqs:SendMessage" in actions else []
                statement["Action"] = actions + batches
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _with_parameters(part: Any, parameters: dict[str, str]) -> Any:
    """The same with each `Ref` of a parameter, and each one in a `Fn::Sub`, as its value."""
    if isinstance(part, dict):
        if part.keys() == {"Ref"} and part["Ref"] in parameters:
            return parameters[part["Ref"]]
        if part.keys() == {"Fn::Sub"} and isinstance(part["Fn::Sub"], str):
            filled = _PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), part["Fn::Sub"])
            # What names resources still is left to CloudFormation.
            return part | {"Fn::Sub": filled} if "${" in filled else filled
        return {name: _with_parameters(member, parameters) for name, member in part.items()}
    if isinstance(part, list):
        return [_with_parameters(member, parameters) for member in part]
    return part


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
