//! Why a subject wasn't brought in line, and what the caller gets then.

use scrip_api::{Metric, Problem};

/// Why a subject wasn't brought in line.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Stripe's API didn't say what was asked.
    Stripe(scrip_stripe::Error),
    /// It is nothing of ours.
    Foreign,
    /// The records were written again and again while the provider was read.
    Outdated,
    /// Anything else.
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

/// What the caller gets if Stripe or the ledger can't be had. The permission that a key lacks is named in the log, the
/// key never.
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
