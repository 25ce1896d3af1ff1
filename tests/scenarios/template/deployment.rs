//! Rules of the template: nothing is lost, nothing unwatched, nothing open by accident.

use super::{PARAMETERS, TEXT, deployed, document, metrics, permissions};
use scrip_local::{
    template::{Access, Template},
    yaml,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The routes that may be called without a token.
const PUBLIC: [&str; 3] = ["GET /v1/catalog", "POST /v1/quotes", "POST /v1/webhooks/stripe"];
/// The routes with a limit of their own, below that of the others: the public ones, and those that move money.
const LIMITED: [&str; 5] = [
    "GET /v1/catalog",
    "POST /v1/accounts/{account_id}/adjustments",
    "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund",
    "POST /v1/quotes",
    "POST /v1/webhooks/stripe",
];

/// The properties of the template's resources of a type, by their ids.
pub fn all<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let of_kind = resources.filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(id, resource)| (id.as_str(), &resource["Properties"])).collect()
}

/// The id that `!Ref id` or `!GetAtt id.Arn` names.
pub fn named(value: &Value) -> Option<&str> {
    let name = value.get("Ref").or_else(|| value.get("Fn::GetAtt"))?.as_str()?;
    Some(name.strip_suffix(".Arn").unwrap_or(name))
}

/// The faults of a template, rule by rule.
pub fn faults(text: &str) -> Vec<String> {
    let template = deployed(&yaml::load(text).unwrap(), &|_| true);
    let mut faults = permissions::faults(&template);
    for rule in [access, limits, functions, dead_letters, workers, encryption, table, alarms, released] {
        faults.extend(rule(&template));
    }
    match Template::parse(text, &BTreeMap::from(PARAMETERS)) {
        Ok(read) => faults.extend(read.routes.iter().filter_map(|route| match &route.access {
            Access::Public => {
                (!PUBLIC.contains(&route.key().as_str())).then(|| format!("{} is public", route.key()))
            }
            Access::Token { scopes } => {
                scopes.is_empty().then(|| format!("{} asks for no scope", route.key()))
            }
        })),
        Err(why) => faults.push(why.to_string()),
    }
    faults
}

/// The log of calls: JSON, kept for a time, and without what is secret.
fn access(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, api) in all(template, "AWS::Serverless::HttpApi") {
        let log = &api["AccessLogSettings"];
        let format = log["Format"].as_str().unwrap_or_default();
        match serde_json::from_str::<BTreeMap<String, String>>(format) {
            Ok(fields) => {
                let says =
                    |variable: &str| fields.values().any(|value| *value == format!("$context.{variable}"));
                for variable in [
                    "requestId",
                    "routeKey",
                    "status",
                    "responseLatency",
                    "integrationErrorMessage",
                    "authorizer.error",
                ] {
                    if !says(variable) {
                        faults.push(format!("{id}: the log doesn't say {variable}"));
                    }
                }
                if fields
                    .values()
                    .any(|value| value.contains("header") || value.contains("authorizer.claims"))
                {
                    faults.push(format!("{id}: the log says too much"));
                }
            }
            Err(why) => faults.push(format!("{id}: the log isn't JSON: {why}")),
        }
        faults.extend(kept(template, id, named(&log["DestinationArn"])));
    }
    faults
}

/// A log group that exists and is kept for the time that the parameter says.
fn kept(template: &Value, whose: &str, group: Option<&str>) -> Option<String> {
    let groups = all(template, "AWS::Logs::LogGroup");
    let declared = groups.iter().find(|(id, _)| Some(*id) == group);
    let is_kept =
        declared.is_some_and(|(_, group)| group["RetentionInDays"] == json!({"Ref": "LogRetentionDays"}));
    (!is_kept).then(|| format!("{whose}: its log group is missing or kept forever"))
}

