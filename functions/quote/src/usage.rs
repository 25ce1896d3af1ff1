//! `GET /v1/accounts/{account_id}/usage`: credits spent and given back, and jobs, by day or operation.

use std::fmt::Write;

use chrono::{Days as Count, NaiveDate};
use lambda_http::http::{StatusCode, header};
use scrip_accounts::{
    AccountId, Days, InvalidDays, Spending, SpendingGroup, SpendingGrouping, SpendingTotals,
};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::{EARLIER_DEBITS_MAX, Ledger, SPENDING_ENTRIES_MAX, SpendingLimit};
use scrip_pricing::Credits;
use serde::Serialize;

/// How many days the report covers if the query has no `from`; `to` is the last of them.
const DAYS_DEFAULT: u64 = 30;

/// The columns of CSV after the first.
const COLUMNS: &str = "spent_playground,spent_tune,spent_tune_image,\
                       returned_playground,returned_tune,returned_tune_image,jobs";

#[derive(Serialize)]
struct UsageBody {
    account_id: AccountId,
    from: NaiveDate,
    to: NaiveDate,
    by: SpendingGrouping,
    rows: Vec<RowBody>,
    total: SpendingTotals,
}

#[derive(Serialize)]
struct RowBody {
    /// The day or the operation.
    #[serde(flatten)]
    of: SpendingGroup,
    #[serde(flatten)]
    spent: SpendingTotals,
}

/// Reports the credits that an account spent and got back.
pub(crate) async fn report(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account_id = request.authorized_account(Scope::Read)?;
    let Query { days, by } = Query::read(request.query(), request.now().date_naive())?;
    let spending = ledger.spending(&account_id, days, by).await?.map_err(too_many)?;
    if wants_csv(request.header(&header::ACCEPT).unwrap_or_default()) {
        return Ok(ApiResponse::csv(StatusCode::OK, csv(by, &spending)));
    }
    let total = spending.total().map_err(|limit| Problem::internal(limit.to_string()))?;
    let rows = spending.rows().map(|(of, spent)| RowBody { of, spent }).collect();
    let body = UsageBody { account_id, from: days.first(), to: days.last(), by, rows, total };
    ApiResponse::json(StatusCode::OK, &body)
}

/// The query of a report.
#[derive(Debug, PartialEq)]
struct Query {
    days: Days,
    by: SpendingGrouping,
}

impl Query {
    /// Reads a query: `from`, `to` and `by`, each at most once. Without `to` the report ends today. Without `from` it covers
    /// [`DAYS_DEFAULT`] days.
    ///
    /// # Errors
    /// `invalid_request` for anything else.
    fn read<'a>(
        parameters: impl Iterator<Item = (&'a str, &'a str)>,
        today: NaiveDate,
    ) -> Result<Self, Problem> {
        let (mut from, mut to, mut by) = (None, None, None);
        for (name, value) in parameters {
            let is_repeated = match name {
                "from" => from.replace(day(name, value)?).is_some(),
                "to" => to.replace(day(name, value)?).is_some(),
                "by" => by.replace(spending_by(value)?).is_some(),
                _ => return Err(Problem::invalid("The query takes only from, to and by.")),
            };
            if is_repeated {
                return Err(Problem::invalid(format!("Send {name} once.")));
            }
        }
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| {
            let from = to.checked_sub_days(Count::new(DAYS_DEFAULT - 1));
            // A query can't name a day before the year 0.
            from.max(NaiveDate::from_ymd_opt(0, 1, 1)).unwrap_or(to)
        });
        let days = Days::new(from, to).map_err(|invalid| match invalid {
            InvalidDays::Backwards => {
                Problem::invalid("from must not be after to. Without to, the last day is today, UTC.")
            }
            InvalidDays::TooMany => Problem::invalid(format!(
                "Ask for at most {} days, from and to among them. Without to, the last day is today, UTC.",
                Days::COUNT_MAX
            )),
        })?;
        Ok(Self { days, by: by.unwrap_or(SpendingGrouping::Day) })
    }
}

/// Parses a day of the form `YYYY-MM-DD`, and no other.
fn day(name: &str, text: &str) -> Result<NaiveDate, Problem> {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.splitn(3, '-');
    let mut number = |count| parts.next().filter(|part| digits(part, count))?.parse::<u32>().ok();
    let mut day = || NaiveDate::from_ymd_opt(number(4)?.try_into().ok()?, number(2)?, number(2)?);
    day().ok_or_else(|| {
        Problem::invalid(format!("{name} must be a day as YYYY-MM-DD, for example 2026-11-22."))
    })
}

fn spending_by(text: &str) -> Result<SpendingGrouping, Problem> {
    match text {
        "day" => Ok(SpendingGrouping::Day),
        "operation" => Ok(SpendingGrouping::Operation),
        _ => Err(Problem::invalid("by must be day or operation.")),
    }
}

fn too_many(of: SpendingLimit) -> Problem {
    Problem::invalid(match of {
        SpendingLimit::Entries => format!(
            "At most {SPENDING_ENTRIES_MAX} entries are added up at once, and these days have more. Ask for fewer days."
        ),
        SpendingLimit::EarlierDebits => format!(
            "What came back on these days is of more than {EARLIER_DEBITS_MAX} debits before them. Ask for the days of these \
             debits too, or by day."
        ),
    })
}

