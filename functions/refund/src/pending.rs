//! `SWEEP pending-refunds`, from the schedule: refunds that had no clear answer are asked for again, so that
//! none stays pending because nobody called.
//!
//! The provider is asked as it was the first time, so a refund that was made is only found to be.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use credits::{AccountId, Purchase, PurchaseId, Refund};
use lambda_http::http::StatusCode;
use ledger::Ledger;
use runtime::{Answer, Call, Metric, Problem};
use serde_json::json;
use tokio::time::timeout;

use crate::{Provider, money_back};

/// A refund that was asked for just now is left to whoever asked.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);
/// A refund that is pending for longer is one that somebody should look at.
const STUCK_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long the provider is asked, below the function's own time; the next hour goes on.
const ASKING_TIME: Duration = Duration::from_secs(20);

/// Asks again for each refund that is pending, and counts those that stay so.
pub(crate) async fn sweep(ledger: &Ledger, provider: &Provider, call: &Call) -> Result<Answer, Problem> {
    let (now, until) = (call.now(), Instant::now() + ASKING_TIME);
    let (mut asked, mut stuck, mut cursor) = (0, 0, None);
    loop {
        let (page, next) = ledger.pending_refunds(cursor.take()).await?;
        for (account, id) in page {
            // The index follows the record a moment later.
            let Some(purchase) = pending(ledger, &account, &id).await? else { continue };
            let age = purchase.refund_requested_at.map_or(TimeDelta::MAX, |asked_at| now - asked_at);
            let time_left = until.saturating_duration_since(Instant::now());
            if age >= ASK_AGAIN_AFTER && !time_left.is_zero() {
                asked += 1;
                // To stop anywhere in it is to have been killed there: the next hour finds it pending.
                let pursued =
                    timeout(time_left, money_back::pursue(ledger, provider, &account, &purchase, now));
                if let Ok(Err(problem)) = pursued.await {
                    runtime::event(&json!({
                        "level": "error", "message": "a pending refund couldn't be asked for", "account_id": account,
                        "purchase_id": id, "outcome": problem.code().as_str(),
                    }));
                }
            }
            if age >= STUCK_AFTER && pending(ledger, &account, &id).await?.is_some() {
                stuck += 1;
                runtime::event(&json!({
                    "level": "error", "message": "refund stuck", "account_id": account, "purchase_id": id,
                    "requested_at": purchase.refund_requested_at,
                }));
            }
        }
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let answer = Answer::json(StatusCode::OK, &json!({"asked": asked, "stuck": stuck}))?;
    Ok(answer.outcome("swept").counting([Metric::pending_refunds(stuck)]))
}

/// The purchase, where its refund is pending.
async fn pending(ledger: &Ledger, account: &AccountId, id: &PurchaseId) -> Result<Option<Purchase>, Problem> {
    let purchase = ledger.purchase(account, id).await?;
    Ok(purchase.filter(|purchase| purchase.refund == Some(Refund::RefundPending)))
}
