//! Metrics of the credits that work takes.

use scrip_api::Metric;
use scrip_pricing::Credits;

/// The metrics of a debit or capture of an operation that took these credits.
pub(crate) fn spending_metrics(operation: &'static str, credits: Credits) -> Vec<Metric> {
    let kinds = [
        ("playground", credits.playground()),
        ("tune", credits.tune()),
        ("tune_image", credits.tune_image()),
    ];
    let of_kinds = kinds
        .into_iter()
        .filter(|(_, credits)| *credits > 0)
        .map(|(kind, credits)| Metric::credits_spent(kind, operation, credits));
    [Metric::debit(operation)].into_iter().chain(of_kinds).collect()
}
