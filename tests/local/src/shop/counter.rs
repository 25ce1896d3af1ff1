//! Buying over HTTP: `POST /local/buy`.
//!
//! Invariant: an order that can't be filled is refused before anything is paid.

use crate::cashier::{Cashier, Sale, SentEvent, ShopError};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::post,
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The body of an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    account_id: String,
    sku: String,
}

pub(super) fn router(cashier: &Arc<Cashier>) -> Router {
    Router::new().route("/local/buy", post(buy)).with_state(Arc::clone(cashier))
}

/// Buys at the stack's time.
async fn buy(State(cashier): State<Arc<Cashier>>, body: Bytes) -> impl IntoResponse {
    cashier.catch_up().await;
    let order = serde_json::from_slice::<Order>(&body).map_err(|why| ShopError::Order(why.to_string()));
    let sale = match order {
        Ok(Order { account_id, sku }) => cashier.buy(&account_id, &sku, 1).await,
        Err(why) => Err(why),
    };
    let (status, answer) = match &sale {
        // The purchase was made; the answers to its events show what it lacks.
        Ok(sale) if sale.events.iter().all(SentEvent::is_delivered) => (StatusCode::OK, written(sale)),
        Ok(sale) => (StatusCode::BAD_GATEWAY, written(sale)),
        Err(why) => {
            let status = match why {
                ShopError::Order(_) => StatusCode::BAD_REQUEST,
                ShopError::Unknown(..) => StatusCode::NOT_FOUND,
                ShopError::Subscribed(..) | ShopError::Impossible(_) => StatusCode::CONFLICT,
            };
            (status, json!({ "message": why.to_string() }).to_string())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], answer)
}

/// The members in the order in which they are declared.
fn written(sale: &Sale) -> String {
    serde_json::to_string(sale).unwrap_or_default()
}
