//! What each role of the template may do in AWS, and nothing else.

use super::deployment::named;
use super::with_everything;
use serde_json::Value;

fn several(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn texts(value: &Value) -> Vec<String> {
    several(value).iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// Every statement of the template's roles, each with its role.
pub fn statements(template: &Value) -> Vec<(String, Value)> {
    let mut statements = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::IAM::Role" {
            for policy in several(&resource["Properties"]["Policies"]) {
                let of_policy = several(&policy["PolicyDocument"]["Statement"]);
                statements.extend(of_policy.into_iter().map(|statement| (id.clone(), statement)));
            }
        }
    }
    statements
}

const TABLE_ARN: &str = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}";
/// Actions that can't be limited to resources.
const OF_ANY: [&[&str]; 2] =
    [&["xray:PutTraceSegments", "xray:PutTelemetryRecords"], &["dynamodb:ListStreams"]];

/// The faults of the template's permissions.
pub fn faults(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, statement) in statements(template) {
        let found = [scope_faults(&statement), write_faults(&role, &statement)].concat();
        faults.extend(found.iter().map(|what| format!("{role}: {what}: {statement}")));
    }
    faults.extend(role_faults(template));
    faults
}

fn touches_items(action: &str) -> bool {
    action.starts_with("dynamodb:") && (action.ends_with("Item") || action == "dynamodb:Query")
}

fn leading_keys(statement: &Value) -> Vec<String> {
    texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
}

/// A statement allows named actions on named resources, and items by their keys.
fn scope_faults(statement: &Value) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let actions = texts(&statement["Action"]);
    if statement["Effect"] != "Allow" || actions.is_empty() || statement["Resource"].is_null() {
        faults.push("not a statement that allows something on something");
    }
    if actions.iter().any(|action| action.contains('*')) {
        faults.push("a wildcard in an action");
    }
    let is_any = several(&statement["Resource"]).iter().any(|resource| resource.to_string().contains('*'));
    if is_any && !OF_ANY.iter().any(|known| actions == *known) {
        faults.push("a wildcard in a resource");
    }
    let keys = leading_keys(statement);
    let is_of_items = actions.iter().any(|action| touches_items(action));
    if is_of_items && (keys.is_empty() || keys.contains(&"*".to_owned())) {
        faults.push("items of any key");
    }
    faults
}

/// Items are written in transactions only, but for the claims and raises of the two roles that may.
fn write_faults(role: &str, statement: &Value) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let (actions, keys) = (texts(&statement["Action"]), leading_keys(statement));
    let reads = ["dynamodb:GetItem", "dynamodb:Query"];
    let is_writing = actions.iter().any(|action| touches_items(action) && !reads.contains(&action.as_str()));
    // It exists in transactions alone, and IAM knows no enclosing operation of it.
    let is_check = actions == ["dynamodb:ConditionCheckItem"];
    if is_check && !statement["Condition"].to_string().contains("LeadingKeys") {
        faults.push("a check of any key");
    }
    if is_check && statement["Condition"].to_string().contains("EnclosingOperation") {
        faults.push("a condition that IAM doesn't know of it");
    }
    let enclosing = &statement["Condition"]["ForAnyValue:StringEquals"]["dynamodb:EnclosingOperation"];
    let is_single_put = actions == ["dynamodb:PutItem"] && keys == ["ACCOUNT#*", "OPERATION#*"];
    let attributes = texts(&statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]);
    let is_raise =
        actions == ["dynamodb:UpdateItem"] && keys == ["OPERATION#*"] && attributes == ["pk", "sk", "from"];
    let may_write_alone = ["DebitRole", "RefundRole"].contains(&role) && (is_single_put || is_raise);
    if is_writing && texts(enclosing) != ["TransactWriteItems"] && !may_write_alone && !is_check {
        faults.push("writes outside a transaction");
    }
    if is_writing && role == "QuoteRole" {
        faults.push("a reader that writes");
    }
    faults
}

/// Each function has a role of its own, and roles have only policies that are checked here.
fn role_faults(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            // SAM would add policies of its own, which allow any queue and any log group.
            "AWS::Serverless::Function"
                if named(&properties["Role"]) != Some(&id.replace("Function", "Role"))
                    || !properties["Policies"].is_null() =>
            {
                faults.push(format!("{id}: has no role of its own"));
            }
            "AWS::IAM::Role" if !properties["ManagedPolicyArns"].is_null() && id != "BackupRole" => {
                faults.push(format!("{id}: policies that are not checked here"));
            }
            "AWS::Serverless::Function" | "AWS::IAM::Role" => {}
            kind if kind.starts_with("AWS::IAM::") => faults.push(format!("{id}: {kind} isn't read here")),
            _ => {}
        }
    }
    faults
}

#[test]
fn each_role_may_do_what_it_does_and_no_more() {
    let rows: Vec<_> =
        statements(&with_everything()).iter().map(|(whose, statement)| row(whose, statement)).collect();
    assert_eq!(rows.join("\n"), ROWS.trim());
}

