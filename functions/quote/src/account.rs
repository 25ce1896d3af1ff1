//! `GET /v1/accounts/{account_id}`: what an account has, as of now.

use chrono::{DateTime, Utc};
use credits::{Account, AccountId, Period, PlanStatus};
use lambda_http::http::StatusCode;
use ledger::Ledger;
use pricing::Credits;
use runtime::{Answer, Call, Problem, Scope};
use serde::Serialize;

#[derive(Serialize)]
struct AccountBody {
    account_id: AccountId,
    balance: Credits,
    plan: Option<String>,
    plan_status: PlanStatus,
    paid_through: Option<DateTime<Utc>>,
    period: Period,
    next_refill_at: Option<DateTime<Utc>>,
    entitlements: Entitlements,
}

#[derive(Serialize)]
struct Entitlements {
    extended_tune_storage: bool,
}

/// Shows an account. One that was never seen is empty, not missing.
pub(crate) async fn show(ledger: &Ledger, call: &Call) -> Result<Answer, Problem> {
    let account_id = call.authorized_account(Scope::Read)?;
    let now = call.now();
    let account = ledger.account(&account_id).await?.unwrap_or_else(|| Account::unseen(now)).as_of(now);
    let body = AccountBody {
        account_id,
        balance: account.balance,
        plan_status: account.plan_status(now),
        period: account.period,
        next_refill_at: account.next_refill_at(now),
        entitlements: Entitlements { extended_tune_storage: account.extended_tune_storage(now) },
        paid_through: account.subscription.as_ref().map(credits::Subscription::paid_through),
        plan: account.subscription.map(|subscription| subscription.plan),
    };
    Answer::json(StatusCode::OK, &body)
}
