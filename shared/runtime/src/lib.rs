//! The Lambda shell around the rules: start, claims, requests, problems, telemetry.
//!
//! A handler reads a [`Call`], checks who calls, and answers with an [`Answer`] or a [`Problem`]; what
//! both look like on the wire, and what is logged of them, is decided here once for all functions.

mod answer;
mod aws;
mod call;
mod claims;
mod clock;
mod metrics;
mod parameter;
mod path;
mod problem;
mod start;
mod telemetry;

pub use answer::Answer;
pub use aws::{aws_config, aws_timeouts};
pub use call::Call;
pub use claims::Scope;
pub use clock::now;
pub use metrics::Metric;
pub use parameter::Parameter;
pub use path::path;
pub use problem::{Code, Problem};
pub use start::ledger;
pub use telemetry::{counted, event, invocation};
