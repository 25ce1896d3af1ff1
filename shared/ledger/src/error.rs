//! Errors of the ledger, and whether another attempt may succeed.

use std::fmt;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
};
use scrip_accounts::Refusal;

/// An error and its causes as one line for the log. The SDK's `DisplayErrorContext` would also show the response, which
/// may contain a secret.
///
/// # Examples
///
/// ```
/// use scrip_ledger::{Error, chain};
///
/// let error = Error::Internal { doing: "read an item", source: "there is no such table".into() };
/// assert_eq!(chain(&error), "could not read an item: there is no such table");
/// ```
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

/// The cause of an error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// The reason that a command or a read was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command is refused. Nothing was written, and nothing will be.
    #[error("refused: {refusal:?}")]
    Refused {
        /// The reason.
        refusal: Box<Refusal>,
        /// The number of attempts.
        attempts: u32,
    },
    /// The same key was used for another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// Contention, throttling or network faults outlasted the retries. The command may have been carried out, or may
    /// still be until another entry takes its place. A repeated request with the same key is safe and finds out.
    #[error("gave up after {attempts} attempts: {last}")]
    TryAgain {
        /// The number of attempts.
        attempts: u32,
        /// The fault of the last attempt.
        last: Fault,
        /// The error of the last attempt, if it had one.
        #[source]
        source: Option<Source>,
    },
    /// Another attempt doesn't help: the program, its permissions or its table are wrong.
    #[error("could not {doing}")]
    Internal {
        /// The action that failed, as in "read an item".
        doing: &'static str,
        /// The error.
        #[source]
        source: Source,
    },
}

impl Error {
    /// Whether the same request may succeed later.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::{Error, Fault};
    ///
    /// let throttled = Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None };
    /// assert!(throttled.is_transient() && !Error::KeyReused.is_transient());
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TryAgain { .. } => true,
            Self::Refused { .. } | Self::KeyReused | Self::Internal { .. } => false,
        }
    }

    /// The number of attempts.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::{Error, Fault};
    ///
    /// let throttled = Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None };
    /// assert_eq!((throttled.attempts(), Error::KeyReused.attempts()), (10, 1));
    /// ```
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

/// The reason that an attempt failed though another may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another call appended first.
    Raced,
    /// Another transaction was writing one of the items.
    Contended,
    /// The table or the account is being throttled.
    Throttled,
    /// DynamoDB failed, or its answer was lost. The write may have happened.
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
    /// No other attempt will succeed.
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

/// Classifies the SDK's error of a failed request. Callers read failed conditions and cancelled transactions before,
/// because these carry items or reasons.
pub(crate) fn classify<E>(doing: &'static str, error: SdkError<E>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let fault = match &error {
        // There was no complete answer, so the request may have been carried out.
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
            // The status is success, but the answer can't be read: it was cut off, or isn't DynamoDB's.
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

/// The reasons of a cancelled transaction, if the SDK's error is one.
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
