//! `GET /v1/catalog`: plans, packs and rates, cacheable.

use std::sync::LazyLock;

use lambda_http::http::{StatusCode, header};
use runtime::{Answer, Call, Problem};

/// Clients and caches ask again after this long; the entity tag makes that cheap.
const CACHE_CONTROL: &str = "public, max-age=300";

/// The catalog's entity tag. It is the fingerprint of the answer, so whatever changes the answer changes
/// the tag.
static ENTITY_TAG: LazyLock<Option<String>> = LazyLock::new(|| {
    let hash = ledger::RequestHash::of(&pricing::CATALOG).ok()?;
    Some(format!("\"{}\"", hash.as_str()))
});

/// Shows the catalog, or says that the caller's copy is still right.
pub(crate) fn show(call: &Call) -> Result<Answer, Problem> {
    let tag = ENTITY_TAG.as_deref().ok_or_else(|| Problem::internal("the catalog has no entity tag"))?;
    let answer = if call.header(&header::IF_NONE_MATCH).is_some_and(|known| matches(known, tag)) {
        Answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        Answer::json(StatusCode::OK, &pricing::CATALOG)?
    };
    Ok(answer.header(header::ETAG, tag).header(header::CACHE_CONTROL, CACHE_CONTROL))
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
