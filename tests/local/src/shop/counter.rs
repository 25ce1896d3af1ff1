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
    cashier::{Cashier, SentEvent, ShopError},
    own_pages::for_own_pages,
    response,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
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
async fn buy(State(cashier): State<Arc<Cashier>>, body: Bytes) -> Response {
    cashier.catch_up().await;
    let order = serde_json::from_slice::<Order>(&body).map_err(|why| ShopError::Order(why.to_string()));
    let sale = match order {
        Ok(Order { account_id, sku }) => cashier.buy(&account_id, &sku, 1).await,
        Err(why) => Err(why),
    };
    match sale {
        // The purchase was made; the answers to its events show what it lacks.
        Ok(sale) => (status_of(&sale.events), Json(sale)).into_response(),
        Err(why) => response::message(why.status(), &why.to_string()).into_response(),
    }
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
