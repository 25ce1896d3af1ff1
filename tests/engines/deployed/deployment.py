"""The deployed stack as AWS shows it: outputs, alarms, and what the functions' roles allow. Reads only."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# A crowd of debits of one account is what it tells of.
LOUD_ALARM = "ContentionAlarm"
_ALARMS_A_CALL = 100
_REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class Unavailable(Exception):
    """The stack can't be read; says what to do."""


@dataclass
class Alarm:
    name: str
    state: str
    tells: list[str]


class Deployment:
    """A stack by its name."""

    def __init__(self, name: str, endpoint_url: str | None) -> None:
        self._endpoint_url = endpoint_url
        try:
            formation = self.client("cloudformation")
            (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
            pages = formation.get_paginator("list_stack_resources").paginate(StackName=name)
            resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"the stack {name} can't be read: {error}") from error
        self.status = stack["StackStatus"]
        self._outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        self._ids: dict[str, dict[str, str]] = {}
        for resource in resources:
            of_type = self._ids.setdefault(resource["ResourceType"], {})
            of_type[resource["LogicalResourceId"]] = resource.get("PhysicalResourceId", "")

    def client(self, service: str) -> Any:
        """With the credentials and region of the environment, as of the AWS CLI."""
        config = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
        return boto3.client(service, endpoint_url=self._endpoint_url, config=config)

    def output(self, name: str) -> str:
        """An output's value, or nothing if the stack has none of that name."""
        return self._outputs.get(name, "")

    def alarms(self) -> tuple[list[Alarm], list[str]]:
        """The stack's alarms by their names in the template, and those that are not there."""
        names = {physical: name for name, physical in self._ids.get("AWS::CloudWatch::Alarm", {}).items()}
        watch, asked, found = self.client("cloudwatch"), list(names), []
        for start in range(0, len(asked), _ALARMS_A_CALL):
            some = asked[start : start + _ALARMS_A_CALL]
            found += watch.describe_alarms(AlarmNames=some, MaxRecords=_ALARMS_A_CALL)["MetricAlarms"]
        alarms = [
            Alarm(
                names[alarm["AlarmName"]],
                alarm["StateValue"],
                alarm["AlarmActions"] if alarm["ActionsEnabled"] else [],
            )
            for alarm in found
        ]
        return alarms, sorted(set(names.values()) - {alarm.name for alarm in alarms})

    def functions(self) -> dict[str, str]:
        """The functions' names by those in the template."""
        return self._ids.get("AWS::Lambda::Function", {})

    def decisions(self, function: str, table: str, actions: list[str]) -> dict[str, str]:
        """IAM's decision on each action of a function on an account's items, outside of a transaction."""
        role = self.client("lambda").get_function_configuration(FunctionName=function)["Role"]
        _, partition, _, _, account, _ = role.split(":", 5)
        iam, region = self.client("iam"), self.client("dynamodb").meta.region_name
        simulated = iam.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=actions,
            ResourceArns=[f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"],
            ContextEntries=[
                {
                    "ContextKeyName": "dynamodb:LeadingKeys",
                    "ContextKeyValues": ["ACCOUNT#check"],
                    "ContextKeyType": "stringList",
                }
            ],
        )
        return {result["EvalActionName"]: result["EvalDecision"] for result in simulated["EvaluationResults"]}


def is_refused(error: Exception) -> bool:
    """Whether these credentials may not ask that."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _REFUSALS
