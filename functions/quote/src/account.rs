//! `GET /v1/accounts/{account_id}`: an account's balance, plan and subscriptions as of now.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{
    Account, AccountId, Period, PlanName, PlanStatus, Subscription, SubscriptionId, SubscriptionStatus,
};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::Credits;
use serde::Serialize;

#[derive(Serialize)]
struct AccountBody {
    account_id: AccountId,
    balance: Credits,
    /// The credits that open holds set aside. They are not part of the balance.
    held: Credits,
    plan: Option<PlanName>,
    plan_status: PlanStatus,
    paid_through: Option<DateTime<Utc>>,
    period: Period,
    next_refill_at: Option<DateTime<Utc>>,
    subscriptions: Vec<SubscriptionBody>,
    entitlements: Entitlements,
}

/// A subscription that has not ended.
#[derive(Serialize)]
struct SubscriptionBody {
    subscription_id: SubscriptionId,
    plan: PlanName,
    allowance: u64,
    status: SubscriptionStatus,
    paid_through: DateTime<Utc>,
}

impl SubscriptionBody {
    fn of(subscription: &Subscription, now: DateTime<Utc>) -> Self {
        Self {
            subscription_id: subscription.id.clone(),
            plan: subscription.plan.clone(),
            allowance: subscription.allowance,
            status: subscription.status_at(now),
            paid_through: subscription.paid_through,
        }
    }
}

#[derive(Serialize)]
struct Entitlements {
    extended_tune_storage: bool,
}

/// Shows an account. An account without entries is empty, not missing.
pub(crate) async fn show(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Read)?;
    let now = request.now();
    let account = ledger.account(&account_id).await?.unwrap_or_else(|| Account::unseen(now)).as_of(now);
    let body = AccountBody {
        account_id,
        balance: account.balance,
        held: account.held(),
        plan_status: account.plan_status(now),
        period: account.period,
        next_refill_at: account.next_refill_at(now),
        entitlements: Entitlements { extended_tune_storage: account.extended_tune_storage(now) },
        subscriptions: account.running().map(|running| SubscriptionBody::of(running, now)).collect(),
        paid_through: account.plan(now).map(|plan| plan.paid_through),
        plan: account.plan(now).map(|plan| plan.plan.clone()),
    };
    ApiResponse::json(StatusCode::OK, &body)
}
