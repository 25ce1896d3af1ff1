//! The page on which a person plays with Scrip: `/`, beside the local gateway, and what it needs beyond the API: the
//! routes below `/local`. No deployment has them.
//!
//! Invariant: the page works without the internet and under a Content-Security-Policy that lets it run its own files
//! and call this stack, nothing else. `/local` answers pages of this stack only.
//!
//! | route | answers |
//! |---|---|
//! | `GET /local/state` | the clock, accounts, subscriptions, payments, and the provider's events |
//! | `GET /local/accounts/{account_id}` | the sequence of the account's newest entry |
//! | `POST /local/tokens` | tokens of an account's user, of a backend and of support |
//! | `POST /local/buy`, `cancel`, `refund`, `dispute` | what came of the provider's events |
//! | `POST /local/events/send`, `hold-back` | the same of events that are sent again, or late |
//! | `POST /local/clock` | moves the stack's clock forward, with all that falls due |
//! | `GET /local/calls/{request_id}` | what the function logged of a request |

mod context;
mod files;
mod orders;
mod time;

use crate::{
    callers::USER,
    cashier::{Cashier, EventLine, PaymentState, SubscriptionState},
    own_pages::for_own_pages,
    seed::{self, Callers},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::sleep;

use context::{Answer, PageError, SharedPage, started};

pub use context::Page;

/// The accounts that the page can play: some that have nothing yet, and those that a stack starts with.
const ACCOUNTS: [&str; 7] = [
    "ada@example.com",
    "ben@example.com",
    "demo-basic",
    "demo-standard",
    "demo-business",
    "demo-custom",
    "demo-none",
];
/// How long the tokens of an account's user last.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::days(7);
/// How often a log is looked through for a request: its line comes through a pipe, and may be a little late.
const LOOKS_MAX: u32 = 50;
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// The page, and what it needs.
pub fn router(page: &SharedPage) -> Router {
    let local = Router::new()
        .route("/local/state", get(state))
        .route("/local/accounts/{account_id}", get(newest))
        .route("/local/tokens", post(issue))
        .route("/local/calls/{request_id}", get(call))
        .merge(orders::router())
        .merge(time::router())
        .route_layer(middleware::from_fn(for_own_pages))
        .with_state(Arc::clone(page));
    files::router().merge(local)
}

#[derive(Serialize)]
struct StateBody {
    now: DateTime<Utc>,
    ahead_seconds: i64,
    accounts: [&'static str; 7],
    pack_prices: BTreeMap<&'static str, i64>,
    subscriptions: BTreeMap<String, SubscriptionState>,
    payments: BTreeMap<String, PaymentState>,
    is_holding_back: bool,
    events: Vec<EventLine>,
}

async fn state(State(page): State<SharedPage>) -> Answer<StateBody> {
    let Page { clock, cashier, .. } = started(&page)?;
    Ok(Json(StateBody {
        now: clock.now(),
        ahead_seconds: clock.ahead().num_seconds(),
        accounts: ACCOUNTS,
        pack_prices: Cashier::pack_prices(),
        subscriptions: cashier.subscription_states().await,
        payments: cashier.payment_states(),
        is_holding_back: cashier.is_holding_back(),
        events: cashier.events(),
    }))
}

#[derive(Serialize)]
struct NewestBody {
    /// 0 for an account without entries.
    sequence: u64,
}

/// The sequence of an account's newest entry, past the functions: the page asks every two seconds, and what they
/// print would fill the terminal.
async fn newest(State(page): State<SharedPage>, Path(account_id): Path<String>) -> Answer<NewestBody> {
    let ledger = &started(&page)?.ledger;
    let account_id = AccountId::parse(&account_id)
        .map_err(|why| PageError(StatusCode::BAD_REQUEST, format!("an account id {why}")))?;
    let account = ledger.account(&account_id).await;
    let account = account.map_err(|why| PageError(StatusCode::BAD_GATEWAY, why.to_string()))?;
    Ok(Json(NewestBody { sequence: account.map_or(0, |account| account.sequence.get()) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRequest {
    account_id: String,
}

#[derive(Serialize)]
struct TokensBody {
    user: String,
    backend: String,
    support: String,
}

/// Tokens of those who act for an account: its user, the product's backend, and support.
async fn issue(State(page): State<SharedPage>, Json(request): Json<AccountRequest>) -> Answer<TokensBody> {
    let tokens = &started(&page)?.tokens;
    let Callers { user, backend, support } = seed::callers(tokens);
    let user = match request.account_id.as_str() {
        USER => user,
        account_id => tokens.issue(account_id, &["credits:read", "credits:debit"], TOKEN_LIFETIME),
    };
    Ok(Json(TokensBody { user, backend, support }))
}

/// The line that a function logged of a request, and the function's name as `function`.
async fn call(State(page): State<SharedPage>, Path(request_id): Path<String>) -> Answer<Value> {
    let logs = &started(&page)?.logs;
    for _ in 0..LOOKS_MAX {
        if let Some((function, line)) = logs.find(&[&request_id, "\"elapsed_us\""])
            && let Ok(mut line) = serde_json::from_str::<Value>(&line)
        {
            line["function"] = json!(function);
            return Ok(Json(line));
        }
        sleep(LOOK_PAUSE).await;
    }
    Err(PageError(StatusCode::NOT_FOUND, "no function logged such a request".to_owned()))
}
