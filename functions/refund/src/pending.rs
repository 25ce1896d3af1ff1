//! `SWEEP pending-refunds`, from the schedule: refunds that had no clear answer are asked for again, so that
//! none stays pending because nobody called.
//!
//! The provider is asked as it was the first time, so a refund that was made is only found to be.

use std::time::Duration;

use accounts::{AccountId, Purchase, PurchaseId};
use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::http::StatusCode;
use ledger::Ledger;
use runtime::{Answer, Call, Metric, Problem};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{Provider, money_back::MoneyBack};

/// A refund that was asked for just now is left to whoever asked.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);
/// A refund that is pending for longer is one that somebody should look at.
const STUCK_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long the provider is asked, below the function's own time.
const ASKING_TIME: Duration = Duration::from_secs(20);

/// Asks again for each refund that is pending, and counts those that stay so. One that fails doesn't stop the
/// others; it counts as stuck.
pub(crate) async fn sweep(ledger: &Ledger, provider: &Provider, call: &Call) -> Result<Answer, Problem> {
    let (now, until) = (call.now(), Instant::now() + ASKING_TIME);
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = ledger.pending_refunds(cursor.take()).await?;
        listed.extend(page);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    // Where there are more than there is time for, each hour begins elsewhere.
    let hour = usize::try_from(now.timestamp() / 3600).unwrap_or_default();
    let first = hour.checked_rem(listed.len()).unwrap_or_default();
    listed.rotate_left(first);
    let (mut asked, mut stuck) = (0, 0);
    for (account, id) in &listed {
        match (Pending { ledger, provider, account, id }).look_at(now, until).await {
            Ok((is_asked, is_stuck)) => {
                asked += u64::from(is_asked);
                stuck += u64::from(is_stuck);
            }
            Err(problem) => {
                stuck += 1;
                runtime::event(&json!({
                    "level": "error", "message": "a pending refund couldn't be asked for", "account_id": account,
                    "purchase_id": id, "outcome": problem.code().as_str(), "cause": problem.cause(),
                }));
            }
        }
    }
    let answer = Answer::json(StatusCode::OK, &json!({"asked": asked, "stuck": stuck}))?;
    Ok(answer.outcome("swept").counting([Metric::pending_refunds(stuck)]))
}

/// A purchase that the index lists.
struct Pending<'a> {
    ledger: &'a Ledger,
    provider: &'a Provider,
    account: &'a AccountId,
    id: &'a PurchaseId,
}

impl Pending<'_> {
    /// Asks for its refund, if it is pending for a while; whether that was done, and whether it is stuck.
    async fn look_at(&self, now: DateTime<Utc>, until: Instant) -> Result<(bool, bool), Problem> {
        // The index follows the record a moment later.
        let Some(purchase) = self.read().await? else { return Ok((false, false)) };
        let age = purchase.money_back.as_ref().map_or(TimeDelta::MAX, |refund| now - refund.requested_at);
        let time_left = until.saturating_duration_since(Instant::now());
        let is_asked = age >= ASK_AGAIN_AFTER && !time_left.is_zero();
        if is_asked {
            // To stop anywhere in it is to have been killed there: a later hour finds it pending.
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
            runtime::event(&json!({
                "level": "error", "message": "refund stuck", "account_id": self.account, "purchase_id": self.id,
                "requested_at": purchase.money_back.as_ref().map(|refund| refund.requested_at),
            }));
        }
        Ok((is_asked, is_stuck))
    }

    /// The purchase, where its refund is pending.
    async fn read(&self) -> Result<Option<Purchase>, Problem> {
        let purchase = self.ledger.purchase(self.account, self.id).await?;
        Ok(purchase.filter(Purchase::is_refund_pending))
    }
}
