//! `GET /v1/catalog`: plans, packs and rates, cacheable.

use lambda_http::http::{StatusCode, header};
use scrip_api::{ApiRequest, ApiResponse, Problem};

/// Caches ask again after five minutes, which the entity tag makes cheap.
const CACHE_CONTROL: &str = "public, max-age=300";

/// Shows the catalog, or answers 304 if the caller's copy is current.
pub(crate) fn show(request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let whole = ApiResponse::json(StatusCode::OK, &scrip_pricing::CATALOG)?;
    let tag = whole.entity_tag();
    let is_known = request.header(&header::IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
    let answer = if is_known { ApiResponse::empty(StatusCode::NOT_MODIFIED) } else { whole };
    Ok(answer.header(header::ETAG, &tag).header(header::CACHE_CONTROL, CACHE_CONTROL))
}

/// Whether an `If-None-Match` names the tag: any of a list, weak or strong, or `*` (RFC 9110, 13.1.2).
fn matches(known: &str, tag: &str) -> bool {
    let known = known.split(',').map(str::trim);
    known.map(|known| known.strip_prefix("W/").unwrap_or(known)).any(|known| known == "*" || known == tag)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_tag_is_matched_in_a_list_weak_or_strong() {
        for (known, matched) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(matches(known, "\"a\""), matched, "{known}");
        }
    }
}
