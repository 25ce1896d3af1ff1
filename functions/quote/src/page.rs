//! The query of a list: a limit and a cursor.

use scrip_api::Problem;

const LIMIT_DEFAULT: u8 = 20;
const LIMIT_MAX: u8 = 100;

/// A list's query.
#[derive(Debug, PartialEq)]
pub(crate) struct Query<Cursor> {
    /// The beginning of the page; `None` for the newest item.
    pub(crate) cursor: Option<Cursor>,
    /// How many items it has at most.
    pub(crate) limit: u8,
}

impl<Cursor> Query<Cursor> {
    /// Reads a query: a limit and a cursor, each at most once.
    ///
    /// # Errors
    /// `invalid_request` for anything else.
    pub(crate) fn read<'a>(
        parameters: impl Iterator<Item = (&'a str, &'a str)>,
        parse: impl Fn(&str) -> Option<Cursor>,
    ) -> Result<Self, Problem> {
        let (mut cursor, mut limit) = (None, None);
        let bad_cursor = || Problem::invalid("cursor must be a next_cursor as an earlier page gave it.");
        for (name, value) in parameters {
            let repeated = match name {
                "cursor" => cursor.replace(parse(value).ok_or_else(bad_cursor)?).is_some(),
                "limit" => limit.replace(page_limit(value)?).is_some(),
                _ => return Err(Problem::invalid("The query takes only limit and cursor.")),
            };
            if repeated {
                return Err(Problem::invalid(format!("Send {name} once.")));
            }
        }
        Ok(Self { cursor, limit: limit.unwrap_or(LIMIT_DEFAULT) })
    }
}

/// Parses a number in decimal digits, without a sign or leading zeros, so that each number has one form.
pub(crate) fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

fn page_limit(text: &str) -> Result<u8, Problem> {
    let limit = number(text).and_then(|limit| u8::try_from(limit).ok());
    let problem = || Problem::invalid(format!("limit must be 1 to {LIMIT_MAX}."));
    limit.filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(problem)
}
