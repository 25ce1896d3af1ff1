//! Orders and events: what the shop, its customers and their banks do with the provider's payments.

use super::context::{Answer, PageError, SharedPage, started};
use crate::cashier::{CancelWhen, DisputeStep, Sale, SentEvent};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    account_id: String,
    sku: String,
    #[serde(default = "one")]
    quantity: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancellation {
    account_id: String,
    when: CancelWhen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refund {
    purchase_id: String,
    cents: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dispute {
    purchase_id: String,
    step: DisputeStep,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRequest {
    event_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldBack {
    is_holding_back: bool,
}

pub(super) fn router() -> Router<SharedPage> {
    Router::new()
        .route("/local/buy", post(buy))
        .route("/local/cancel", post(cancel))
        .route("/local/refund", post(refund))
        .route("/local/dispute", post(dispute))
        .route("/local/events/send", post(send))
        .route("/local/events/hold-back", post(hold_back))
}

async fn buy(State(page): State<SharedPage>, Json(order): Json<Order>) -> Answer<Sale> {
    let cashier = &started(&page)?.cashier;
    cashier.catch_up().await;
    Ok(Json(cashier.buy(&order.account_id, &order.sku, order.quantity).await?))
}

async fn cancel(State(page): State<SharedPage>, Json(request): Json<Cancellation>) -> Answer<Vec<SentEvent>> {
    Ok(Json(started(&page)?.cashier.cancel(&request.account_id, request.when).await?))
}

async fn refund(State(page): State<SharedPage>, Json(request): Json<Refund>) -> Answer<Vec<SentEvent>> {
    Ok(Json(started(&page)?.cashier.refund(&request.purchase_id, request.cents).await?))
}

async fn dispute(State(page): State<SharedPage>, Json(request): Json<Dispute>) -> Answer<Vec<SentEvent>> {
    Ok(Json(started(&page)?.cashier.dispute(&request.purchase_id, request.step).await?))
}

async fn send(State(page): State<SharedPage>, Json(request): Json<EventRequest>) -> Answer<SentEvent> {
    let sent = started(&page)?.cashier.send_again(&request.event_id).await;
    sent.map(Json).ok_or_else(|| PageError(StatusCode::NOT_FOUND, "there is no such event".to_owned()))
}

async fn hold_back(State(page): State<SharedPage>, Json(request): Json<HoldBack>) -> Answer<Vec<SentEvent>> {
    Ok(Json(started(&page)?.cashier.hold_back(request.is_holding_back).await))
}
