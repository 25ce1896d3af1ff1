//! Pages of lists.
//!
//! Invariant: a page has one to a hundred objects, ten unless it is asked for otherwise, and keeps the list's order,
//! whichever way it is paged.

use crate::{call::Call, error::ApiError, shapes};
use serde_json::{Value, json};

/// How many objects a page has by default and at most.
const PAGE: usize = 10;
const PAGE_MAX: usize = 100;

/// The parameters that page a list.
pub const PAGING: [&str; 3] = ["limit", "starting_after", "ending_before"];

/// The page of a list of such objects that a call asks for.
pub fn page(call: &Call, object: &str, mut found: Vec<Value>) -> Result<Value, ApiError> {
    let limit = call.parameter("limit").map_or(Ok(PAGE), limit)?;
    let place = |cursor: &str, parameter: &'static str| {
        let at = found.iter().position(|known| known["id"] == json!(cursor));
        at.ok_or_else(|| ApiError::missing(object, cursor, parameter))
    };
    let has_more = match (call.parameter("starting_after"), call.parameter("ending_before")) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: ending_before, starting_after.";
            return Err(ApiError::invalid_parameter("starting_after", None, message));
        }
        (None, Some(before)) => {
            found.truncate(place(before, "ending_before")?);
            let has_more = found.len() > limit;
            found.drain(..found.len().saturating_sub(limit));
            has_more
        }
        (after, None) => {
            if let Some(after) = after {
                found.drain(..=place(after, "starting_after")?);
            }
            let has_more = found.len() > limit;
            found.truncate(limit);
            has_more
        }
    };
    Ok(shapes::list(found, &call.path, has_more))
}

fn limit(given: &str) -> Result<usize, ApiError> {
    let limit: i64 = given.parse().map_err(|_| ApiError::not_an_integer("limit", given))?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let message = match limit {
        0 => "This value must be greater than or equal to 1.".to_owned(),
        1..=PAGE_MAX => return Ok(limit),
        _ => format!("This value must be less than or equal to 100 (it currently is '{given}')."),
    };
    Err(ApiError::invalid_parameter("limit", Some("parameter_invalid_integer"), &message))
}
