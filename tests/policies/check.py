"""Holds the policies of the template's roles, SAM's own included, to what IAM knows.

The template is transformed as `sam deploy` does it, with all that its parameters can ask for, and each policy is read
by parliament: actions that don't exist, resources that an action can't have, condition keys that it doesn't know. IAM
takes such a policy, and then denies, or allows, what was not meant. Plants a mistake of each kind first: a check that
finds none of them would pass on anything.
"""

import copy
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from parliament import analyze_policy_string  # noqa: E402
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
ACCOUNT, REGION = "123456789012", "us-east-1"
PARAMETERS = {"JwtIssuer": "https://issuer.example/", "JwtAudience": "scrip", "Rollout": "Canary10Percent5Minutes"}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": "scrip"}
# The form of a resource's Ref or Arn, by its type.
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/scrip/stream/label",
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/scrip",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "AWS::Lambda::Alias": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:scrip-debit:live",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:scrip-debit",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:scrip:log-stream:*",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:scrip",
}
# SAM gives its schedules' policies no version. They use nothing that an older one lacks.
IGNORED = {"NO_VERSION"}


class _NoPolicies(ManagedPolicyLoader):
    """The template names no managed policy that SAM would have to look up."""

    def __init__(self) -> None: ...

    def load(self) -> dict[str, str]:
        return {}


def main() -> int:
    resources = _transformed()["Resources"]
    policies = list(_policies(resources))
    missed = [mistake for mistake in MISTAKES if not _faults(_planted(*mistake))]
    for mistake in missed:
        print(f"A planted mistake isn't found: {mistake}")
    faults = [f"{role}: {fault}" for role, policy in policies for fault in _faults(policy)]
    for fault in faults:
        print(fault)
    print(f"{len(policies)} policies, {len(faults)} faults, {len(MISTAKES) - len(missed)} planted mistakes found")
    return 1 if faults or missed or not policies else 0


# A statement that is right, and what is written in it instead.
RIGHT = {
    "Effect": "Allow",
    "Action": "dynamodb:PutItem",
    "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/scrip",
    "Condition": {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}},
}
MISTAKES = [
    ("Action", "dynamodb:PutItems"),
    ("Action", "dynamodb:ConditionCheckItem"),
    ("Resource", f"arn:aws:sqs:{REGION}:{ACCOUNT}:scrip"),
    ("Condition", {"StringEquals": {"dynamodb:LeadingKey": ["a"]}}),
    ("Condition", {"StringEqual": {"dynamodb:LeadingKeys": ["a"]}}),
]


def _planted(member: str, value: Any) -> dict:
    statement = copy.deepcopy(RIGHT) | {member: value}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _transformed() -> dict:
    text = TEMPLATE.read_text().replace("CodeUri: functions/", "CodeUri: s3://code/")
    return transform(yaml_parse(text), PARAMETERS, _NoPolicies())


def _policies(resources: dict) -> Any:
    for name, resource in sorted(resources.items()):
        if resource["Type"] == "AWS::IAM::Role":
            for policy in _resolved(resource["Properties"].get("Policies", []), resources):
                yield name, policy["PolicyDocument"]


def _faults(policy: dict) -> list[str]:
    try:
        found = analyze_policy_string(json.dumps(policy)).findings
    except ValueError as error:
        return [str(error)]
    return [f"{finding.issue} {finding.detail}" for finding in found if finding.issue not in IGNORED]


def _resolved(value: Any, resources: dict) -> Any:
    """The value with every condition true, and each reference as something of its form."""
    if isinstance(value, list):
        return [_resolved(each, resources) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::If"}:
        return _resolved(value["Fn::If"][1], resources)
    if value.keys() == {"Ref"}:
        return _referred(value["Ref"], resources)
    if value.keys() == {"Fn::GetAtt"}:
        name = value["Fn::GetAtt"]
        return _referred(name[0] if isinstance(name, list) else name.split(".")[0], resources)
    if value.keys() == {"Fn::Sub"}:
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: _referred(found[1], resources), value["Fn::Sub"])
    return {key: _resolved(each, resources) for key, each in value.items()}


def _referred(name: str, resources: dict) -> str:
    if name in PSEUDO:
        return PSEUDO[name]
    if name == "SecretsKeyArn":
        return ARNS["AWS::KMS::Key"]
    resource = resources.get(name.split(".")[0])
    # A parameter: part of a name.
    return ARNS[resource["Type"]] if resource else "/scrip" if name.endswith("Parameter") else "scrip"


if __name__ == "__main__":
    sys.exit(main())
