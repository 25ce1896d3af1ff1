"""A debit with AWS Powertools: claim the key, take from the balance, write the ledger's row, complete the key.

The same tables and calls as `src/powertools.rs`, in the language that Powertools is most used in. Prices and who may
call are left out, which only makes it faster.
"""

import json
import os

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)

TABLE = os.environ["TABLE_NAME"]
CREDITS = {"text_to_image": 4}

client = boto3.client("dynamodb")
persistence = DynamoDBPersistenceLayer(table_name="idempotency", boto3_client=client)
config = IdempotencyConfig(event_key_jmespath='[pathParameters.account_id, headers."idempotency-key"]')
# The connection is made before the first debit comes, as Scrip's is.
client.get_item(TableName=TABLE, Key={"pk": {"S": "ACCOUNT#"}, "sk": {"S": "BALANCE"}})


@idempotent(persistence_store=persistence, config=config)
def handler(event, context):
    account = event["pathParameters"]["account_id"]
    debit = event["headers"]["idempotency-key"]
    operation = json.loads(event["body"])["operation"]
    credits = str(CREDITS[operation])
    at = event["requestContext"]["time"]
    taken = client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"ACCOUNT#{account}"}, "sk": {"S": "BALANCE"}},
        UpdateExpression="SET #balance = #balance - :credits",
        ConditionExpression="#balance >= :credits",
        ExpressionAttributeNames={"#balance": "balance"},
        ExpressionAttributeValues={":credits": {"N": credits}},
        ReturnValues="UPDATED_NEW",
    )
    balance = taken["Attributes"]["balance"]["N"]
    client.put_item(
        TableName=TABLE,
        Item={
            "pk": {"S": f"ACCOUNT#{account}"},
            "sk": {"S": f"ENTRY#{debit}"},
            "kind": {"S": "debit"},
            "operation": {"S": operation},
            "credits": {"N": credits},
            "balance": {"N": balance},
            "at": {"S": at},
        },
    )
    body = {"debit_id": debit, "account_id": account, "credits": int(credits), "balance": int(balance)}
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
