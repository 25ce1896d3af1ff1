//! What failures meant to the code before, how often it tried, and for how long it waited: as in its ledger.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::CancellationReason,
};
use scrip_api::Problem;
use scrip_ledger::{Error, Fault};
use tokio::time::{Instant, sleep};

const ATTEMPTS_FAILED_MAX: u32 = 10;
const BACKOFF_FAILED_MS_FIRST: u64 = 10;
const BACKOFF_FAILED_MS_MAX: u64 = 400;
const ATTEMPTS_CONTENDED_MAX: u32 = 200;
const BACKOFF_CONTENDED_MS_FIRST: u64 = 20;
const BACKOFF_CONTENDED_MS_MAX: [(u64, u64); 3] = [(3_000, 40), (2_000, 100), (0, 640)];
const ATTEMPTS_MS_MAX: u64 = 5_000;

/// An attempt that failed.
pub(super) enum Failure {
    Transient(Fault),
    Fatal(Problem),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(error.into())
    }
}

pub(super) fn internal(cause: impl Into<String>) -> Failure {
    Failure::Fatal(Problem::internal(cause))
}

/// Whether waiting may help, or nothing does, by the reasons of a cancelled transaction; neither if something changed.
pub(super) fn waits(reasons: &[CancellationReason]) -> Option<Failure> {
    let mut fault = None;
    for reason in reasons {
        match reason.code().unwrap_or("None") {
            "None" | "ConditionalCheckFailed" => {}
            "TransactionConflict" => fault = fault.or(Some(Fault::Contended)),
            "ThrottlingError" | "ProvisionedThroughputExceeded" => fault = Some(Fault::Throttled),
            code => return Some(internal(format!("cancelled: {code}"))),
        }
    }
    fault.map(Failure::Transient)
}

/// The meaning of a request's error.
pub(super) fn failure<E>(error: &SdkError<E>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let fault = match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Fault::Unknown
        }
        SdkError::ServiceError(service) => match service.err().code() {
            Some(
                "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ReplicatedWriteConflictException",
            ) => Fault::Throttled,
            Some("TransactionConflictException" | "TransactionInProgressException") => Fault::Contended,
            Some("InternalServerError" | "ServiceUnavailable") => Fault::Unknown,
            _ if service.raw().status().is_server_error() => Fault::Unknown,
            None if service.raw().status().is_success() => Fault::Unknown,
            _ => return internal(scrip_ledger::chain(error)),
        },
        _ => return internal(scrip_ledger::chain(error)),
    };
    Failure::Transient(fault)
}

/// The attempts of one debit.
pub(super) struct Attempts {
    failed: u32,
    contended: u32,
    since: Instant,
}

impl Attempts {
    pub(super) fn first() -> Self {
        Self { failed: 0, contended: 0, since: Instant::now() }
    }

    pub(super) fn made(&self) -> u32 {
        1 + self.failed + self.contended
    }

    /// Goes on after a random wait; an error if there have been enough, or it would be too late.
    pub(super) async fn again(&mut self, last: Fault) -> Result<(), Error> {
        let ceiling_ms = match last {
            Fault::Raced | Fault::Contended => contended_ceiling_ms(self.contended, self.since.elapsed()),
            Fault::Throttled | Fault::Unknown => {
                (BACKOFF_FAILED_MS_FIRST << self.failed.min(16)).min(BACKOFF_FAILED_MS_MAX)
            }
        };
        let wait = Duration::from_millis(fastrand::u64(0..=ceiling_ms));
        self.count(wait, last)?;
        sleep(wait).await;
        Ok(())
    }

    /// The same without a wait.
    pub(super) fn again_at_once(&mut self, last: Fault) -> Result<(), Error> {
        self.count(Duration::ZERO, last)
    }

    fn count(&mut self, wait: Duration, last: Fault) -> Result<(), Error> {
        let attempts = self.made();
        let (count, max) = match last {
            Fault::Raced | Fault::Contended => (&mut self.contended, ATTEMPTS_CONTENDED_MAX),
            Fault::Throttled | Fault::Unknown => (&mut self.failed, ATTEMPTS_FAILED_MAX),
        };
        if *count + 1 == max || self.since.elapsed() + wait > Duration::from_millis(ATTEMPTS_MS_MAX) {
            return Err(Error::TryAgain { attempts, last, source: None });
        }
        *count += 1;
        Ok(())
    }
}

fn contended_ceiling_ms(before: u32, waited: Duration) -> u64 {
    let longest = BACKOFF_CONTENDED_MS_MAX.iter().find(|(since, _)| waited.as_millis() >= u128::from(*since));
    let longest = longest.map_or(BACKOFF_CONTENDED_MS_FIRST, |(_, longest)| *longest);
    (BACKOFF_CONTENDED_MS_FIRST << (2 * before.min(16))).min(longest)
}
