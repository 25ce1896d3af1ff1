//! What each role of the template may do in AWS, and nothing else.

use super::document;
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

/// Every statement that the template gives a function or a role, with whose it is.
pub fn statements(template: &Value) -> Vec<(String, Value)> {
    let mut statements = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        let policies: Vec<Value> = match resource["Type"].as_str().unwrap() {
            "AWS::Serverless::Function" => several(&properties["Policies"]),
            "AWS::IAM::Role" => several(&properties["Policies"])
                .iter()
                .map(|policy| policy["PolicyDocument"].clone())
                .collect(),
            _ => continue,
        };
        for policy in &policies {
            // A policy by its name has no statements here: it is one that nobody reads.
            let read = several(&policy["Statement"]);
            let read = if read.is_empty() { vec![policy.clone()] } else { read };
            statements.extend(read.into_iter().map(|statement| (id.clone(), statement)));
        }
    }
    statements
}

/// What is wrong with the template's permissions.
pub fn faults(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (whose, statement) in statements(template) {
        let mut fault = |what: &str| faults.push(format!("{whose}: {what}: {statement}"));
        let actions = texts(&statement["Action"]);
        if statement["Effect"] != "Allow" || actions.is_empty() || statement["Resource"].is_null() {
            fault("not a statement that allows something on something");
        }
        if actions.iter().any(|action| action.contains('*')) {
            fault("a wildcard in an action");
        }
        if several(&statement["Resource"]).iter().any(|resource| resource.to_string().contains('*')) {
            fault("a wildcard in a resource");
        }
        let touches_items = |action: &String| {
            action.starts_with("dynamodb:") && (action.ends_with("Item") || action == "dynamodb:Query")
        };
        let keys = texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
        if actions.iter().any(touches_items) && (keys.is_empty() || keys.contains(&"*".to_owned())) {
            fault("items of any key");
        }
        let reads = ["dynamodb:GetItem", "dynamodb:Query"];
        let writes = |action: &String| touches_items(action) && !reads.contains(&action.as_str());
        let enclosing = &statement["Condition"]["ForAnyValue:StringEquals"]["dynamodb:EnclosingOperation"];
        let is_single_put = actions == ["dynamodb:PutItem"] && keys == ["ACCOUNT#*", "OPERATION#*"];
        let attributes = texts(&statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]);
        let is_raise = actions == ["dynamodb:UpdateItem"]
            && keys == ["OPERATION#*"]
            && attributes == ["pk", "sk", "from"];
        let may_write_alone =
            ["DebitFunction", "RefundFunction"].contains(&whose.as_str()) && (is_single_put || is_raise);
        if actions.iter().any(writes) && texts(enclosing) != ["TransactWriteItems"] && !may_write_alone {
            fault("writes outside a transaction");
        }
        if actions.iter().any(writes) && whose == "QuoteFunction" {
            fault("a reader that writes");
        }
    }
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::Serverless::Function" if !properties["Role"].is_null() => {
                faults.push(format!("{id}: shares a role"));
            }
            "AWS::IAM::Role" if !properties["ManagedPolicyArns"].is_null() => {
                faults.push(format!("{id}: policies that nobody reads"));
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
        statements(&document()).iter().map(|(whose, statement)| row(whose, statement)).collect();
    let secret = |name: &str| {
        let arn = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}";
        format!("ssm:GetParameter on {arn}:parameter${{{name}}}")
    };
    let all = "ACCOUNT#* SUBSCRIPTION#* PAYMENT#* CUSTOMER#* PARKED#*";
    assert_eq!(
        rows,
        [
            "DebitFunction: dynamodb:Query on Table.Arn of ACCOUNT#*".to_owned(),
            "DebitFunction: dynamodb:GetItem on Table.Arn of ACCOUNT#* OPERATION#*".to_owned(),
            "DebitFunction: dynamodb:PutItem on Table.Arn of ACCOUNT#* OPERATION#*".to_owned(),
            "DebitFunction: dynamodb:UpdateItem on Table.Arn, only pk sk from, of OPERATION#*".to_owned(),
            "DebitFunction: dynamodb:DeleteItem on Table.Arn of ACCOUNT#*, in TransactWriteItems".to_owned(),
            "MonthlyRefillFunction: dynamodb:Query on Table.Arn of ACCOUNT#*".to_owned(),
            "MonthlyRefillFunction: dynamodb:Query on ${Table.Arn}/index/due of ????-??#??".to_owned(),
            "MonthlyRefillFunction: dynamodb:PutItem on Table.Arn of ACCOUNT#*, in TransactWriteItems"
                .to_owned(),
            "MonthlyRefillFunction: dynamodb:DeleteItem on Table.Arn of ACCOUNT#*, in TransactWriteItems"
                .to_owned(),
            "MonthlyRefillFunction: sqs:SendMessage on RefillQueue.Arn".to_owned(),
            "OutboxRole: dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator \
             dynamodb:ListStreams on Table.StreamArn"
                .to_owned(),
            "OutboxRole: events:PutEvents on EventBus.Arn".to_owned(),
            "OutboxRole: sqs:SendMessage on OutboxDeadLetters.Arn".to_owned(),
            "PurchaseWebhookFunction: dynamodb:Query on Table.Arn of ACCOUNT#*".to_owned(),
            "PurchaseWebhookFunction: dynamodb:Query on ${Table.Arn}/index/due of PARKED".to_owned(),
            format!("PurchaseWebhookFunction: dynamodb:GetItem on Table.Arn of {all}"),
            format!("PurchaseWebhookFunction: dynamodb:PutItem on Table.Arn of {all}, in TransactWriteItems"),
            "PurchaseWebhookFunction: dynamodb:ConditionCheckItem on Table.Arn of ACCOUNT#*, in TransactWriteItems"
                .to_owned(),
            "PurchaseWebhookFunction: dynamodb:UpdateItem on Table.Arn of ACCOUNT#* SUBSCRIPTION#*, \
             in TransactWriteItems"
                .to_owned(),
            "PurchaseWebhookFunction: dynamodb:DeleteItem on Table.Arn of ACCOUNT#* PARKED#*, \
             in TransactWriteItems"
                .to_owned(),
            format!(
                "PurchaseWebhookFunction: {} {}",
                secret("StripeWebhookSecretParameter"),
                secret("StripeApiKeyParameter").trim_start_matches("ssm:GetParameter on ")
            ),
            "QuoteFunction: dynamodb:Query on Table.Arn of ACCOUNT#*".to_owned(),
            "QuoteFunction: dynamodb:GetItem on Table.Arn of ACCOUNT#* OPERATION#*".to_owned(),
            "RefundFunction: dynamodb:Query on Table.Arn of ACCOUNT#*".to_owned(),
            "RefundFunction: dynamodb:Query on ${Table.Arn}/index/due of REFUND".to_owned(),
            "RefundFunction: dynamodb:GetItem on Table.Arn of ACCOUNT#* OPERATION#* SUBSCRIPTION#*".to_owned(),
            "RefundFunction: dynamodb:PutItem on Table.Arn of ACCOUNT#* OPERATION#*".to_owned(),
            "RefundFunction: dynamodb:UpdateItem on Table.Arn, only pk sk from, of OPERATION#*".to_owned(),
            "RefundFunction: dynamodb:PutItem on Table.Arn of SUBSCRIPTION#* PAYMENT#*, in TransactWriteItems"
                .to_owned(),
            "RefundFunction: dynamodb:ConditionCheckItem on Table.Arn of ACCOUNT#*, in TransactWriteItems"
                .to_owned(),
            "RefundFunction: dynamodb:UpdateItem on Table.Arn of OPERATION#*, in TransactWriteItems"
                .to_owned(),
            "RefundFunction: dynamodb:DeleteItem on Table.Arn of ACCOUNT#*, in TransactWriteItems".to_owned(),
            format!("RefundFunction: {}", secret("StripeApiKeyParameter")),
        ]
    );
}

/// A statement in one line; a condition that the line has no word for is in it as it is.
fn row(whose: &str, statement: &Value) -> String {
    let name = |resource: &Value| match resource {
        Value::Object(call) => call.values().next().unwrap().as_str().unwrap().to_owned(),
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
