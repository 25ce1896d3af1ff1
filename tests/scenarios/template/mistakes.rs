//! Planted mistakes in the template: each rule can fail.

use super::{TEXT, deployment::faults};

/// How the money-back refund is guarded.
const REFUND: &str =
    "            Auth:\n              AuthorizationScopes: [!Sub '${ScopePrefix}credits:refund']\n";

/// A text of the template, the mistake that replaces it, and a part of the fault that must be found.
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
        "      Policies:\n        - PolicyName: Quote\n",
        "      ManagedPolicyArns: [arn:aws:iam::aws:policy/AdministratorAccess]\n      Policies:\n        - PolicyName: Quote\n",
        "policies that are not checked here",
    ),
    ("      Role: !GetAtt QuoteRole.Arn\n", "", "QuoteFunction: has no role of its own"),
    ("      Role: !GetAtt QuoteRole.Arn\n", "      Role: !GetAtt DebitRole.Arn\n", "has no role of its own"),
    (
        "      Role: !GetAtt QuoteRole.Arn\n",
        "      Role: !GetAtt QuoteRole.Arn\n      Policies: [AmazonSQSFullAccess]\n",
        "has no role of its own",
    ),
    (
        "Action: dynamodb:ConditionCheckItem\n                Resource: !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}\n                Condition:\n",
        "Action: dynamodb:ConditionCheckItem\n                Resource: !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}\n                Condition:\n                  ForAnyValue:StringEquals:\n                    dynamodb:EnclosingOperation: [TransactWriteItems]\n",
        "a condition that IAM doesn't know of it",
    ),
    (
        "                Resource: !GetAtt QuoteLogs.Arn\n",
        "                Resource: \"*\"\n",
        "a wildcard in a resource",
    ),
    ("        SystemLogLevel: WARN\n", "", "Lambda's own lines of each call are kept"),
    (
        "VersionDescription: !Sub ${Tracing} ${TableName} ",
        "VersionDescription: !Sub ${Tracing} ",
        "doesn't change with [\"TableName\"]",
    ),
    ("      AutoPublishAliasAllProperties: true\n", "", "doesn't change with the template"),
    ("          - !Ref InternalAlarm\n", "", "no alarm rolls it back"),
    ("    MaxLength: 64\n", "    MaxLength: 65\n", "the description of a version may have"),
    ("      - MonthlyRefillFunctionWork\n", "", "Table isn't made last"),
    (
        "          Value: !If [HasDomain, !Ref DomainMapping, none]\n",
        "          Value: none\n",
        "Table isn't made last",
    ),
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
    ("[IsTraced, Active, PassThrough]", "[IsTraced, PassThrough, PassThrough]", "aren't traced"),
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
        "OutboxPipe has no dead-letter queue",
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
    (
        "DeletionPolicy: RetainExceptOnCreate",
        "DeletionPolicy: Retain",
        "Table isn't kept when the stack goes",
    ),
    (
        "    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Retain\n",
        "    DeletionPolicy: RetainExceptOnCreate\n",
        "Table isn't kept when it is replaced",
    ),
    ("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "Table isn't protected"),
    ("PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "Table isn't restored"),
    ("        SSEEnabled: true", "        SSEEnabled: false", "Table isn't encrypted"),
    ("StreamViewType: NEW_IMAGE", "StreamViewType: KEYS_ONLY", "Table isn't streamed"),
    ("      AlarmActions: [!Ref Alarms]\n", "", "ApiAlarm notifies no one"),
    ("      TreatMissingData: notBreaching\n", "      TreatMissingData: breaching\n", "goes off"),
    ("MetricName: ParkedEvents", "MetricName: EventsParked", "ParkedAlarm: nothing measures"),
    (
        "Namespace: !Sub Scrip/${AWS::StackName}\n      MetricName: OverdueAccounts",
        "Namespace: Scrip\n      MetricName: Overdue",
        "OverdueAlarm: nothing measures",
    ),
    (
        "{ Name: Code, Value: internal }",
        "{ Name: Reason, Value: internal }",
        "InternalAlarm: nothing measures",
    ),
    ("              MetricName: Errors", "              MetricName: Error", "ErrorsAlarm: nothing measures"),
    ("\"Refilled\"]", "\"Refiled\"]", "Dashboard: nothing measures"),
    ("\",Kind,Operation}", "\",Operation,Kind}", "Dashboard: nothing measures"),
];

#[test]
fn a_mistake_in_the_template_is_found() {
    for (from, to, expected) in PLANTED {
        assert!(TEXT.contains(from), "{from}");
        let found = faults(&TEXT.replacen(from, to, 1));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{from} -> {to}: {found:#?}");
    }
}