fn limits(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, api) in all(template, "AWS::Serverless::HttpApi") {
        let routes = api["RouteSettings"].as_object().into_iter().flatten();
        let routes: Vec<_> = routes.map(|(route, settings)| (route.as_str(), settings)).collect();
        let mut limited: Vec<_> = routes.iter().map(|(route, _)| *route).collect();
        limited.sort_unstable();
        if limited != LIMITED {
            faults.push(format!("{id}: limits {limited:?}"));
        }
        for (route, settings) in routes.into_iter().chain([("every route", &api["DefaultRouteSettings"])]) {
            let numbers = ["ThrottlingRateLimit", "ThrottlingBurstLimit"];
            if settings["DetailedMetricsEnabled"] != true
                || numbers.iter().any(|name| !settings[name].is_u64())
            {
                faults.push(format!("{id}: {route} has no metrics or no limit"));
            }
        }
    }
    faults
}

fn functions(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let global = &template["Globals"]["Function"];
    if global["Tracing"] != "Active" || global["Architectures"] != json!([{"Ref": "Architecture"}]) {
        faults.push("functions aren't traced, or not built for the parameter's architecture".to_owned());
    }
    let mut groups = BTreeSet::new();
    for (id, function) in all(template, "AWS::Serverless::Function") {
        let group = named(&function["LoggingConfig"]["LogGroup"]);
        faults.extend(kept(template, id, group));
        if !groups.insert(group) {
            faults.push(format!("{id}: its log group is another's too"));
        }
        let logging = &function["LoggingConfig"];
        if logging["LogFormat"] != "JSON" || logging["SystemLogLevel"] != "WARN" {
            faults.push(format!("{id}: Lambda's own lines of each call are kept"));
        }
        if !function["Tracing"].is_null() || !function["Architectures"].is_null() {
            faults.push(format!("{id}: differs from the other functions"));
        }
    }
    faults
}

/// Each delivery without a waiting caller has a dead-letter queue.
fn dead_letters(template: &Value) -> Vec<String> {
    let queues = all(template, "AWS::SQS::Queue");
    let mut ends = BTreeSet::new();
    let mut deliveries = Vec::new();
    for (id, queue) in &queues {
        if let Some(target) = named(&queue["RedrivePolicy"]["deadLetterTargetArn"]) {
            ends.insert(target);
            deliveries.push(((*id).to_owned(), Some(target)));
        }
    }
    for (id, function) in all(template, "AWS::Serverless::Function") {
        let mut is_scheduled = false;
        for (event, trigger) in function["Events"].as_object().unwrap() {
            let properties = &trigger["Properties"];
            match trigger["Type"].as_str().unwrap() {
                "HttpApi" => {}
                "SQS" => deliveries.push((
                    format!("{id}.{event}"),
                    named(&properties["Queue"]).filter(|queue| deliveries.iter().any(|(id, _)| id == queue)),
                )),
                "ScheduleV2" => {
                    is_scheduled = true;
                    let is_retried = properties["RetryPolicy"]["MaximumRetryAttempts"].as_u64() > Some(0);
                    let end = named(&properties["DeadLetterConfig"]["Arn"]).filter(|_| is_retried);
                    deliveries.push((format!("{id}.{event}"), end));
                }
                other => deliveries.push((format!("{id}.{event}, a {other},"), None)),
            }
        }
        // Lambda takes a schedule's event and tries it by itself.
        if is_scheduled {
            deliveries.push((id.to_owned(), named(&function["DeadLetterQueue"]["TargetArn"])));
        }
    }
    for (id, pipe) in all(template, "AWS::Pipes::Pipe") {
        let stream = &pipe["SourceParameters"]["DynamoDBStreamParameters"];
        deliveries.push((id.to_owned(), named(&stream["DeadLetterConfig"]["Arn"])));
    }
    ends.extend(deliveries.iter().filter_map(|(_, end)| *end).filter(|end| *end != "RefillQueue"));
    let mut faults: Vec<_> = deliveries
        .iter()
        .filter(|(_, end)| end.is_none_or(|end| !queues.iter().any(|(id, _)| *id == end)))
        .map(|(what, _)| format!("{what} has no dead-letter queue, or isn't tried again"))
        .collect();
    for (id, queue) in &queues {
        let is_read = !queue["RedrivePolicy"].is_null();
        if is_read == ends.contains(id) {
            faults.push(format!("{id} is neither read nor an end, or both"));
        }
        if !is_read && queue["MessageRetentionPeriod"] != 14 * 24 * 60 * 60 {
            faults.push(format!("{id} forgets before the fourteen days that SQS offers"));
        }
    }
    faults
}

