//! Metrics in `CloudWatch`'s embedded metric format (EMF): lines of the log with numbers in them. No call is made for them,
//! so none are lost when a function ends.
//!
//! Every metric has its name here, and the template's alarms and dashboard use these names. Logs are paid for by the byte
//! (docs/costs.md), so the metrics of a request share a line, without optional fields.

use std::{env, sync::OnceLock};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::clock;

/// The variable with the metrics' namespace, which the template sets.
const NAMESPACE_VARIABLE: &str = "METRICS_NAMESPACE";

/// The namespace if the variable isn't set.
const NAMESPACE: &str = "Scrip";

/// A metric: how often something happened, or how much of something there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    name: &'static str,
    value: u64,
    /// The dimensions: names and values.
    labels: Vec<(&'static str, &'static str)>,
    /// The sets of dimensions by which it is summed.
    sets: &'static [&'static [&'static str]],
}

/// Summed without dimensions.
const WHOLE: &[&[&str]] = &[&[]];

impl Metric {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The sets of dimensions by which it is summed; the empty set sums all of it.
    #[must_use]
    pub fn dimension_sets(&self) -> &'static [&'static [&'static str]] {
        self.sets
    }

    fn whole(name: &'static str, value: u64) -> Self {
        Self { name, value, labels: Vec::new(), sets: WHOLE }
    }

    /// A debit or capture took the credits of that operation.
    #[must_use]
    pub fn debit(operation: &'static str) -> Self {
        let labels = vec![("Operation", operation)];
        Self { name: "Debits", value: 1, labels, sets: &[&[], &["Operation"]] }
    }

    /// A debit or capture took that many credits of a kind.
    #[must_use]
    pub fn credits_spent(kind: &'static str, operation: &'static str, credits: u64) -> Self {
        let labels = vec![("Kind", kind), ("Operation", operation)];
        Self { name: "CreditsSpent", value: credits, labels, sets: &[&["Kind"], &["Kind", "Operation"]] }
    }

    /// A call was refused with that code.
    #[must_use]
    pub fn refusal(code: &'static str) -> Self {
        Self { name: "Refusals", value: 1, labels: vec![("Code", code)], sets: &[&[], &["Code"]] }
    }

    /// A call failed with that code.
    #[must_use]
    pub fn failure(code: &'static str) -> Self {
        Self { name: "Failures", value: 1, labels: vec![("Code", code)], sets: &[&[], &["Code"]] }
    }

    /// How often a command was tried.
    #[must_use]
    pub fn append_attempts(attempts: u32) -> Self {
        Self::whole("AppendAttempts", attempts.into())
    }

    /// An event of the payment provider was handled, with that outcome.
    #[must_use]
    pub fn webhook_event(outcome: &'static str) -> Self {
        let labels = vec![("Outcome", outcome)];
        Self { name: "WebhookEvents", value: 1, labels, sets: &[&["Outcome"]] }
    }

    /// Stripe refused the API key, or the key lacks a permission.
    #[must_use]
    pub fn stripe_key_refused() -> Self {
        Self::whole("StripeKeyRefused", 1)
    }

    /// How many subjects a recovery applied, and how many it left.
    #[must_use]
    pub fn recovered(applied: u64, left: u64) -> Vec<Self> {
        vec![Self::whole("Recovered", applied), Self::whole("RecoveryLeft", left)]
    }

    /// A payment was parked.
    #[must_use]
    pub fn parked_event() -> Self {
        Self::whole("ParkedEvents", 1)
    }

    /// How many accounts a sweep refilled, expired, found settled already, or failed to settle.
    #[must_use]
    pub fn swept([refilled, expired, already_settled, failed]: [u64; 4]) -> Vec<Self> {
        vec![
            Self::whole("Refilled", refilled),
            Self::whole("Expired", expired),
            Self::whole("AlreadySettled", already_settled),
            Self::whole("RefillFailed", failed),
        ]
    }

    /// How many accounts aren't settled though their month turned hours ago.
    #[must_use]
    pub fn overdue_accounts(accounts: u64) -> Self {
        Self::whole("OverdueAccounts", accounts)
    }

    /// How many refunds are still pending an hour after they were requested.
    #[must_use]
    pub fn pending_refunds(refunds: u64) -> Self {
        Self::whole("PendingRefunds", refunds)
    }

    /// Whether one line can hold both metrics, because no name in them has two values.
    fn goes_with(&self, other: &Self) -> bool {
        let differs = |(name, value): &(&str, &str)| {
            other.labels.iter().any(|(other, value_there)| other == name && value_there != value)
        };
        self.name != other.name && !self.labels.iter().any(differs)
    }
}

/// Writes metrics to standard output, as of now.
pub fn count(metrics: &[Metric]) {
    print(metrics, clock::now());
}

/// Writes metrics to standard output, in lines of their own, because the log's lines hold no objects.
pub(crate) fn print(metrics: &[Metric], at: DateTime<Utc>) {
    for line in lines(namespace(), metrics, at) {
        // To text first, because `Value` writes itself in pieces of a few characters.
        let line = line.to_string();
        println!("{line}");
    }
}

