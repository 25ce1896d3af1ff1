//! Ids in the paths of requests and of `Location` headers.
//!
//! **Requests.** API Gateway decodes path parameters before it passes them on (developer guide, "Create routes for HTTP
//! APIs"). A recorded event of payload 2.0 shows `rawPath` and `requestContext.http.path` decoded once, and
//! `rawQueryString` not decoded. It has no `pathParameters`, so for these the guide is the only source until a deployment
//! shows it. `lambda_http` passes `pathParameters` on unchanged. So a value is decoded when it gets here, and is not
//! decoded again: `%257C` in a URL is the text `%7C`, not `|`. No id contains `%`, so a value with `%` was malformed or
//! encoded twice, and is refused.
//!
//! **`Location`.** Characters that RFC 3986 doesn't allow in a segment are encoded. Of the characters of ids that is only
//! `|`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Problem;

/// Everything but RFC 3986's `pchar`.
const NOT_IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Joins segments to a path, and percent-encodes those characters that must be: `/a/b%7Cc`.
#[must_use]
pub fn path(segments: &[&str]) -> String {
    let encoded = segments.iter().flat_map(|segment| ["/"].into_iter().chain(encode(segment)));
    encoded.collect()
}

fn encode(segment: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(segment, NOT_IN_A_SEGMENT)
}

/// Checks that a value has no percent-encoding left.
///
/// # Errors
/// `invalid_request` for an escape that was malformed or encoded twice.
pub(crate) fn check_decoded(name: &str, value: &str) -> Result<(), Problem> {
    if value.contains('%') {
        let detail = format!("Percent-encode {name} once, each byte as % and two hexadecimal digits.");
        return Err(Problem::invalid(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_encodes_only_what_rfc_3986_forbids() {
        for (segment, encoded) in [
            ("alice", "/alice"),
            ("auth0|5f7c", "/auth0%7C5f7c"),
            ("user@example.com", "/user@example.com"),
            ("a.b_c~d:e@f+g=h-i", "/a.b_c~d:e@f+g=h-i"),
            // No id has these characters, but any text must stay one segment.
            ("a/b?c#d%", "/a%2Fb%3Fc%23d%25"),
        ] {
            assert_eq!(path(&[segment]), encoded);
        }
        assert_eq!(path(&["v1", "accounts", "a|b", "debits", "job:42"]), "/v1/accounts/a%7Cb/debits/job:42");
    }

    #[test]
    fn a_value_that_is_still_encoded_is_refused() {
        for (value, is_decoded) in
            [("auth0|5f7c", true), ("", true), ("auth0%7C5f7c", false), ("a%zz", false), ("%", false)]
        {
            assert_eq!(check_decoded("account_id", value).is_ok(), is_decoded, "{value}");
        }
    }
}
