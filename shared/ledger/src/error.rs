//! What can go wrong between a decision and the table, and whether asking again helps.

use std::fmt;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
};
use scrip_accounts::Refusal;

/// An error with its causes, for the log. The SDK's `DisplayErrorContext` also shows the answer, which may hold a secret.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// What an error came from.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A command or a read that wasn't carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command is refused. Nothing was written, and nothing of it is written later.
    #[error("refused: {refusal:?}")]
    Refused {
        /// Why.
        refusal: Box<Refusal>,
        /// How often it was tried.
        attempts: u32,
    },
    /// The same key was used for another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// Contention, throttling or a network fault outlasted the retries. The command may have been carried out, or may
    /// be until another entry takes its place: asking again with the same key tells, and is safe.
    #[error("gave up after {attempts} attempts: {last}")]
    TryAgain {
        /// How often it was tried.
        attempts: u32,
        /// The fault of the last attempt.
        last: Fault,
        /// What the last attempt failed with, if anything did.
        #[source]
        source: Option<Source>,
    },
    /// Asking again doesn't help: a mistake in this program, its permissions or its table.
    #[error("could not {doing}")]
    Internal {
        /// What was being done.
        doing: &'static str,
        /// What it failed with.
        #[source]
        source: Source,
    },
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TryAgain { .. } => true,
            Self::Refused { .. } | Self::KeyReused | Self::Internal { .. } => false,
        }
    }

    /// How often it was tried.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Refused { attempts, .. } | Self::TryAgain { attempts, .. } => *attempts,
            Self::KeyReused | Self::Internal { .. } => 1,
        }
    }

    pub(crate) fn internal(doing: &'static str, source: impl Into<Source>) -> Self {
        Self::Internal { doing, source: source.into() }
    }

    pub(crate) fn corrupt(pk: &str, sk: &str, missing: &'static str) -> Self {
        Self::internal("read an item", format!("{pk} {sk} has no {missing}"))
    }
}

/// Why an attempt came to nothing though another may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Someone else appended first.
    Raced,
    /// Another transaction held one of the items.
    Contended,
    /// The table or the account is being throttled.
    Throttled,
    /// The service failed, or its answer was lost: the write may have happened.
    Unknown,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raced => "raced",
            Self::Contended => "contended",
            Self::Throttled => "throttled",
            Self::Unknown => "outcome unknown",
        })
    }
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another attempt may succeed.
    Transient(Fault, Option<Source>),
    /// None will.
    Fatal(Error),
}

impl Failure {
    /// Another write is under way, or came first.
    pub(crate) fn contended() -> Self {
        Self::Transient(Fault::Contended, None)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// Reads what the SDK says of a request that failed. (A condition that failed and a cancelled transaction are read
/// before, by what they carry.)
pub(crate) fn classify<E>(doing: &'static str, error: SdkError<E>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let fault = match &error {
        // No whole answer came: the request may have been carried out.
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Some(Fault::Unknown)
        }
        SdkError::ServiceError(service) => match service.err().code() {
            Some(
                "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ReplicatedWriteConflictException",
            ) => Some(Fault::Throttled),
            Some("TransactionConflictException" | "TransactionInProgressException") => Some(Fault::Contended),
            Some("InternalServerError" | "ServiceUnavailable") => Some(Fault::Unknown),
            _ if service.raw().status().is_server_error() => Some(Fault::Unknown),
            // It succeeded, and its answer can't be read: it broke off, or isn't DynamoDB's.
            None if service.raw().status().is_success() => Some(Fault::Unknown),
            _ => None,
        },
        _ => None,
    };
    match fault {
        Some(fault) => Failure::Transient(fault, Some(error.into())),
        None => Failure::Fatal(Error::internal(doing, error)),
    }
}

/// The reasons of a cancelled transaction, where that is what the SDK reports.
pub(crate) fn cancellation(
    error: &SdkError<TransactWriteItemsError>,
) -> Option<&[aws_sdk_dynamodb::types::CancellationReason]> {
    match error {
        SdkError::ServiceError(service) => match service.err() {
            TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                Some(cancelled.cancellation_reasons())
            }
            _ => None,
        },
        _ => None,
    }
}
