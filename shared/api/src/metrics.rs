//! Metrics, in the embedded format of `CloudWatch`: a line of the log that carries numbers and says so. No call is made
//! for them, and nothing is lost when a function ends.
//!
//! Every metric is named here; the template's alarms and dashboard use these names. What a request prints is paid for by
//! the byte (docs/costs.md), so a request's metrics share a line, and nothing optional is in it.

use std::{env, sync::OnceLock};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::clock;

/// The variable that names the metrics' namespace, which the template sets.
const NAMESPACE_VARIABLE: &str = "METRICS_NAMESPACE";

/// The namespace if the variable names none.
const NAMESPACE: &str = "Scrip";

/// A number of something that happened, or of what there is of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    name: &'static str,
    value: u64,
    /// The dimensions' values, by name.
    labels: Vec<(&'static str, &'static str)>,
    /// By which dimensions together it is summed up.
    sets: &'static [&'static [&'static str]],
}

/// Summed up as one.
const WHOLE: &[&[&str]] = &[&[]];

impl Metric {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The sets of dimensions it is summed up by; the empty one for all of it.
    #[must_use]
    pub fn dimension_sets(&self) -> &'static [&'static [&'static str]] {
        self.sets
    }

    fn whole(name: &'static str, value: u64) -> Self {
        Self { name, value, labels: Vec::new(), sets: WHOLE }
    }

    /// A debit was made, of that operation.
    #[must_use]
    pub fn debit(operation: &'static str) -> Self {
        let labels = vec![("Operation", operation)];
        Self { name: "Debits", value: 1, labels, sets: &[&[], &["Operation"]] }
    }

    /// A debit took so many credits of a kind.
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

    /// A command was tried so often.
    #[must_use]
    pub fn append_attempts(attempts: u32) -> Self {
        Self::whole("AppendAttempts", attempts.into())
    }

    /// That became of an event of the payment provider's.
    #[must_use]
    pub fn webhook_event(outcome: &'static str) -> Self {
        let labels = vec![("Outcome", outcome)];
        Self { name: "WebhookEvents", value: 1, labels, sets: &[&["Outcome"]] }
    }

    /// Stripe refused the API key, or what it was used for.
    #[must_use]
    pub fn stripe_key_refused() -> Self {
        Self::whole("StripeKeyRefused", 1)
    }

    /// A recovery made up for so many subjects, and left so many.
    #[must_use]
    pub fn recovered(applied: u64, left: u64) -> Vec<Self> {
        vec![Self::whole("Recovered", applied), Self::whole("RecoveryLeft", left)]
    }

    /// A payment was parked.
    #[must_use]
    pub fn parked_event() -> Self {
        Self::whole("ParkedEvents", 1)
    }

    /// A sweep settled accounts: so many were refilled, expired, settled already, or failed.
    #[must_use]
    pub fn swept([refilled, expired, already_settled, failed]: [u64; 4]) -> Vec<Self> {
        vec![
            Self::whole("Refilled", refilled),
            Self::whole("Expired", expired),
            Self::whole("AlreadySettled", already_settled),
            Self::whole("RefillFailed", failed),
        ]
    }

    /// So many accounts' month turned hours ago and wasn't settled.
    #[must_use]
    pub fn overdue_accounts(accounts: u64) -> Self {
        Self::whole("OverdueAccounts", accounts)
    }

    /// So many refunds are still pending an hour after they were asked for.
    #[must_use]
    pub fn pending_refunds(refunds: u64) -> Self {
        Self::whole("PendingRefunds", refunds)
    }

    /// Whether a line that says this can say the other too: a name stands for one value in a line.
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

/// Writes metrics to standard output: lines of their own, since the log's lines hold no objects.
pub(crate) fn print(metrics: &[Metric], at: DateTime<Utc>) {
    for line in lines(namespace(), metrics, at) {
        // As text first: shown by itself it is written in pieces of a few characters.
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

/// The lines of metrics: one with all that fit together, and one for each that doesn't.
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
        labels.map(|(name, value)| (name, json!(value))).chain(values).map(own).collect();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": at.timestamp_millis(), "CloudWatchMetrics": directives(namespace, metrics)}),
    );
    Value::Object(line)
}

/// What a line's metrics are summed up by: those with the same sets share one directive. No unit, which is optional.
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

fn own((name, value): (&str, Value)) -> (String, Value) {
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
    fn a_line_carries_what_fits_together() {
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
    fn metrics_that_are_summed_up_alike_share_a_directive() {
        let mut metrics = Metric::swept([1, 2, 3, 4]);
        metrics.push(Metric::append_attempts(5));
        let names = ["Refilled", "Expired", "AlreadySettled", "RefillFailed", "AppendAttempts"];
        let expected = json!({
            "Refilled": 1, "Expired": 2, "AlreadySettled": 3, "RefillFailed": 4, "AppendAttempts": 5,
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [directive(&names, &json!([[]]))]},
        });
        assert_eq!(lines("Shop", &metrics, DateTime::UNIX_EPOCH), [expected]);
    }

    /// `tests/costs/measured.toml` has these bytes: what a million debits cost follows from them.
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
