//! `GET /v1/accounts/{account_id}/entries`: the ledger, newest first, a page at a time.
//!
//! A cursor is a sequence. Because sequences have no gaps and entries never change, pages neither skip nor repeat an entry,
//! even if others are appended meanwhile.

use chrono::{DateTime, Utc};
use lambda_http::http::StatusCode;
use scrip_accounts::{Change, Entry, Event, Sequence};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::Ledger;
use scrip_pricing::{Credits, Kind};
use serde::Serialize;

use crate::page::{Query, number};

/// The highest sequence: keys of the table have twelve digits for it.
const CURSOR_MAX: u64 = 999_999_999_999;

#[derive(Serialize)]
struct PageBody<'a> {
    entries: Vec<EntryBody<'a>>,
    next_cursor: Option<String>,
}

/// An entry on the wire, in lists and in events.
#[derive(Serialize)]
pub(crate) struct EntryBody<'a> {
    sequence: Sequence,
    /// Its kind, and the fields that only this kind has.
    #[serde(flatten)]
    event: &'a Event,
    credits: Change,
    balance: Credits,
    at: DateTime<Utc>,
    reference: &'a str,
    /// The kinds of credits that fell to their low-balance mark or below it; left out if none did.
    #[serde(skip_serializing_if = "<[Kind]>::is_empty")]
    low: &'a [Kind],
}

impl<'a> From<&'a Entry> for EntryBody<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            sequence: entry.account.sequence,
            event: &entry.event,
            credits: entry.change,
            balance: entry.account.balance,
            at: entry.at,
            reference: &entry.reference,
            low: &entry.low,
        }
    }
}

/// Lists a page of an account's entries.
pub(crate) async fn list(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account = request.authorized_account(Scope::Read)?;
    let query = Query::read(request.query(), parse_cursor)?;
    let page = ledger.entries(&account, query.cursor, query.limit).await?;
    let body = PageBody {
        entries: page.entries.iter().map(EntryBody::from).collect(),
        next_cursor: page.next_below.map(|sequence| sequence.to_string()),
    };
    ApiResponse::json(StatusCode::OK, &body)
}

/// Parses a cursor: the sequence below which a page begins.
fn parse_cursor(text: &str) -> Option<Sequence> {
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
            let read = Query::read(parameters.iter().copied(), parse_cursor).ok();
            let query = query.map(|(cursor, limit)| Query { cursor: cursor.map(Sequence::new), limit });
            assert_eq!(read, query, "{parameters:?}");
        }
    }
}
