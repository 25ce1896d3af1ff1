//! The metrics that are measured, and those that the template's alarms and dashboard show.

use super::{deployment::all, with_everything};
use crate::documents::rows;
use serde_json::Value;
use std::collections::BTreeSet;

/// A metric by its namespace, name and dimensions.
pub type Metric = (String, String, Vec<String>);

/// Every metric there is to show, with each set of dimensions it is measured by.
const MEASURED: [(&str, &str, &[&[&str]]); 25] = [
    ("Scrip", "Debits", &[&[], &["Operation"]]),
    ("Scrip", "CreditsSpent", &[&["Kind"], &["Kind", "Operation"]]),
    ("Scrip", "Refusals", &[&[], &["Code"]]),
    ("Scrip", "Failures", &[&[], &["Code"]]),
    ("Scrip", "AppendAttempts", &[&[]]),
    ("Scrip", "WebhookEvents", &[&["Outcome"]]),
    ("Scrip", "ParkedEvents", &[&[]]),
    ("Scrip", "StripeKeyRefused", &[&[]]),
    ("Scrip", "Recovered", &[&[]]),
    ("Scrip", "RecoveryLeft", &[&[]]),
    ("Scrip", "Refilled", &[&[]]),
    ("Scrip", "Expired", &[&[]]),
    ("Scrip", "AlreadySettled", &[&[]]),
    ("Scrip", "RefillFailed", &[&[]]),
    ("Scrip", "OverdueAccounts", &[&[]]),
    ("Scrip", "PendingRefunds", &[&[]]),
    ("AWS/ApiGateway", "4xx", &[&["ApiId", "Stage", "Method", "Resource"]]),
    ("AWS/ApiGateway", "5xx", &[&["ApiId"], &["ApiId", "Stage", "Method", "Resource"]]),
    ("AWS/ApiGateway", "Latency", &[&["ApiId"]]),
    ("AWS/Lambda", "Errors", &[&["FunctionName"]]),
    ("AWS/Lambda", "Throttles", &[&["FunctionName"]]),
    ("AWS/Lambda", "Duration", &[&["FunctionName"]]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &[&["QueueName"]]),
    ("AWS/EventBridge/Pipes", "EventCount", &[&["PipeName"]]),
    ("AWS/EventBridge/Pipes", "ExecutionFailed", &[&["PipeName"]]),
];

/// The namespace that a stack's functions measure in; `Scrip` in the list above.
const OWN_NAMESPACE: &str = "Scrip/${AWS::StackName}";

/// Whether a metric is measured.
pub fn is_measured((namespace, name, dimensions): &Metric) -> bool {
    let mut of_name = MEASURED.iter().filter(|(space, metric, _)| space == namespace && metric == name);
    of_name.any(|(_, _, sets)| sets.iter().any(|set| set == dimensions))
}

/// Every metric of the template's alarms and dashboards, each with the place that shows it.
pub fn shown(template: &Value) -> Vec<(String, Metric)> {
    let mut shown = Vec::new();
    for (id, alarm) in all(template, "AWS::CloudWatch::Alarm") {
        let of_total = alarm["Metrics"].as_array().into_iter().flatten();
        let of_total = of_total.filter(|query| query["Expression"] != "SUM(METRICS())");
        let of_total: Vec<_> = of_total.map(|query| &query["MetricStat"]["Metric"]).collect();
        let metrics = if of_total.is_empty() { vec![alarm] } else { of_total };
        for metric in metrics {
            let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
            let dimensions = dimensions.map(|dimension| text(&dimension["Name"])).collect();
            let namespace = match &metric["Namespace"]["Fn::Sub"] {
                Value::String(own) => own.replace(OWN_NAMESPACE, "Scrip"),
                _ => text(&metric["Namespace"]),
            };
            shown.push((id.to_owned(), (namespace, text(&metric["MetricName"]), dimensions)));
        }
    }
    for (id, dashboard) in all(template, "AWS::CloudWatch::Dashboard") {
        for row in dashboard_rows(dashboard) {
            shown.push((id.to_owned(), of_row(&row)));
        }
    }
    shown
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every line of every graph.
fn dashboard_rows(dashboard: &Value) -> Vec<Value> {
    let body = dashboard["DashboardBody"]["Fn::Sub"][0].as_str().unwrap();
    let body: Value = serde_json::from_str(&body.replace(OWN_NAMESPACE, "Scrip")).unwrap();
    let widgets = body["widgets"].as_array().unwrap().iter();
    widgets.flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap().clone()).collect()
}

/// `["Scrip","CreditsSpent","Kind","tune",{…}]`, or a search over the values of dimensions.
fn of_row(row: &Value) -> Metric {
    let Some(search) = row[0]["expression"].as_str() else {
        let texts: Vec<_> =
            row.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let dimensions = texts.iter().skip(2).step_by(2).cloned().collect();
        return (texts[0].clone(), texts[1].clone(), dimensions);
    };
    let between = |from: &str, to: &str| {
        let (_, rest) = search.split_once(from).unwrap_or_default();
        rest.split_once(to).unwrap_or_default().0.to_owned()
    };
    let schema = between("{", "}");
    // A namespace with a slash or a hyphen is quoted.
    let mut schema = schema.split(',').map(|name| name.trim_matches('"').to_owned());
    let namespace = schema.next().unwrap();
    (namespace, between("MetricName=\"", "\""), schema.collect())
}

/// A dimension's value: a text, or the resource that it names.
fn value(value: &Value) -> String {
    let named = value.get("Ref").or_else(|| value.get("Fn::GetAtt"));
    text(named.unwrap_or(value))
}

