//! Ids in paths, as they come in and as they go out.
//!
//! **In.** API Gateway decodes the parameters of a request before it hands them on (its developer guide: "Create
//! routes for HTTP APIs"). A recorded event of payload 2.0 shows `rawPath` and `requestContext.http.path` decoded once
//! and `rawQueryString` not; it had no `pathParameters`, so for those the guide is all that was found, and a
//! deployment is to show it. `lambda_http` makes a URL of `rawPath`, which nothing here reads, and hands
//! `pathParameters` on as they are. So a value is decoded when it gets here, and is not decoded again: `%257C` in a
//! URL is the text `%7C`, and no `|`. No id has `%` in it. One that is left in a value was malformed, or was
//! encoded twice; either way the value is no id.
//!
//! **Out.** A `Location` encodes what RFC 3986 doesn't allow in a segment: of the characters of ids only `|`.

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

/// The path of those segments, each percent-encoded as far as it must be: `/a/b%7Cc`.
#[must_use]
pub fn path(segments: &[&str]) -> String {
    let encoded = segments.iter().flat_map(|segment| ["/"].into_iter().chain(encode(segment)));
    encoded.collect()
}

fn encode(segment: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(segment, NOT_IN_A_SEGMENT)
}

/// Checks that nothing of a value is percent-encoded any more.
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
    fn a_segment_is_encoded_as_far_as_it_must_be() {
        for (segment, encoded) in [
            ("alice", "/alice"),
            ("auth0|5f7c", "/auth0%7C5f7c"),
            ("user@example.com", "/user@example.com"),
            ("a.b_c~d:e@f+g=h-i", "/a.b_c~d:e@f+g=h-i"),
            // No ids, but whatever comes stays one segment.
            ("a/b?c#d%", "/a%2Fb%3Fc%23d%25"),
        ] {
            assert_eq!(path(&[segment]), encoded);
        }
        assert_eq!(path(&["v1", "accounts", "a|b", "debits", "job:42"]), "/v1/accounts/a%7Cb/debits/job:42");
    }

    #[test]
    fn what_is_left_encoded_is_refused() {
        for (value, is_decoded) in
            [("auth0|5f7c", true), ("", true), ("auth0%7C5f7c", false), ("a%zz", false), ("%", false)]
        {
            assert_eq!(check_decoded("account_id", value).is_ok(), is_decoded, "{value}");
        }
    }
}
