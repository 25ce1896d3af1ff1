//! The ledger that a function makes at its start.

use std::env;

use aws_config::SdkConfig;
use lambda_http::Error;
use scrip_ledger::Ledger;

use crate::claims;

/// Makes the ledger in the table that `TABLE_NAME` names, and connects to it. Also reads the format of tokens from
/// `ACCOUNT_CLAIM` and `SCOPE_PREFIX`.
///
/// A function's start has more CPU than its calls, so work that is done here makes the first call faster.
///
/// # Errors
/// If `TABLE_NAME` isn't set, or one of the other two is malformed.
pub async fn ledger_from_env(config: &SdkConfig) -> Result<Ledger, Error> {
    let table = env::var("TABLE_NAME").map_err(|_| "set TABLE_NAME to the ledger's table")?;
    claims::read_format()?;
    let ledger = Ledger::new(config, table);
    ledger.warm_up().await;
    Ok(ledger)
}
