//! `GET /v1/accounts/{account_id}/entries`: the ledger, newest first, a page at a time.
//!
//! Sequences have no gaps and nothing is ever changed, so a cursor is a sequence: pages never skip or
//! repeat an entry, whatever is appended meanwhile.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{Change, DebitId, Entry, EntryKind, Event, Reason, Sequence};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::{Credits, Operation};
use serde::Serialize;

use crate::page::{Query, number};

/// The highest sequence that a ledger has: twelve digits, as its keys are written.
const CURSOR_MAX: u64 = 999_999_999_999;

#[derive(Serialize)]
struct PageBody<'a> {
    entries: Vec<EntryBody<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct EntryBody<'a> {
    sequence: Sequence,
    kind: EntryKind,
    credits: Change,
    balance: Credits,
    at: DateTime<Utc>,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred_images: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debit_id: Option<&'a DebitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<Credits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credits_spent: Option<Credits>,
}

impl<'a> From<&'a Entry> for EntryBody<'a> {
    fn from(entry: &'a Entry) -> Self {
        let mut body = Self {
            sequence: entry.account.sequence,
            kind: entry.event.kind(),
            credits: entry.change,
            balance: entry.account.balance,
            at: entry.at,
            reference: &entry.reference,
            operation: None,
            deferred_images: None,
            catalog_version: None,
            debit_id: None,
            offset: None,
            reason: None,
            credits_spent: None,
        };
        match &entry.event {
            Event::Purchase
            | Event::Refill
            | Event::Expiry
            | Event::Subscription
            | Event::RefundFailed
            | Event::DisputeWon => {}
            Event::Refund { spent } | Event::Dispute { spent } => body.credits_spent = Some(*spent),
            Event::Debit { operation, deferred_images, catalog_version } => {
                body.operation = Some(operation);
                body.deferred_images = Some(*deferred_images);
                body.catalog_version = Some(catalog_version);
            }
            Event::Reversal { debit_id, offset, reason } => {
                body.debit_id = Some(debit_id);
                body.offset = Some(*offset);
                body.reason = reason.as_ref();
            }
        }
        body
    }
}

/// Lists a page of an account's entries.
pub(crate) async fn list(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account = request.authorized_account(Scope::Read)?;
    let query = Query::read(request.query(), below)?;
    let page = ledger.entries(&account, query.cursor, query.limit).await?;
    let body = PageBody {
        entries: page.entries.iter().map(EntryBody::from).collect(),
        next_cursor: page.next_below.map(|sequence| sequence.to_string()),
    };
    ApiResponse::json(StatusCode::OK, &body)
}

/// The sequence below which a page begins.
fn below(text: &str) -> Option<Sequence> {
    number(text).filter(|sequence| (1..=CURSOR_MAX).contains(sequence)).map(Sequence::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_limit_and_a_cursor_each_at_most_once() {
        for (parameters, query) in [
            (&[][..], Some((None, 20))),
            (&[("limit", "1")], Some((None, 1))),
            (&[("limit", "100"), ("cursor", "42")], Some((Some(42), 100))),
            (&[("cursor", "1")], Some((Some(1), 20))),
            (&[("limit", "0")], None),
            (&[("limit", "101")], None),
            (&[("limit", "+5")], None),
            (&[("limit", "5.0")], None),
            (&[("limit", "")], None),
            (&[("limit", "05")], None),
            (&[("limit", "1"), ("limit", "2")], None),
            (&[("cursor", "999999999999")], Some((Some(999_999_999_999), 20))),
            (&[("cursor", "1000000000000")], None),
            (&[("cursor", "0")], None),
            (&[("cursor", "042")], None),
            (&[("cursor", "-1")], None),
            (&[("cursor", "x")], None),
            (&[("cursor", "99999999999999999999")], None),
            (&[("page", "2")], None),
        ] {
            let read = Query::read(parameters.iter().copied(), below).ok();
            let query = query.map(|(cursor, limit)| Query { cursor: cursor.map(Sequence::new), limit });
            assert_eq!(read, query, "{parameters:?}");
        }
    }
}