/// The namespace of this function's metrics.
fn namespace() -> &'static str {
    static NAMED: OnceLock<String> = OnceLock::new();
    NAMED.get_or_init(|| {
        let named = env::var(NAMESPACE_VARIABLE).ok().filter(|named| !named.is_empty());
        named.unwrap_or_else(|| NAMESPACE.to_owned())
    })
}

/// The lines of metrics: one with all metrics that go together, and one for each other metric.
fn lines(namespace: &str, metrics: &[Metric], at: DateTime<Utc>) -> Vec<Value> {
    let (mut together, mut apart) = (Vec::<&Metric>::new(), Vec::new());
    for metric in metrics {
        let fits = together.iter().all(|other| other.goes_with(metric));
        if fits { together.push(metric) } else { apart.push(vec![metric]) }
    }
    let groups = [together].into_iter().chain(apart).filter(|group| !group.is_empty());
    groups.map(|group| line(namespace, &group, at)).collect()
}

fn line(namespace: &str, metrics: &[&Metric], at: DateTime<Utc>) -> Value {
    let labels = metrics.iter().flat_map(|metric| metric.labels.iter().copied());
    let values = metrics.iter().map(|metric| (metric.name, json!(metric.value)));
    let mut line: Map<_, _> =
        labels.map(|(name, value)| (name, json!(value))).chain(values).map(owned).collect();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": at.timestamp_millis(), "CloudWatchMetrics": directives(namespace, metrics)}),
    );
    Value::Object(line)
}

/// The metric directives of a line. Metrics with the same sets of dimensions share one. Units are optional and left out.
fn directives(namespace: &str, metrics: &[&Metric]) -> Vec<Value> {
    let mut by_sets = Vec::<(&[&[&str]], Vec<Value>)>::new();
    for metric in metrics {
        let name = json!({"Name": metric.name});
        match by_sets.iter_mut().find(|(sets, _)| *sets == metric.sets) {
            Some((_, names)) => names.push(name),
            None => by_sets.push((metric.sets, vec![name])),
        }
    }
    let directive = |(sets, names)| json!({"Namespace": namespace, "Dimensions": sets, "Metrics": names});
    by_sets.into_iter().map(directive).collect()
}

fn owned((name, value): (&str, Value)) -> (String, Value) {
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(names: &[&str], sets: &Value) -> Value {
        let names: Vec<_> = names.iter().map(|name| json!({"Name": name})).collect();
        json!({"Namespace": "Shop", "Dimensions": sets, "Metrics": names})
    }

    #[test]
    fn metrics_without_a_conflict_share_a_line() {
        let metrics = [
            Metric::debit("train_tune"),
            Metric::append_attempts(2),
            Metric::credits_spent("tune", "train_tune", 1),
            Metric::credits_spent("tune_image", "train_tune", 64),
        ];
        let lines = lines("Shop", &metrics, DateTime::UNIX_EPOCH);
        let spent = directive(&["CreditsSpent"], &json!([["Kind"], ["Kind", "Operation"]]));
        let first = json!({
            "Operation": "train_tune", "Debits": 1, "AppendAttempts": 2, "Kind": "tune",
            "CreditsSpent": 1,
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [
                directive(&["Debits"], &json!([[], ["Operation"]])),
                directive(&["AppendAttempts"], &json!([[]])),
                spent,
            ]},
        });
        let second = json!({
            "Kind": "tune_image", "Operation": "train_tune", "CreditsSpent": 64,
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [spent]},
        });
        assert_eq!(lines, [first, second]);
    }

    #[test]
    fn metrics_with_the_same_dimensions_share_a_directive() {
        let mut metrics = Metric::swept([1, 2, 3, 4]);
        metrics.push(Metric::append_attempts(5));
        let names = ["Refilled", "Expired", "AlreadySettled", "RefillFailed", "AppendAttempts"];
        let expected = json!({
            "Refilled": 1, "Expired": 2, "AlreadySettled": 3, "RefillFailed": 4, "AppendAttempts": 5,
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [directive(&names, &json!([[]]))]},
        });
        assert_eq!(lines("Shop", &metrics, DateTime::UNIX_EPOCH), [expected]);
    }

    /// `tests/costs/measured.toml` has this number of bytes, from which the price of a million debits is computed.
    #[test]
    fn a_debit_prints_one_line_of_metrics_as_long_as_the_costs_say() {
        let metrics = [
            Metric::debit("text_to_image"),
            Metric::credits_spent("playground", "text_to_image", 4),
            Metric::append_attempts(1),
        ];
        let at = "2026-11-22T10:00:00.250Z".parse().unwrap();
        let lines: Vec<_> =
            lines("Scrip/scrip-prod", &metrics, at).iter().map(|line| line.to_string().len()).collect();
        assert_eq!(lines, [crate::log::measured("emf_bytes")]);
    }

    #[test]
    fn without_metrics_there_is_no_line() {
        assert!(lines(NAMESPACE, &[], DateTime::UNIX_EPOCH).is_empty());
    }
}
