//! `POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund`: the 30-day money-back guarantee.
//!
//! Revoke, ask, confirm: the credits go in one write that marks the purchase `refund_pending`, then the
//! provider is asked with a key that stays the same until it refuses or the refund fails, then the purchase is
//! `refunded`. Whatever stops in between is healed by calling again, which the hourly sweep does too, or for a
//! pack by the provider's own event.

use chrono::{DateTime, Utc};
use credits::{AccountId, Buys, Decision, Purchase, PurchaseId, Reason, Refund, withdrawal};
use lambda_http::http::StatusCode;
use ledger::{Ledger, Outcome, Related, State};
use pricing::Credits;
use runtime::{Answer, Call, Code, Problem, Scope};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Provider, provider::Asked};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundRequest {
    #[serde(default, deserialize_with = "present")]
    reason: Option<Reason>,
}

/// A reason may be left out, as a reversal's may, but null is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
    Reason::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
struct RefundBody<'a> {
    purchase_id: &'a PurchaseId,
    status: &'static str,
    credits_revoked: Credits,
    credits_spent: Credits,
    amount: u64,
    currency: &'a str,
    provider_refund_id: Option<&'a str>,
}

/// Refunds a purchase, or says again what became of its refund.
pub(crate) async fn refund(ledger: &Ledger, provider: &Provider, call: &Call) -> Result<Answer, Problem> {
    let account = call.authorized_account(Scope::Refund)?;
    let id = PurchaseId::parse(call.path("purchase_id"))
        .map_err(|invalid| Problem::invalid(format!("purchase_id {invalid}.")))?;
    let request: RefundRequest = call.json()?;
    let now = call.now();

    let related = Related::Purchase(&id);
    let decide = |state: &State| {
        withdrawal::request(&state.account, state.purchase.as_ref(), request.reason.as_ref(), now)
    };
    let executed = ledger.apply(&account, related, now, decide).await?;
    if let Outcome::Refused(refusal) = executed.outcome {
        return Err(Problem::from(refusal).attempted(executed.attempts));
    }
    let mut purchase = read(ledger, &account, &id).await?;
    let mut outcome = "replayed";
    if purchase.refund == Some(Refund::RefundPending) {
        match pursue(ledger, provider, &account, &purchase, now).await? {
            Asked::Done(_) => (purchase, outcome) = (read(ledger, &account, &id).await?, "refunded"),
            Asked::Refused(code) => {
                let detail =
                    format!("The payment provider refused the refund ({code}). The credits are back.");
                return Err(Problem::new(Code::ProviderRefused, detail));
            }
            Asked::Unknown => outcome = "refund_pending",
        }
    }
    Ok(answer(&purchase, outcome)?.attempted(Some(executed.attempts)))
}

/// Asks for a pending refund, and writes down what is known then: it is refunded, or the credits are back.
pub(crate) async fn pursue(
    ledger: &Ledger,
    provider: &Provider,
    account: &AccountId,
    purchase: &Purchase,
    now: DateTime<Utc>,
) -> Result<Asked, Problem> {
    let (asked, attempt) = (ask(ledger, provider, account, purchase).await?, purchase.refunds_failed);
    let decide = |state: &State| match &asked {
        Asked::Done(refund_id) => withdrawal::confirmed(state.purchase.as_ref(), attempt, refund_id.as_ref()),
        Asked::Refused(_) => withdrawal::refused(&state.account, state.purchase.as_ref(), attempt, now),
        Asked::Unknown => Ok(Decision::default()),
    };
    if !matches!(asked, Asked::Unknown) {
        ledger.apply(account, Related::Purchase(&purchase.payment.id), now, decide).await?;
    }
    Ok(asked)
}

/// Asks the provider for the money, and to end the subscription where the purchase is what pays for one.
async fn ask(
    ledger: &Ledger,
    provider: &Provider,
    account: &AccountId,
    purchase: &Purchase,
) -> Result<Asked, Problem> {
    let refunded = if purchase.payment.amount == 0 {
        // Nothing was paid: there is nothing to ask for.
        Asked::Done(None)
    } else {
        provider.refund(account, purchase).await?
    };
    if !matches!((&refunded, &purchase.payment.buys), (Asked::Done(_), Buys::Plan { .. })) {
        return Ok(refunded);
    }
    let account = ledger.account(account).await?;
    let Some(subscription) = withdrawal::ends_with(account.as_ref(), purchase) else { return Ok(refunded) };
    let is_settled = match provider.is_paid_anew(subscription, &purchase.payment.id).await? {
        // It goes on, by a payment that is yet to be heard of.
        Some(true) => true,
        Some(false) => provider.cancel(subscription).await?,
        None => false,
    };
    Ok(if is_settled { refunded } else { Asked::Unknown })
}

async fn read(ledger: &Ledger, account: &AccountId, id: &PurchaseId) -> Result<Purchase, Problem> {
    let purchase = ledger.purchase(account, id).await?;
    purchase.ok_or_else(|| Problem::internal("a purchase that was refunded has no record"))
}

/// What became of a refund, read off the purchase's record.
fn answer(purchase: &Purchase, outcome: &'static str) -> Result<Answer, Problem> {
    let (code, status, refund_id) = match &purchase.refund {
        Some(Refund::Refunded { refund_id }) => (StatusCode::OK, "refunded", refund_id.as_ref()),
        Some(Refund::RefundPending) => (StatusCode::ACCEPTED, "refund_pending", None),
        // It failed while it was asked for, and the provider's event was faster.
        None => {
            let detail =
                "The payment provider's refund failed. The credits are back; ask again for the money.";
            return Err(Problem::new(Code::ProviderRefused, detail));
        }
    };
    let body = RefundBody {
        purchase_id: &purchase.payment.id,
        status,
        credits_revoked: purchase.revoked,
        credits_spent: purchase.spent,
        amount: purchase.payment.amount,
        currency: &purchase.payment.currency,
        provider_refund_id: refund_id.map(credits::RefundId::as_str),
    };
    Ok(Answer::json(code, &body)?.outcome(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_reason_or_none() {
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
