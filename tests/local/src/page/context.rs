//! What the page's routes share: what they work on, and how they refuse.

use crate::{
    Stack,
    cashier::{Cashier, ShopError},
    clock::Clock,
    logs::Logs,
    response, seed,
    tokens::Tokens,
};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use scrip_ledger::Ledger;
use scrip_monthly_refill::RefillFunction;
use std::sync::{Arc, OnceLock};

/// The state of the page's routes.
#[derive(Debug)]
pub struct Page {
    pub(super) tokens: Arc<Tokens>,
    pub(super) logs: Arc<Logs>,
    pub(super) clock: Arc<Clock>,
    pub(super) ledger: Ledger,
    /// In this process: one of its own would refuse a month that hasn't begun on the machine's clock.
    pub(super) refill: RefillFunction,
    pub(super) cashier: Arc<Cashier>,
}

impl Page {
    pub(crate) fn new(stack: &Stack, cashier: &Arc<Cashier>) -> Self {
        let ledger = seed::ledger(stack);
        Self {
            tokens: Arc::clone(&stack.tokens),
            logs: Arc::clone(&stack.logs),
            clock: Arc::clone(&stack.clock),
            refill: RefillFunction::new(ledger.clone(), None),
            ledger,
            cashier: Arc::clone(cashier),
        }
    }
}

/// The page of a stack that may still be starting: 503 until it has started.
pub(super) type SharedPage = Arc<OnceLock<Page>>;

/// An error of a request to the page: its status, and the reason as text.
pub(super) struct PageError(pub(super) StatusCode, pub(super) String);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        response::message(self.0, &self.1).into_response()
    }
}

impl From<ShopError> for PageError {
    fn from(why: ShopError) -> Self {
        Self(why.status(), why.to_string())
    }
}

pub(super) type Answer<T> = Result<Json<T>, PageError>;

pub(super) fn started(page: &SharedPage) -> Result<&Page, PageError> {
    page.get().ok_or_else(|| PageError(StatusCode::SERVICE_UNAVAILABLE, "the stack is starting".to_owned()))
}