/// A message at which a queue's worker fails comes again, for long enough and often enough.
fn workers(template: &Value) -> Vec<String> {
    let queues = all(template, "AWS::SQS::Queue");
    let mut faults = Vec::new();
    for (id, function) in all(template, "AWS::Serverless::Function") {
        for (event, trigger) in function["Events"].as_object().unwrap() {
            let properties = &trigger["Properties"];
            if trigger["Type"] != "SQS" {
                continue;
            }
            if properties["FunctionResponseTypes"] != json!(["ReportBatchItemFailures"]) {
                faults.push(format!("{id}.{event} doesn't report what failed: it would be forgotten"));
            }
            let queue = queues.iter().find(|(queue, _)| Some(*queue) == named(&properties["Queue"]));
            let (_, queue) = queue.unwrap();
            if queue["VisibilityTimeout"].as_u64() < function["Timeout"].as_u64().map(|timeout| timeout * 6) {
                faults.push(format!("{id}.{event}: a message comes again while it is worked on"));
            }
            if queue["RedrivePolicy"]["maxReceiveCount"].as_u64() < Some(5) {
                faults.push(format!("{id}.{event}: throttling alone would end in dead letters"));
            }
        }
    }
    faults
}

fn encryption(template: &Value) -> Vec<String> {
    let queues = all(template, "AWS::SQS::Queue");
    let open = queues.iter().filter(|(_, queue)| queue["SqsManagedSseEnabled"] != true);
    open.map(|(id, _)| format!("{id} isn't encrypted")).collect()
}

fn table(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        if resource["Type"] != "AWS::DynamoDB::Table" {
            continue;
        }
        let properties = &resource["Properties"];
        for (what, is_so) in [
            // And not by a creation that is rolled back: what failed has no ledger.
            ("kept when the stack goes", resource["DeletionPolicy"] == "RetainExceptOnCreate"),
            ("made last", is_made_last(resource)),
            ("kept when it is replaced", resource["UpdateReplacePolicy"] == "Retain"),
            ("protected from deletion", properties["DeletionProtectionEnabled"] == true),
            (
                "restored to any moment",
                properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true,
            ),
            ("encrypted", properties["SSESpecification"]["SSEEnabled"] == true),
            ("streamed", properties["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"),
            ("paid by request", properties["BillingMode"] == "PAY_PER_REQUEST"),
        ] {
            if !is_so {
                faults.push(format!("{id} isn't {what}"));
            }
        }
    }
    faults
}

