"""Completes a deployed template, after each creation and update, with the resources that the emulator leaves out.

`emulator.py` lists why. Each such resource is deleted and made again, so that a changed parameter reaches it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator import Stack

_PARAMETER = re.compile(r"\$\{(\w+)\}")
_FUNCTION = re.compile(r"/functions/\$\{(\w+)(?:\.Arn)?\}/")


def mend(stack: Stack, parameters: dict[str, str]) -> None:
    _import_api(stack, parameters)
    _allow_batches(stack)
    _number_workers(stack)


def _import_api(stack: Stack, parameters: dict[str, str]) -> None:
    """Makes the routes and authorizers of the OpenAPI document that SAM made of the template's events."""
    gateway, api = stack.client("apigatewayv2"), stack.id("Api")
    _clear(gateway, api)
    document = _with_parameters(stack.resources()["Api"]["Properties"]["Body"], parameters)
    if cors := document.get("x-amazon-apigateway-cors"):
        capitalized = {name[0].upper() + name[1:]: _listed(value) for name, value in cors.items()}
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
            JwtConfiguration={"Issuer": configuration["issuer"], "Audience": _listed(configuration["audience"])},
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


def _clear(gateway: Any, api: str) -> None:
    """Takes away the routes and authorizers of the deployment before."""
    for route in gateway.get_routes(ApiId=api)["Items"]:
        gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api)["Items"]:
        gateway.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])
    for authorizer in gateway.get_authorizers(ApiId=api)["Items"]:
        gateway.delete_authorizer(ApiId=api, AuthorizerId=authorizer["AuthorizerId"])


def _listed(value: Any) -> Any:
    """A list, of which the emulator hands SAM one string if it is a parameter."""
    return value.split(",") if isinstance(value, str) else value


def _allow_batches(stack: Stack) -> None:
    """Lets a role that may send a message send several at once, as on AWS."""
    iam = stack.client("iam")
    for role in stack.ids("AWS::IAM::Role").values():
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                if "sqs:SendMessage" in actions and "sqs:SendMessageBatch" not in actions:
                    statement["Action"] = [*actions, "sqs:SendMessageBatch"]
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _number_workers(stack: Stack) -> None:
    """Makes the number of workers one, which a parameter gives as text."""
    functions = stack.client("lambda")
    for mapping in stack.ids("AWS::Lambda::EventSourceMapping").values():
        scaling = functions.get_event_source_mapping(UUID=mapping).get("ScalingConfig", {})
        if "MaximumConcurrency" in scaling:
            most = int(scaling["MaximumConcurrency"])
            functions.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": most})


def _with_parameters(part: Any, parameters: dict[str, str]) -> Any:
    """The same with each `Ref` of a parameter, and each one in a `Fn::Sub`, as its value."""
    if isinstance(part, dict):
        if part.keys() == {"Ref"} and part["Ref"] in parameters:
            return parameters[part["Ref"]]
        if part.keys() == {"Fn::Sub"} and isinstance(part["Fn::Sub"], str):
            filled = _PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), part["Fn::Sub"])
            # Values that name resources are left to CloudFormation.
            return part | {"Fn::Sub": filled} if "${" in filled else filled
        return {name: _with_parameters(member, parameters) for name, member in part.items()}
    if isinstance(part, list):
        return [_with_parameters(member, parameters) for member in part]
    return part