/// Whether an `Accept` header asks for CSV: whether it names `text/csv` before `application/json`. Any other header asks for
/// JSON, also `*/*`. Weights are ignored.
fn wants_csv(accept: &str) -> bool {
    let named = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    let is = |named: &str, media: &str| named.eq_ignore_ascii_case(media);
    let first = named.into_iter().find(|named| is(named, "text/csv") || is(named, "application/json"));
    first.is_some_and(|first| is(first, "text/csv"))
}

/// The rows in the form of RFC 4180, with a header. Nothing needs quotes: days, names in `snake_case` and whole numbers have
/// no comma, quote or line break, and don't begin like a formula of a spreadsheet.
fn csv(by: SpendingGrouping, spending: &Spending) -> String {
    let of = match by {
        SpendingGrouping::Day => "day",
        SpendingGrouping::Operation => "operation",
    };
    let mut lines = format!("{of},{COLUMNS}\r\n");
    for (of, SpendingTotals { spent, returned, jobs }) in spending.rows() {
        let of = match of {
            SpendingGroup::Day(day) => day.to_string(),
            SpendingGroup::Operation(name) => name.to_owned(),
        };
        let credits = |of: Credits| format!("{},{},{}", of.playground(), of.tune(), of.tune_image());
        // Writing to a `String` can't fail.
        let _ = write!(lines, "{of},{},{},{jobs}\r\n", credits(spent), credits(returned));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_query_has_two_days_and_a_grouping_each_at_most_once() {
        use SpendingGrouping::{Day, Operation};
        for (parameters, expected) in [
            (&[][..], Some(("2026-10-24", "2026-11-22", Day))),
            (&[("to", "2026-11-30")], Some(("2026-11-01", "2026-11-30", Day))),
            (&[("from", "2026-11-22")], Some(("2026-11-22", "2026-11-22", Day))),
            (&[("from", "2026-08-23")], Some(("2026-08-23", "2026-11-22", Day))),
            (&[("from", "2026-11-01"), ("to", "2026-11-01")], Some(("2026-11-01", "2026-11-01", Day))),
            (&[("by", "operation")], Some(("2026-10-24", "2026-11-22", Operation))),
            (&[("by", "day"), ("to", "2024-02-29")], Some(("2024-01-31", "2024-02-29", Day))),
            (&[("to", "0000-01-05")], Some(("0000-01-01", "0000-01-05", Day))),
            (&[("to", "9999-12-31")], Some(("9999-12-02", "9999-12-31", Day))),
            // 93 days.
            (&[("from", "2026-08-22")], None),
            (&[("from", "2026-08-30"), ("to", "2026-11-30")], None),
            (&[("from", "2026-11-23")], None),
            (&[("from", "2026-11-02"), ("to", "2026-11-01")], None),
            (&[("to", "2026-02-29")], None),
            (&[("to", "2026-13-01")], None),
            (&[("to", "2026-11-31")], None),
            (&[("to", "2026-11-1")], None),
            (&[("to", "26-11-01")], None),
            (&[("to", "+2026-11-1")], None),
            (&[("to", "-026-11-01")], None),
            (&[("to", " 026-11-01")], None),
            (&[("to", "2026-11--1")], None),
            (&[("to", "20261-1-01")], None),
            (&[("to", "2026-11-01T00:00:00Z")], None),
            (&[("to", "today")], None),
            (&[("to", "")], None),
            (&[("from", "1795341600")], None),
            (&[("by", "")], None),
            (&[("by", "Day")], None),
            (&[("by", "week")], None),
            (&[("by", "day"), ("by", "day")], None),
            (&[("to", "2026-11-01"), ("to", "2026-11-01")], None),
            (&[("from", "2026-11-01"), ("from", "2026-11-01")], None),
            (&[("limit", "20")], None),
        ] {
            let read = Query::read(parameters.iter().copied(), date("2026-11-22")).ok();
            let expected =
                expected.map(|(from, to, by)| Query { days: Days::new(date(from), date(to)).unwrap(), by });
            assert_eq!(read, expected, "{parameters:?}");
        }
    }

    #[test]
    fn the_problem_of_a_limit_names_a_smaller_query() {
        for (of, detail) in [
            (
                SpendingLimit::Entries,
                "At most 50000 entries are added up at once, and these days have more. Ask for fewer days.",
            ),
            (
                SpendingLimit::EarlierDebits,
                "What came back on these days is of more than 250 debits before them. Ask for the days of these \
                 debits too, or by day.",
            ),
        ] {
            let body = too_many(of).body();
            assert_eq!((&body["code"], &body["detail"]), (&"invalid_request".into(), &detail.into()));
        }
    }

    #[test]
    fn an_accept_that_names_csv_first_asks_for_csv() {
        for (accept, is_csv) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/csv", false),
            ("text/plain, */*", false),
            ("text/*", false),
            ("text/csvx", false),
            ("text/csv", true),
            ("Text/CSV", true),
            ("text/csv; charset=utf-8; header=present", true),
            ("text/csv;q=0.9, */*;q=0.1", true),
            ("text/html, text/csv,application/json", true),
            (",, text/csv ,", true),
        ] {
            assert_eq!(wants_csv(accept), is_csv, "{accept:?}");
        }
    }

    #[test]
    fn csv_has_a_header_and_a_line_for_each_row() {
        for (by, of) in [(SpendingGrouping::Day, "day"), (SpendingGrouping::Operation, "operation")] {
            assert_eq!(csv(by, &Spending::new(by)), format!("{of},{COLUMNS}\r\n"));
        }
    }
}
