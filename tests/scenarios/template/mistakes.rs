//! Mistakes that somebody might make in the template: each rule can fail.

use super::{TEXT, deployment::faults};

/// How the money-back refund is guarded.
const REFUND: &str =
    "            Auth:\n              AuthorizationScopes: [!Sub '${ScopePrefix}credits:refund']\n";

/// What is written instead of what, and what is said of it.
const PLANTED: &[(&str, &str, &str)] = &[
    (REFUND, "            Auth:\n              Authorizer: NONE\n", "/refund is public"),
    (REFUND, "", "/refund asks for no scope"),
    ("Action: dynamodb:Query", "Action: dynamodb:*", "a wildcard in an action"),
    (
        "Action: events:PutEvents\n                Resource: !GetAtt EventBus.Arn",
        "Action: events:PutEvents\n                Resource: \"*\"",
        "a wildcard in a resource",
    ),
    (
        "dynamodb:EnclosingOperation: [TransactWriteItems]",
        "dynamodb:EnclosingOperation: [PutItem]",
        "writes outside a transaction",
    ),
    ("Action: dynamodb:Query", "Action: dynamodb:PutItem", "a reader that writes"),
    ("dynamodb:LeadingKeys: [\"ACCOUNT#*\"]", "dynamodb:LeadingKeys: [\"*\"]", "items of any key"),
    (
        "      Policies:\n        - Version: \"2012-10-17\"",
        "      Policies:\n        - AmazonDynamoDBFullAccess\n        - Version: \"2012-10-17\"",
        "not a statement",
    ),
    ("      Policies:\n", "      Role: !GetAtt OutboxRole.Arn\n      Policies:\n", "shares a role"),
    (
        "  OutboxRole:\n    Type: AWS::IAM::Role",
        "  OutboxRole:\n    Type: AWS::IAM::Group",
        "isn't read here",
    ),
    ("\"$context.routeKey\"", "\"$context.path\"", "doesn't say routeKey"),
    ("\"$context.status\"", "\"$context.status\",\"h\":\"$request.header.Authorization\"", "says too much"),
    ("\"status\":", "\"status\"", "isn't JSON"),
    ("        GET /v1/catalog:\n", "        GET /v1/catalogue:\n", "limits"),
    ("          ThrottlingRateLimit: 2\n", "", "no limit"),
    ("Tracing: Active", "Tracing: PassThrough", "aren't traced"),
    ("LogGroup: !Ref DebitLogs", "LogGroup: !Ref QuoteLogs", "is another's too"),
    (
        "  DebitLogs:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      RetentionInDays: !Ref LogRetentionDays",
        "  DebitLogs:\n    Type: AWS::Logs::LogGroup",
        "DebitFunction: its log group is missing or kept forever",
    ),
    (
        "              Arn: !GetAtt ScheduleDeadLetters.Arn",
        "              Arn: !GetAtt Gone.Arn",
        "PurchaseWebhookFunction.MissedEvents has no dead-letter queue",
    ),
    (
        "              MaximumRetryAttempts: 185",
        "              MaximumRetryAttempts: 0",
        "MonthlyRefillFunction.FirstOfMonth has no dead-letter queue",
    ),
    (
        "      DeadLetterQueue:\n        Type: SQS\n        TargetArn: !GetAtt ScheduleDeadLetters.Arn\n",
        "",
        "PurchaseWebhookFunction has no dead-letter queue",
    ),
    (
        "            Arn: !GetAtt OutboxDeadLetters.Arn",
        "            Arn: !Ref JwtIssuer",
        "Outbox has no dead-letter queue",
    ),
    (
        "        deadLetterTargetArn: !GetAtt RefillDeadLetters.Arn\n",
        "",
        "MonthlyRefillFunction.Work has no dead-letter queue",
    ),
    ("            FunctionResponseTypes: [ReportBatchItemFailures]\n", "", "doesn't report what failed"),
    ("VisibilityTimeout: 5400", "VisibilityTimeout: 900", "comes again while it is worked on"),
    ("maxReceiveCount: 5", "maxReceiveCount: 1", "throttling alone"),
    ("      MessageRetentionPeriod: 1209600\n", "", "RefillDeadLetters forgets"),
    ("      SqsManagedSseEnabled: true\n", "", "RefillQueue isn't encrypted"),
    ("    DeletionPolicy: Retain\n", "", "Table isn't kept when the stack goes"),
    ("    UpdateReplacePolicy: Retain\n", "", "Table isn't kept when it is replaced"),
    ("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "Table isn't protected"),
    ("PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "Table isn't restored"),
    ("        SSEEnabled: true", "        SSEEnabled: false", "Table isn't encrypted"),
    ("StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY", "Table isn't streamed"),
    ("      AlarmActions: [!Ref Alarms]\n", "", "ApiAlarm tells nobody"),
    ("      TreatMissingData: notBreaching\n", "      TreatMissingData: breaching\n", "goes off"),
    ("MetricName: ParkedEvents", "MetricName: EventsParked", "ParkedAlarm: nobody measures"),
    (
        "Namespace: Scrip\n      MetricName: OverdueAccounts",
        "Namespace: scrip\n      MetricName: OverdueAccounts",
        "OverdueAlarm: nobody measures",
    ),
    (
        "{ Name: Code, Value: internal }",
        "{ Name: Reason, Value: internal }",
        "InternalAlarm: nobody measures",
    ),
    ("              MetricName: Errors", "              MetricName: Error", "ErrorsAlarm: nobody measures"),
    ("[\"Scrip\",\"Refilled\"]", "[\"Scrip\",\"Refiled\"]", "Dashboard: nobody measures"),
    ("{Scrip,Kind,Operation}", "{Scrip,Operation,Kind}", "Dashboard: nobody measures"),
];

#[test]
fn a_mistake_in_the_template_is_found() {
    for (from, to, expected) in PLANTED {
        assert!(TEXT.contains(from), "{from}");
        let found = faults(&TEXT.replacen(from, to, 1));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{from} -> {to}: {found:#?}");
    }
}
