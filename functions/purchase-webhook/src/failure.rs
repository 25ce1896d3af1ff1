//! Failures to apply a subject, and the problems that callers get.

use scrip_api::{Metric, Problem};

/// The reason why a subject couldn't be applied.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call to Stripe's API failed.
    Stripe(scrip_stripe::Error),
    /// The subject is not about credits of ours.
    Foreign,
    /// The records kept changing while Stripe was read.
    Outdated,
    /// Any other failure.
    Problem(Problem),
}

impl From<scrip_stripe::Error> for Failure {
    fn from(error: scrip_stripe::Error) -> Self {
        Self::Stripe(error)
    }
}

impl From<scrip_ledger::Error> for Failure {
    fn from(error: scrip_ledger::Error) -> Self {
        Self::Problem(error.into())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The problem that the caller gets. The log names the permission that a key lacks, but never the key.
pub(crate) fn problem(failure: Failure) -> Problem {
    match failure {
        Failure::Problem(problem) => problem,
        Failure::Foreign | Failure::Outdated => {
            Problem::try_again("the records changed while Stripe was read")
        }
        Failure::Stripe(error @ scrip_stripe::Error::Unreadable { .. }) => {
            Problem::internal(error.to_string())
        }
        Failure::Stripe(error) => {
            if let scrip_stripe::Error::Forbidden { permission } = &error {
                tracing::error!(permission, "the API key lacks a permission");
                scrip_api::count(&[Metric::stripe_key_refused()]);
            } else if matches!(error, scrip_stripe::Error::Unauthenticated) {
                tracing::error!("Stripe doesn't accept the API key");
                scrip_api::count(&[Metric::stripe_key_refused()]);
            }
            Problem::try_again(format!("Stripe's API: {error}"))
        }
    }
}
