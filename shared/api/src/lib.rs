//! The edge that all functions share: requests, responses, problems, claims, commands, secrets, logs, metrics, and the
//! configuration of AWS's clients.
//!
//! A handler reads an [`ApiRequest`], checks the caller, and answers with an [`ApiResponse`] or a [`Problem`]. This crate
//! alone decides their form on the wire and in the log.

mod aws;
mod claims;
mod clock;
mod debit_body;
mod hold_body;
mod invocation;
mod ledger_from_env;
mod log;
mod metrics;
mod outbox;
mod parameter;
mod path;
mod problem;
mod request;
mod response;

pub use aws::{AMAZON_ROOTS, aws_config, aws_retries, aws_timeouts};
pub use claims::Scope;
pub use clock::now;
pub use debit_body::DebitBody;
pub use hold_body::HoldBody;
pub use invocation::{CommandInvocation, Invocation, InvocationAnswer, run_http};
pub use ledger_from_env::ledger_from_env;
pub use log::{init_tracing, log_invocation};
pub use metrics::{Metric, count};
pub use outbox::{Batch, OutboxInvocation};
pub use parameter::Parameter;
pub use path::path;
pub use problem::{Code, Problem};
pub use request::ApiRequest;
pub use response::ApiResponse;
