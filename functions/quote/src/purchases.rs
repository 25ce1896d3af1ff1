//! `GET /v1/accounts/{account_id}/purchases`: an account's purchases, newest first, a page at a time.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{Currency, Line, Purchase, PurchaseId, PurchaseStatus, Sku};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::{Ledger, PurchaseCursor};
use scrip_pricing::Credits;
use serde::Serialize;

use crate::page::Query;

#[derive(Serialize)]
struct PageBody<'a> {
    purchases: Vec<PurchaseBody<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct PurchaseBody<'a> {
    purchase_id: &'a PurchaseId,
    lines: Vec<LineBody<'a>>,
    amount: u64,
    currency: &'a Currency,
    paid_at: DateTime<Utc>,
    status: PurchaseStatus,
    credits_revoked: Credits,
    credits_spent: Credits,
    refundable_until: DateTime<Utc>,
}

#[derive(Serialize)]
struct LineBody<'a> {
    sku: &'a Sku,
    quantity: u64,
    credits: Credits,
}

impl<'a> From<&'a Purchase> for PurchaseBody<'a> {
    fn from(purchase: &'a Purchase) -> Self {
        let line =
            |line: &'a Line| LineBody { sku: &line.sku, quantity: line.quantity, credits: line.credits };
        Self {
            purchase_id: &purchase.id,
            lines: purchase.lines.iter().map(line).collect(),
            amount: purchase.amount,
            currency: &purchase.currency,
            paid_at: purchase.paid_at,
            status: purchase.status(),
            credits_revoked: purchase.revoked,
            credits_spent: purchase.spent,
            refundable_until: purchase.refundable_until(),
        }
    }
}

/// Lists a page of an account's purchases.
pub(crate) async fn list(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account = request.authorized_account(Scope::Read)?;
    let query = Query::read(request.query(), PurchaseCursor::parse)?;
    let (purchases, next) = ledger.purchases(&account, query.cursor, query.limit).await?;
    let body = PageBody {
        purchases: purchases.iter().map(PurchaseBody::from).collect(),
        next_cursor: next.as_ref().map(PurchaseCursor::as_text),
    };
    ApiResponse::json(StatusCode::OK, &body)
}
