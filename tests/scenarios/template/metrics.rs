//! What is measured, and what the template's alarms and dashboard show of it.

use super::{deployment::all, document};
use serde_json::Value;

/// A metric by its namespace, name and dimensions.
pub type Metric = (String, String, Vec<String>);

/// Every metric there is to show, with each set of dimensions it is measured by.
const MEASURED: [(&str, &str, &[&[&str]]); 21] = [
    ("Scrip", "Debits", &[&[], &["Operation"]]),
    ("Scrip", "CreditsSpent", &[&["Kind"], &["Kind", "Operation"]]),
    ("Scrip", "Refusals", &[&[], &["Code"]]),
    ("Scrip", "Failures", &[&[], &["Code"]]),
    ("Scrip", "AppendAttempts", &[&[]]),
    ("Scrip", "WebhookEvents", &[&["Outcome"]]),
    ("Scrip", "ParkedEvents", &[&[]]),
    ("Scrip", "Refilled", &[&[]]),
    ("Scrip", "Expired", &[&[]]),
    ("Scrip", "AlreadySettled", &[&[]]),
    ("Scrip", "RefillFailed", &[&[]]),
    ("Scrip", "OverdueAccounts", &[&[]]),
    ("Scrip", "PendingRefunds", &[&[]]),
    ("AWS/ApiGateway", "5xx", &[&["ApiId"]]),
    ("AWS/ApiGateway", "Latency", &[&["ApiId"]]),
    ("AWS/Lambda", "Errors", &[&["FunctionName"]]),
    ("AWS/Lambda", "Throttles", &[&["FunctionName"]]),
    ("AWS/Lambda", "Duration", &[&["FunctionName"]]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &[&["QueueName"]]),
    ("AWS/EventBridge/Pipes", "EventCount", &[&["PipeName"]]),
    ("AWS/EventBridge/Pipes", "ExecutionFailed", &[&["PipeName"]]),
];

/// Whether somebody measures it.
pub fn is_measured((namespace, name, dimensions): &Metric) -> bool {
    let mut of_name = MEASURED.iter().filter(|(space, metric, _)| space == namespace && metric == name);
    of_name.any(|(_, _, sets)| sets.iter().any(|set| set == dimensions))
}

/// Every metric of the template's alarms and dashboards, with where it is shown.
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
            shown
                .push((id.to_owned(), (text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions)));
        }
    }
    for (id, dashboard) in all(template, "AWS::CloudWatch::Dashboard") {
        for row in rows(dashboard) {
            shown.push((id.to_owned(), of_row(&row)));
        }
    }
    shown
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every line of every graph.
fn rows(dashboard: &Value) -> Vec<Value> {
    let body = dashboard["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
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
    let mut schema = schema.split(',').map(str::to_owned);
    let namespace = schema.next().unwrap();
    (namespace, between("MetricName=\"", "\""), schema.collect())
}

#[test]
fn every_metric_of_the_functions_is_shown() {
    let shown = shown(&document());
    for (namespace, name, _) in MEASURED {
        let is_shown = shown.iter().any(|(_, (space, metric, _))| space == namespace && metric == name);
        assert!(is_shown, "{namespace} {name}");
    }
}

#[test]
fn alarms_watch_what_must_not_go_unseen() {
    let template = document();
    let mut rows: Vec<_> = all(&template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(id, alarm)| {
            let shown = shown(&template).into_iter().filter(|(place, _)| place == id);
            let mut metrics: Vec<_> = shown.map(|(_, (_, name, _))| name).collect();
            let count = metrics.len();
            metrics.dedup();
            let statistic = alarm["Statistic"].as_str().unwrap_or("total");
            format!("{id}: {statistic} {} x{count} >= {}", metrics.join(" "), alarm["Threshold"])
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "ApiAlarm: Sum 5xx x1 >= 5",
            "ContentionAlarm: Maximum AppendAttempts x1 >= 8",
            "DeadLettersAlarm: total ApproximateNumberOfMessagesVisible x3 >= 1",
            "ErrorsAlarm: total Errors x5 >= 1",
            "FailuresAlarm: Sum Failures x1 >= 5",
            "InternalAlarm: Sum Failures x1 >= 1",
            "OutboxAlarm: Sum ExecutionFailed x1 >= 1",
            "OverdueAlarm: Maximum OverdueAccounts x1 >= 1",
            "ParkedAlarm: Sum ParkedEvents x1 >= 1",
            "PendingRefundsAlarm: Maximum PendingRefunds x1 >= 1",
            "RefillFailedAlarm: Sum RefillFailed x1 >= 1",
            "WebhookThrottlesAlarm: Sum Throttles x1 >= 1",
        ]
    );
}
