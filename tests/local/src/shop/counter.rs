//! Buying over HTTP: `POST /local/buy`.
//!
//! Invariant: an order that can't be filled is refused before anything is paid. Another site's page can't order.
//!
//! | of the order's events | answer |
//! |---|---|
//! | the webhook took each | 200 |
//! | some are held back, and it took the others | 202 |
//! | it refused one, or did not answer | 502 |

use crate::{
    cashier::{Cashier, Sale, SentEvent, ShopError},
    own_pages::for_own_pages,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    middleware,
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
    let own = middleware::from_fn(for_own_pages);
    Router::new().route("/local/buy", post(buy)).route_layer(own).with_state(Arc::clone(cashier))
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
        Ok(sale) => (status_of(&sale.events), written(sale)),
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

fn status_of(events: &[SentEvent]) -> StatusCode {
    if events.iter().all(SentEvent::is_delivered) {
        StatusCode::OK
    } else if events.iter().all(|event| event.is_delivered() || event.is_held_back()) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::BAD_GATEWAY
    }
}

/// The members in the order in which they are declared.
fn written(sale: &Sale) -> String {
    serde_json::to_string(sale).unwrap_or_default()
}
