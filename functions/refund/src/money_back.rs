//! `POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund`: the 30-day money-back guarantee.
//!
//! A refund has three steps. One write revokes the credits and marks the purchase `refund_pending`. Then Stripe is asked
//! for the refund, with an idempotency key that stays the same until Stripe refuses it or the refund fails. Then the
//! purchase is marked `refunded`. If the function stops in between, a second request completes the refund, or the hourly
//! command, or for a pack Stripe's own event.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{
    AccountId, Currency, Decision, MoneyBackStatus, Purchase, PurchaseId, Reason, Records, Refusal,
    money_back,
};
use scrip_api::{ApiRequest, ApiResponse, Code, Problem, Scope};
use scrip_ledger::{Error, Ledger, State, Subjects};
use scrip_pricing::Credits;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::Instant;

use crate::{Provider, provider::RefundResult};

/// How often the result of a refund is written at most, because the records may change meanwhile.
const WRITES_MAX: u32 = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundRequest {
    #[serde(default, deserialize_with = "not_null")]
    reason: Option<Reason>,
}

/// Reads a reason that may be missing but not null, as in a reversal.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
    Reason::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
struct RefundBody<'a> {
    purchase_id: &'a PurchaseId,
    status: &'static str,
    credits_revoked: Credits,
    credits_spent: Credits,
    amount: u64,
    currency: &'a Currency,
    provider_refund_id: Option<&'a str>,
}

/// The money-back refund of a purchase.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MoneyBack<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) provider: &'a Provider,
    pub(crate) account_id: &'a AccountId,
    pub(crate) purchase_id: &'a PurchaseId,
    pub(crate) now: DateTime<Utc>,
}

/// Refunds a purchase, or answers with the status of its refund if there is one already.
pub(crate) async fn refund(
    ledger: &Ledger,
    provider: &Provider,
    request: &ApiRequest,
) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Refund)?;
    let purchase_id: PurchaseId = request.path_id("purchase_id")?;
    let body: RefundRequest = request.json()?;
    let (account_id, purchase_id) = (&account_id, &purchase_id);
    let refund = MoneyBack { ledger, provider, account_id, purchase_id, now: request.now() };
    let attempts = refund.request(body.reason.as_ref()).await?;
    let mut purchase = refund.purchase().await?;
    let mut outcome = "replayed";
    if purchase.is_refund_pending() {
        let pending = purchase.clone();
        match refund.pursue(&pending, provider.deadline()).await? {
            RefundResult::Refunded(_) => outcome = "refunded",
            RefundResult::Declined(code) => {
                purchase = refund.purchase().await?;
                return Err(declined(&code, pending.revoked == purchase.revoked));
            }
            RefundResult::Unknown => outcome = "refund_pending",
        }
        purchase = refund.purchase().await?;
    }
    Ok(answer(&purchase, outcome)?.attempted(Some(attempts)))
}