/// What the functions can measure is what is written above: each metric, by the name they give it.
#[test]
fn the_functions_measure_what_is_shown() {
    use scrip_api::Metric;
    let mut measured = vec![
        Metric::debit("upscale"),
        Metric::credits_spent("tune", "upscale", 1),
        Metric::refusal("forbidden"),
        Metric::failure("internal"),
        Metric::append_attempts(1),
        Metric::webhook_event("applied"),
        Metric::parked_event(),
        Metric::stripe_key_refused(),
    ];
    measured.extend(Metric::recovered(1, 0));
    measured.extend(Metric::swept([0; 4]));
    measured.extend([Metric::overdue_accounts(0), Metric::pending_refunds(0)]);
    let measured: Vec<_> = measured.iter().map(|metric| (metric.name(), metric.dimension_sets())).collect();
    let ours: Vec<_> = MEASURED
        .into_iter()
        .filter(|(space, ..)| *space == "Scrip")
        .map(|(_, name, sets)| (name, sets))
        .collect();
    assert_eq!(measured, ours);
}

#[test]
fn the_operators_document_lists_each_metric_with_its_dimensions() {
    let operations = include_str!("../../../docs/operations.md");
    let listed: BTreeSet<(String, BTreeSet<String>)> = rows(operations)
        .filter(|row| row.len() == 3 && row[0].starts_with('`'))
        .flat_map(|row| {
            let dimensions: BTreeSet<_> = names(row[1]).collect();
            names(row[0]).map(|name| (name, dimensions.clone())).collect::<Vec<_>>()
        })
        .collect();
    let of_metric = |(_, name, sets): &(&str, &str, &[&[&str]])| {
        let dimensions = sets.iter().flat_map(|set| set.iter());
        ((*name).to_owned(), dimensions.map(|dimension| (*dimension).to_owned()).collect())
    };
    let measured = MEASURED.iter().filter(|(space, ..)| *space == "Scrip").map(of_metric).collect();
    assert_eq!(listed, measured);
}

/// The names in a cell, without their backticks.
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split(", ").filter(|name| !name.is_empty()).map(|name| name.trim_matches('`').to_owned())
}

#[test]
fn every_metric_of_the_functions_is_shown() {
    let shown = shown(&with_everything());
    for (namespace, name, _) in MEASURED {
        let is_shown = shown.iter().any(|(_, (space, metric, _))| space == namespace && metric == name);
        assert!(is_shown, "{namespace} {name}");
    }
}

#[test]
fn alarms_watch_what_must_not_go_unseen() {
    let template = with_everything();
    let mut rows: Vec<_> = all(&template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(id, alarm)| {
            let of_total = alarm["Metrics"].as_array().into_iter().flatten();
            let stated: Vec<_> =
                of_total.map(|query| &query["MetricStat"]).filter(|stat| stat.is_object()).collect();
            let metrics = if stated.is_empty() {
                vec![alarm]
            } else {
                stated.iter().map(|stat| &stat["Metric"]).collect()
            };
            let values =
                metrics.iter().flat_map(|metric| metric["Dimensions"].as_array().into_iter().flatten());
            let values: Vec<_> = values.map(|dimension| value(&dimension["Value"])).collect();
            let of = stated.first().map_or(alarm, |stat| *stat);
            let statistic = of["Statistic"].as_str().or(of["Stat"].as_str()).unwrap();
            assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold", "{id}");
            format!(
                "{id}: {statistic} {} [{}] >= {} in {} x {} s",
                metrics[0]["MetricName"].as_str().unwrap(),
                values.join(" "),
                alarm["Threshold"],
                alarm["EvaluationPeriods"],
                of["Period"],
            )
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "ApiAlarm: Sum 5xx [Api] >= 5 in 1 x 300 s",
            "ContentionAlarm: Maximum AppendAttempts [] >= 40 in 1 x 300 s",
            "DeadLettersAlarm: Maximum ApproximateNumberOfMessagesVisible [RefillDeadLetters.QueueName ScheduleDeadLetters.QueueName OutboxDeadLetters.QueueName] >= 1 in 1 x 300 s",
            "ErrorsAlarm: Sum Errors [QuoteFunction DebitFunction PurchaseWebhookFunction RefundFunction MonthlyRefillFunction] >= 1 in 1 x 300 s",
            "FailuresAlarm: Sum Failures [] >= 5 in 1 x 300 s",
            "InternalAlarm: Sum Failures [internal] >= 1 in 1 x 300 s",
            "OutboxAlarm: Sum ExecutionFailed [OutboxPipe] >= 1 in 1 x 300 s",
            "OverdueAlarm: Maximum OverdueAccounts [] >= 1 in 1 x 3600 s",
            "ParkedAlarm: Sum ParkedEvents [] >= 1 in 1 x 300 s",
            "PendingRefundsAlarm: Maximum PendingRefunds [] >= 1 in 1 x 3600 s",
            "RecoveryAlarm: Maximum RecoveryLeft [] >= 1 in 1 x 3600 s",
            "RefillFailedAlarm: Sum RefillFailed [] >= 1 in 1 x 300 s",
            "SignaturesAlarm: Sum Refusals [invalid_signature] >= 3 in 1 x 3600 s",
            "StripeKeyAlarm: Sum StripeKeyRefused [] >= 1 in 1 x 300 s",
            "WebhookFailuresAlarm: Sum 5xx [Api $default POST /v1/webhooks/stripe] >= 3 in 1 x 300 s",
            "WebhookRefusalsAlarm: Sum 4xx [Api $default POST /v1/webhooks/stripe] >= 100 in 1 x 300 s",
            "WebhookThrottlesAlarm: Sum Throttles [PurchaseWebhookFunction] >= 1 in 1 x 300 s",
        ]
    );
}
