//! What a function's start makes.

use std::env;

use aws_config::SdkConfig;
use lambda_http::Error;
use scrip_ledger::Ledger;

use crate::claims;

/// The ledger in the table that the variable `TABLE_NAME` names, its connection made and its credentials
/// used once. A function's start isn't throttled as its calls are: what is done here is saved at the first call.
/// Reads the variables `ACCOUNT_CLAIM` and `SCOPE_PREFIX` too, which say how tokens are read.
///
/// # Errors
/// Where `TABLE_NAME` isn't set, or one of the other two is malformed.
pub async fn ledger(config: &SdkConfig) -> Result<Ledger, Error> {
    let table = env::var("TABLE_NAME").map_err(|_| "set TABLE_NAME to the ledger's table")?;
    claims::read_format()?;
    let ledger = Ledger::new(config, table);
    ledger.warm_up().await;
    Ok(ledger)
}