/// Every statement with all that parameters can ask for.
const ROWS: &str = "
DebitRole: dynamodb:Query on the table of ACCOUNT#*
DebitRole: dynamodb:GetItem on the table of ACCOUNT#* OPERATION#*
DebitRole: dynamodb:PutItem on the table of ACCOUNT#* OPERATION#*
DebitRole: dynamodb:UpdateItem on the table, only pk sk from, of OPERATION#*
DebitRole: dynamodb:DeleteItem on the table of ACCOUNT#*, in TransactWriteItems
DebitRole: logs:CreateLogStream logs:PutLogEvents on DebitLogs.Arn
DebitRole: xray:PutTraceSegments xray:PutTelemetryRecords on *
MonthlyRefillRole: dynamodb:Query on the table of ACCOUNT#*
MonthlyRefillRole: dynamodb:Query on the table/index/due of ????-??#??
MonthlyRefillRole: dynamodb:PutItem on the table of ACCOUNT#*, in TransactWriteItems
MonthlyRefillRole: dynamodb:DeleteItem on the table of ACCOUNT#*, in TransactWriteItems
MonthlyRefillRole: sqs:SendMessage on RefillQueue.Arn
MonthlyRefillRole: sqs:SendMessage on ScheduleDeadLetters.Arn
MonthlyRefillRole: sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes on RefillQueue.Arn
MonthlyRefillRole: logs:CreateLogStream logs:PutLogEvents on MonthlyRefillLogs.Arn
MonthlyRefillRole: xray:PutTraceSegments xray:PutTelemetryRecords on *
OutboxRole: dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator on Table.StreamArn
OutboxRole: dynamodb:ListStreams on *
OutboxRole: lambda:InvokeFunction on QuoteFunction.Alias
OutboxRole: events:PutEvents on EventBus.Arn
OutboxRole: sqs:SendMessage on OutboxDeadLetters.Arn
PurchaseWebhookRole: dynamodb:Query on the table of ACCOUNT#*
PurchaseWebhookRole: dynamodb:Query on the table/index/due of PARKED
PurchaseWebhookRole: dynamodb:GetItem on the table of ACCOUNT#* SUBSCRIPTION#* PAYMENT#* CUSTOMER#* PARKED#*
PurchaseWebhookRole: dynamodb:PutItem on the table of ACCOUNT#* SUBSCRIPTION#* PAYMENT#* CUSTOMER#* PARKED#*, in TransactWriteItems
PurchaseWebhookRole: dynamodb:ConditionCheckItem on the table of ACCOUNT#*
PurchaseWebhookRole: dynamodb:UpdateItem on the table of ACCOUNT#* SUBSCRIPTION#*, in TransactWriteItems
PurchaseWebhookRole: dynamodb:DeleteItem on the table of ACCOUNT#* PARKED#*, in TransactWriteItems
PurchaseWebhookRole: ssm:GetParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${StripeWebhookSecretParameter} arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${StripeApiKeyParameter}
PurchaseWebhookRole: sqs:SendMessage on ScheduleDeadLetters.Arn
PurchaseWebhookRole: logs:CreateLogStream logs:PutLogEvents on PurchaseWebhookLogs.Arn
PurchaseWebhookRole: kms:Decrypt on SecretsKeyArn if StringEquals kms:ViaService {\"Fn::Sub\":\"ssm.${AWS::Region}.amazonaws.com\"}
PurchaseWebhookRole: xray:PutTraceSegments xray:PutTelemetryRecords on *
QuoteRole: dynamodb:Query on the table of ACCOUNT#*
QuoteRole: dynamodb:GetItem on the table of ACCOUNT#* OPERATION#*
QuoteRole: logs:CreateLogStream logs:PutLogEvents on QuoteLogs.Arn
QuoteRole: xray:PutTraceSegments xray:PutTelemetryRecords on *
RefundRole: dynamodb:Query on the table of ACCOUNT#*
RefundRole: dynamodb:Query on the table/index/due of REFUND
RefundRole: dynamodb:GetItem on the table of ACCOUNT#* OPERATION#* SUBSCRIPTION#*
RefundRole: dynamodb:PutItem on the table of ACCOUNT#* OPERATION#*
RefundRole: dynamodb:UpdateItem on the table, only pk sk from, of OPERATION#*
RefundRole: dynamodb:PutItem on the table of SUBSCRIPTION#* PAYMENT#*, in TransactWriteItems
RefundRole: dynamodb:ConditionCheckItem on the table of ACCOUNT#*
RefundRole: dynamodb:UpdateItem on the table of OPERATION#*, in TransactWriteItems
RefundRole: dynamodb:DeleteItem on the table of ACCOUNT#*, in TransactWriteItems
RefundRole: ssm:GetParameter on arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${StripeApiKeyParameter}
RefundRole: sqs:SendMessage on ScheduleDeadLetters.Arn
RefundRole: logs:CreateLogStream logs:PutLogEvents on RefundLogs.Arn
RefundRole: kms:Decrypt on SecretsKeyArn if StringEquals kms:ViaService {\"Fn::Sub\":\"ssm.${AWS::Region}.amazonaws.com\"}
RefundRole: xray:PutTraceSegments xray:PutTelemetryRecords on *
";

/// A statement in one line; a condition that the line has no word for is in it as it is.
fn row(whose: &str, statement: &Value) -> String {
    let name = |resource: &Value| match resource {
        Value::Object(call) => {
            call.values().next().unwrap().as_str().unwrap().replace(TABLE_ARN, "the table")
        }
        Value::String(any) if any == "*" => any.clone(),
        other => panic!("{whose}: {other} names its resource by hand"),
    };
    let actions = texts(&statement["Action"]).join(" ");
    let resources: Vec<_> = several(&statement["Resource"]).iter().map(name).collect();
    let mut row = vec![format!("{whose}: {actions} on {}", resources.join(" "))];
    for (operator, condition) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in condition.as_object().unwrap() {
            let listed = texts(values).join(" ");
            row.push(match (operator.as_str(), key.as_str()) {
                ("ForAllValues:StringLike", "dynamodb:LeadingKeys") => format!(" of {listed}"),
                ("ForAnyValue:StringEquals", "dynamodb:EnclosingOperation") => format!(", in {listed}"),
                ("ForAllValues:StringEquals", "dynamodb:Attributes") => format!(", only {listed},"),
                _ => format!(" if {operator} {key} {values}"),
            });
        }
    }
    row.concat()
}
