//! Which requests a local stack takes from a browser: those of its own pages.
//!
//! Invariant: another site in the same browser must not spend, read tokens or move the clock: not by a request of its
//! own, which has its `Origin`, and not by a name of its own that leads to this machine, which is its `Host`. A program
//! on this machine, `curl` for one, sends no `Origin` and is let through.

use crate::response;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers 403 to a request of another site's page, before its route.
pub(crate) async fn for_own_pages(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        return next.run(request).await;
    }
    response::message(StatusCode::FORBIDDEN, "this is for the pages of the local stack").into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    let is_same = |origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| origin.strip_prefix("http://") == Some(host))
    };
    is_here && headers.get_all(header::ORIGIN).iter().all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_stack_may_ask_and_no_other_site() {
        let own = "127.0.0.1:3000";
        for (host, origin, is_allowed) in [
            (Some(own), None, true),
            (Some(own), Some("http://127.0.0.1:3000"), true),
            (Some("localhost:3000"), Some("http://localhost:3000"), true),
            (Some("[::1]:3000"), None, true),
            (Some(own), Some("http://127.0.0.1:4000"), false),
            (Some(own), Some("https://example.com"), false),
            (Some(own), Some("null"), false),
            (Some("example.com:3000"), Some("http://example.com:3000"), false),
            (Some("127.0.0.1.example.com"), None, false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
                headers.extend(value.map(|value| (name, value.parse().unwrap())));
            }
            assert_eq!(is_own(&headers), is_allowed, "{host:?} {origin:?}");
        }
        // An origin that is no text is not this stack's.
        let mut headers = HeaderMap::from_iter([(header::HOST, own.parse().unwrap())]);
        headers.insert(header::ORIGIN, HeaderValue::from_bytes(b"http://\xff").unwrap());
        assert!(!is_own(&headers));
    }
}