impl MoneyBack<'_> {
    /// Revokes the credits and marks the purchase `refund_pending`. Returns how often the write was tried.
    async fn request(&self, reason: Option<&Reason>) -> Result<u32, Problem> {
        let decide = |state: &State| {
            money_back::request(&state.account, &state.records, self.purchase_id, reason, self.now)
        };
        let subscription_id = self.subscription_id().await?;
        let purchases = [self.purchase_id.clone()];
        let subjects = Subjects { subscription: subscription_id.as_ref(), purchases: &purchases };
        Ok(self.ledger.apply(self.account_id, subjects, self.now, decide).await?.attempts)
    }

    /// Asks Stripe for a pending refund, and records the result: the purchase is refunded, or its credits are given back.
    pub(crate) async fn pursue(
        &self,
        pending: &Purchase,
        deadline: Instant,
    ) -> Result<RefundResult, Problem> {
        let attempt = pending.refunds_failed;
        let subscription = match &pending.subscription_id {
            Some(id) => self.ledger.subscription(id).await?.map(|(_, record)| record),
            None => None,
        };
        let records = Records { subscription, purchases: vec![pending.clone()] };
        let result = self.provider.refund(self.account_id, pending, &records, deadline).await?;
        match &result {
            RefundResult::Refunded(refund_ids) => {
                for _ in 0..WRITES_MAX {
                    // Read after the record, so that the record's revision guards the write of these facts.
                    let purchase = self.purchase().await?;
                    let Some(money) = self.provider.money(&purchase, deadline).await? else {
                        return Ok(RefundResult::Unknown);
                    };
                    let decide = |state: &State| match state.records.purchases.first() {
                        Some(known) if known.revision != purchase.revision => Err(Refusal::OutdatedFacts),
                        _ => money_back::confirmed(
                            &state.account,
                            &state.records,
                            &money,
                            attempt,
                            refund_ids,
                            self.now,
                        ),
                    };
                    if self.write(&purchase, decide).await? {
                        return Ok(result);
                    }
                }
                Ok(RefundResult::Unknown)
            }
            RefundResult::Declined(_) => {
                let decide = |state: &State| {
                    money_back::refused(&state.account, &state.records, self.purchase_id, attempt, self.now)
                };
                self.write(pending, decide).await?;
                Ok(result)
            }
            RefundResult::Unknown => Ok(result),
        }
    }

    /// Writes a decision on the purchase. Returns `false` if the records changed meanwhile.
    async fn write(
        &self,
        purchase: &Purchase,
        decide: impl Fn(&State) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Result<bool, Problem> {
        let purchases = [self.purchase_id.clone()];
        let subjects = Subjects { subscription: purchase.subscription_id.as_ref(), purchases: &purchases };
        match self.ledger.apply(self.account_id, subjects, self.now, decide).await {
            Ok(_) => Ok(true),
            Err(Error::Refused { refusal, .. }) if *refusal == Refusal::OutdatedFacts => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn subscription_id(&self) -> Result<Option<scrip_accounts::SubscriptionId>, Problem> {
        let purchase = self.ledger.purchase(self.account_id, self.purchase_id).await?;
        Ok(purchase.and_then(|purchase| purchase.subscription_id))
    }

    async fn purchase(&self) -> Result<Purchase, Problem> {
        let purchase = self.ledger.purchase(self.account_id, self.purchase_id).await?;
        purchase.ok_or_else(|| Problem::internal("a purchase that was refunded has no record"))
    }
}

/// The problem of a refund that Stripe declined. Credits that a dispute revoked stay revoked.
fn declined(code: &str, is_still_revoked: bool) -> Problem {
    let credits = if is_still_revoked || code == "charge_disputed" {
        "A dispute or an earlier refund holds the credits, so they stay revoked."
    } else {
        "What was revoked for it is back."
    };
    let detail = format!("The payment provider refused the refund ({code}). {credits}");
    Problem::new(Code::ProviderRefused, detail)
}

/// The answer with the status of the refund, from the purchase's record.
fn answer(purchase: &Purchase, outcome: &'static str) -> Result<ApiResponse, Problem> {
    // The refund failed at once, and Stripe's event of that was handled before this answer.
    let Some(refund) = &purchase.money_back else {
        let detail = "The payment provider's refund failed. The credits are back; ask again for the money.";
        return Err(Problem::new(Code::ProviderRefused, detail));
    };
    let (code, status) = match refund.status {
        MoneyBackStatus::Refunded => (StatusCode::OK, "refunded"),
        MoneyBackStatus::Pending => (StatusCode::ACCEPTED, "refund_pending"),
    };
    let body = RefundBody {
        purchase_id: &purchase.id,
        status,
        credits_revoked: refund.revoked,
        credits_spent: refund.spent,
        amount: refund.amount,
        currency: &purchase.currency,
        provider_refund_id: refund.refund_ids.first().map(scrip_accounts::RefundId::as_str),
    };
    Ok(ApiResponse::json(code, &body)?.outcome(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_request_is_optional_but_not_null() {
        let longest = format!(r#"{{"reason":"{}"}}"#, "é".repeat(200));
        let too_long = format!(r#"{{"reason":"{}"}}"#, "é".repeat(201));
        for (body, valid) in [
            ("{}", true),
            (r#"{"reason":""}"#, true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            (r#"{"reason":null}"#, false),
            (r#"{"reason":1}"#, false),
            (r#"{"why":"x"}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<RefundRequest>(body).is_ok(), valid, "{body}");
        }
    }
}
