//! What the functions have in common beside the rules: requests, responses, problems, claims, commands, secrets, logs,
//! metrics, and the configuration of AWS's clients.
//!
//! A handler reads an [`ApiRequest`], checks who calls, and answers with an [`ApiResponse`] or a [`Problem`]; what
//! both look like on the wire, and what is logged of them, is decided here once for all functions.

mod aws;
mod claims;
mod clock;
mod debit_body;
mod hold_body;
mod invocation;
mod log;
mod metrics;
mod outbox;
mod parameter;
mod path;
mod problem;
mod request;
mod response;
mod start;

pub use aws::{AMAZON_ROOTS, aws_config, aws_retries, aws_timeouts};
pub use claims::Scope;
pub use clock::now;
pub use debit_body::DebitBody;
pub use hold_body::HoldBody;
pub use invocation::{CommandInvocation, Invocation, InvocationAnswer, run_http};
pub use log::{init_tracing, invocation};
pub use metrics::{Metric, count};
pub use outbox::{Batch, OutboxInvocation};
pub use parameter::Parameter;
pub use path::path;
pub use problem::{Code, Problem};
pub use request::ApiRequest;
pub use response::ApiResponse;
pub use start::ledger;