/// Resources whose creation may fail are made before the table: the API with its authorizer and domain, and the queue's worker.
fn is_made_last(table: &Value) -> bool {
    let after: Vec<_> =
        table["DependsOn"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let domain = json!([{"Key": "domain", "Value": {"Ref": "DomainMapping"}}]);
    after == ["ApiApiGatewayDefaultStage", "MonthlyRefillFunctionWork"]
        && table["Properties"]["Tags"] == domain
}

/// A function's calls go to a version, and a version is published when a parameter changes that the function reads.
fn released(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let shared = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (id, function) in all(template, "AWS::Serverless::Function") {
        let Some(alias) = function["AutoPublishAlias"].as_str() else {
            let has_more = !function["DeploymentPreference"].is_null();
            faults.extend(has_more.then(|| format!("{id}: is rolled out bit by bit without an alias")));
            continue;
        };
        let description = function["VersionDescription"]["Fn::Sub"].as_str().unwrap_or_default();
        let own = function["Environment"]["Variables"].as_object();
        let variables = shared.as_object().into_iter().flatten().chain(own.into_iter().flatten());
        let parameters = variables.filter_map(|(_, value)| value["Ref"].as_str()).chain(["Tracing"]);
        let lacks: Vec<_> =
            parameters.filter(|name| !description.contains(&format!("${{{name}}}"))).collect();
        if !lacks.is_empty() {
            faults.push(format!("{id}: its version {alias} doesn't change with {lacks:?}"));
        }
        if function["AutoPublishAliasAllProperties"] != true {
            faults.push(format!("{id}: its version doesn't change with the template"));
        }
        // The alarms of new code turn it back.
        if function["DeploymentPreference"]["Alarms"]
            != json!([{"Ref": "ErrorsAlarm"}, {"Ref": "InternalAlarm"}])
        {
            faults.push(format!("{id}: no alarm rolls it back"));
        }
        // Lambda takes 256 characters, and CloudFormation looks at no length of what it puts together.
        let longest: u64 = description
            .split_whitespace()
            .map(|part| {
                let parameter = &template["Parameters"][part.trim_matches(['$', '{', '}'])];
                let values = parameter["AllowedValues"].as_array().into_iter().flatten();
                let longest = values.filter_map(|value| value.as_str().map(str::len)).max();
                parameter["MaxLength"]
                    .as_u64()
                    .or(longest.map(|length| length as u64))
                    .unwrap_or(u64::MAX / 8)
                    + 1
            })
            .sum();
        if longest > 257 {
            faults.push(format!("{id}: the description of a version may have {longest} characters"));
        }
    }
    faults
}

/// Each alarm notifies the topic, and alarms and the dashboard show only metrics that are measured.
fn alarms(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, alarm) in all(template, "AWS::CloudWatch::Alarm") {
        if alarm["AlarmActions"] != json!([{"Ref": "Alarms"}]) {
            faults.push(format!("{id} notifies no one"));
        }
        if alarm["TreatMissingData"] != "notBreaching" {
            faults.push(format!("{id} goes off without calls"));
        }
    }
    faults.extend(metrics::shown(template).into_iter().filter_map(|(place, metric)| {
        (!metrics::is_measured(&metric)).then(|| format!("{place}: nothing measures {metric:?}"))
    }));
    faults
}

#[test]
fn the_template_keeps_the_rules() {
    assert_eq!(faults(TEXT), Vec::<String>::new());
}

#[test]
fn schedules_say_what_the_functions_read() {
    let template = document();
    let mut rows = Vec::new();
    for (id, function) in all(&template, "AWS::Serverless::Function") {
        for (event, trigger) in function["Events"].as_object().unwrap() {
            let schedule = &trigger["Properties"];
            if trigger["Type"] == "ScheduleV2" {
                // A name of its own would be the same in every stack.
                assert_eq!(schedule["OmitName"], true, "{id}.{event}");
                let input: Value = serde_json::from_str(schedule["Input"].as_str().unwrap()).unwrap();
                let played =
                    input.to_string().replace("<aws.scheduler.scheduled-time>", "2026-12-01T00:00:00Z");
                let is_read = match id {
                    "PurchaseWebhookFunction" => {
                        serde_json::from_str::<scrip_purchase_webhook::Command>(&played).is_ok()
                    }
                    "RefundFunction" => serde_json::from_str::<scrip_refund::Command>(&played).is_ok(),
                    // Played in the refill's own tests.
                    _ => true,
                };
                assert!(is_read, "{id}.{event}: {played}");
                rows.push(format!("{id} {}: {input}", schedule["ScheduleExpression"].as_str().unwrap()));
            }
        }
    }
    assert_eq!(
        rows,
        [
            r#"MonthlyRefillFunction cron(0 0 1 * ? *): {"time":"<aws.scheduler.scheduled-time>"}"#,
            r#"MonthlyRefillFunction rate(1 hour): {"overdue_at":"<aws.scheduler.scheduled-time>"}"#,
            r#"PurchaseWebhookFunction cron(30 4 * * ? *): {"command":"recover","undelivered":true}"#,
            r#"RefundFunction rate(1 hour): {"command":"complete_pending_refunds"}"#,
        ]
    );
}
