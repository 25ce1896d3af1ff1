//! The command of the hourly schedule: requests pending refunds again, so that none stays pending because its caller gave
//! up.
//!
//! Each request to Stripe has the idempotency key of the first, so a refund that was made is not made twice.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, Purchase, PurchaseId};
use scrip_api::{ApiResponse, Metric, Problem};
use scrip_ledger::Ledger;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{Provider, money_back::MoneyBack};

/// How old a pending refund must be to be requested again. A younger one is left to its caller.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);
/// How old a pending refund must be to count as stuck, so that an operator is alarmed.
const STUCK_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long the command's calls to Stripe take at most, which is less than the function's timeout.
const ASKING_TIME: Duration = Duration::from_secs(20);

/// A command of the refund function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Requests each pending refund again.
    CompletePendingRefunds {
        /// The time as of which to decide; now if it is missing.
        time: Option<DateTime<Utc>>,
    },
}

/// Requests each pending refund again, and counts those that are stuck. A refund that fails is counted as stuck too, and
/// doesn't stop the others.
pub(crate) async fn complete(
    ledger: &Ledger,
    provider: &Provider,
    command: &Command,
) -> Result<ApiResponse, Problem> {
    let Command::CompletePendingRefunds { time } = command;
    let (now, until) = (time.unwrap_or_else(scrip_api::now), Instant::now() + ASKING_TIME);
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = ledger.pending_refunds(cursor.take()).await?;
        listed.extend(page);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    // If there are more than there is time for, each hour begins with another.
    let hour = usize::try_from(now.timestamp() / 3600).unwrap_or_default();
    let first = hour.checked_rem(listed.len()).unwrap_or_default();
    listed.rotate_left(first);
    let (mut asked, mut stuck) = (0, 0);
    for (account, id) in &listed {
        match (PendingRefund { ledger, provider, account, id }).request_again(now, until).await {
            Ok((is_asked, is_stuck)) => {
                asked += u64::from(is_asked);
                stuck += u64::from(is_stuck);
            }
            Err(problem) => {
                stuck += 1;
                let (outcome, cause) = (problem.code().as_str(), problem.cause());
                let (account_id, purchase_id) = (account.as_str(), id.as_str());
                tracing::error!(
                    account_id,
                    purchase_id,
                    outcome,
                    cause,
                    "a pending refund couldn't be requested"
                );
            }
        }
    }
    let answer = ApiResponse::json(StatusCode::OK, &json!({"asked": asked, "stuck": stuck}))?;
    Ok(answer.outcome("swept").counting([Metric::pending_refunds(stuck)]))
}

/// A refund that the index lists as pending.
struct PendingRefund<'a> {
    ledger: &'a Ledger,
    provider: &'a Provider,
    account: &'a AccountId,
    id: &'a PurchaseId,
}

impl PendingRefund<'_> {
    /// Requests the refund again if it has been pending for a while. Returns whether it did, and whether the refund is stuck.
    async fn request_again(&self, now: DateTime<Utc>, until: Instant) -> Result<(bool, bool), Problem> {
        // The index is eventually consistent, so the record may not be pending any more.
        let Some(purchase) = self.read().await? else { return Ok((false, false)) };
        let age = purchase.money_back.as_ref().map_or(TimeDelta::MAX, |refund| now - refund.requested_at);
        let time_left = until.saturating_duration_since(Instant::now());
        let is_asked = age >= ASK_AGAIN_AFTER && !time_left.is_zero();
        if is_asked {
            // The timeout may stop this at any call. Then a later hour finds the refund pending.
            let refund = MoneyBack {
                ledger: self.ledger,
                provider: self.provider,
                account_id: self.account,
                purchase_id: self.id,
                now,
            };
            timeout(time_left, refund.pursue(&purchase, until)).await.ok().transpose()?;
        }
        let is_stuck = age >= STUCK_AFTER && self.read().await?.is_some();
        if is_stuck {
            let (account_id, purchase_id) = (self.account.as_str(), self.id.as_str());
            let requested_at = purchase.money_back.as_ref().map(|refund| refund.requested_at.to_rfc3339());
            tracing::error!(account_id, purchase_id, requested_at, "refund stuck");
        }
        Ok((is_asked, is_stuck))
    }

    /// The purchase, if its refund is pending.
    async fn read(&self) -> Result<Option<Purchase>, Problem> {
        let purchase = self.ledger.purchase(self.account, self.id).await?;
        Ok(purchase.filter(Purchase::is_refund_pending))
    }
}
