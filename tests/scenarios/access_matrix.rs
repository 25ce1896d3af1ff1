//! Every route with every kind of token (docs/api.md, Routes), through the gateway, as one table.

use chrono::TimeDelta;
use reqwest::{Client, Method};
use scrip_local::{clock, tokens::AUDIENCE};
use serde_json::{Value, json};

use crate::api::{Api, send};

/// The result of a call.
#[derive(Debug, Clone, Copy)]
enum AccessResult {
    /// The answer of an allowed call.
    In,
    /// 401, by the gateway.
    Unknown,
    /// 403, by the gateway or the function.
    Forbidden,
}
use AccessResult::{Forbidden, In, Unknown};

/// A caller's token: the subject's name, the scopes, and what is wrong with it.
#[derive(Debug, Clone, Copy)]
enum Token {
    None,
    Garbage,
    Of(&'static str, &'static [&'static str]),
    /// With claims that are other than they should be.
    #[expect(dead_code, reason = "the name is shown where a row fails")]
    But(&'static str, fn() -> Value),
    /// Its last signature character is another.
    Forged,
    /// Without a signature.
    Unsigned,
}

const ALL: &[&str] = &[
    "credits:read",
    "credits:debit",
    "credits:settle",
    "credits:refund",
    "credits:adjust",
    "credits:any-account",
];
const READ: &[&str] = &["credits:read"];
const DEBIT: &[&str] = &["credits:debit"];
const SETTLE: &[&str] = &["credits:settle"];
const REFUND: &[&str] = &["credits:refund"];
const ADJUST: &[&str] = &["credits:adjust"];
const ANY: &[&str] = &["credits:any-account"];
const ANY_READ: &[&str] = &["credits:read", "credits:any-account"];
const ANY_DEBIT: &[&str] = &["credits:any-account", "credits:debit"];
const ANY_SETTLE: &[&str] = &["credits:settle", "credits:any-account"];
const USER: &[&str] = &["credits:read", "credits:debit"];
/// A product's backend that has a token for one account.
const OWN: &[&str] = &["credits:read", "credits:debit", "credits:settle"];

/// Each token, and the result on routes for which `credits:read`, `credits:debit`, `credits:settle`, `credits:refund`,
/// `credits:adjust` is needed.
const TOKENS: [(Token, [AccessResult; 5]); 39] = [
    (Token::None, [Unknown, Unknown, Unknown, Unknown, Unknown]),
    (Token::Garbage, [Unknown, Unknown, Unknown, Unknown, Unknown]),
    (Token::Forged, [Unknown, Unknown, Unknown, Unknown, Unknown]),
    (Token::Unsigned, [Unknown, Unknown, Unknown, Unknown, Unknown]),
    // One's own account.
    (Token::Of("own", READ), [In, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("own", DEBIT), [Forbidden, In, Forbidden, Forbidden, Forbidden]),
    (Token::Of("own", USER), [In, In, Forbidden, Forbidden, Forbidden]),
    (Token::Of("own", SETTLE), [Forbidden, Forbidden, In, Forbidden, Forbidden]),
    (Token::Of("own", OWN), [In, In, In, Forbidden, Forbidden]),
    (Token::Of("own", REFUND), [Forbidden, Forbidden, Forbidden, In, Forbidden]),
    (Token::Of("own", ADJUST), [Forbidden, Forbidden, Forbidden, Forbidden, In]),
    (Token::Of("own", ANY), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("own", &[]), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("own", &["openid", "credits"]), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    // Another's.
    (Token::Of("other", READ), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("other", USER), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("other", OWN), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("other", REFUND), [Forbidden, Forbidden, Forbidden, In, Forbidden]),
    (Token::Of("other", ADJUST), [Forbidden, Forbidden, Forbidden, Forbidden, In]),
    (Token::Of("", USER), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    // Any, with the scope of the action and without.
    (Token::Of("backend", ANY_READ), [In, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("backend", ANY_DEBIT), [Forbidden, In, Forbidden, Forbidden, Forbidden]),
    (Token::Of("backend", ANY_SETTLE), [Forbidden, Forbidden, In, Forbidden, Forbidden]),
    (Token::Of("backend", ANY), [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden]),
    (Token::Of("backend", ALL), [In, In, In, In, In]),
    // Claims that are other than they should be; each would do everything otherwise.
    (Token::But("nothing", || json!({})), [In, In, In, In, In]),
    (
        Token::But("expired", || json!({"exp": clock::now().timestamp() - 60})),
        [Unknown, Unknown, Unknown, Unknown, Unknown],
    ),
    (Token::But("without an end", || json!({"exp": null})), [Unknown, Unknown, Unknown, Unknown, Unknown]),
    (
        Token::But("not begun", || json!({"nbf": clock::now().timestamp() + 600})),
        [Unknown, Unknown, Unknown, Unknown, Unknown],
    ),
    (
        Token::But("of the future", || json!({"iat": clock::now().timestamp() + 600})),
        [Unknown, Unknown, Unknown, Unknown, Unknown],
    ),
    (
        Token::But("other audience", || json!({"aud": "another"})),
        [Unknown, Unknown, Unknown, Unknown, Unknown],
    ),
    (Token::But("no audience", || json!({"aud": null})), [Unknown, Unknown, Unknown, Unknown, Unknown]),
    (Token::But("audience among others", || json!({"aud": ["another", AUDIENCE]})), [In, In, In, In, In]),
    (
        Token::But("other issuer", || json!({"iss": "https://elsewhere.example/"})),
        [Unknown, Unknown, Unknown, Unknown, Unknown],
    ),
    (
        Token::But("no scope", || json!({"scope": ""})),
        [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden],
    ),
    // The entry records the adjusting caller.
    (Token::But("no subject but any account", || json!({"sub": null})), [In, In, In, In, Forbidden]),
    (Token::But("scopes in scp, as a list", || json!({"scope": null, "scp": ALL})), [In, In, In, In, In]),
    (
        Token::But(
            "scopes in scp beside others in scope",
            || json!({"scope": "openid", "scp": ALL.join(" ")}),
        ),
        [In, In, In, In, In],
    ),
    (
        Token::But(
            "scopes of another resource server",
            || json!({"scope": "scrip/credits:read scrip/credits:debit"}),
        ),
        [Forbidden, Forbidden, Forbidden, Forbidden, Forbidden],
    ),
];

/// A route: the method, the path, the body, which scope it asks for (of the five, in order), and what it
/// answers who is let in.
type Route = (Method, String, Value, usize, (u16, &'static str));

/// The routes of an account. None of them changes it: the work is free, nothing was debited or bought.
fn account_routes(account: &str) -> Vec<Route> {
    let path = |rest: &str| format!("/v1/accounts/{account}{rest}");
    let free = json!({"operation": "download"});
    vec![
        (Method::GET, path(""), Value::Null, 0, (200, "")),
        (Method::GET, path("/entries"), Value::Null, 0, (200, "")),
        (Method::GET, path("/usage"), Value::Null, 0, (200, "")),
        (Method::POST, path("/quotes"), free.clone(), 0, (200, "")),
        (Method::GET, path("/purchases"), Value::Null, 0, (200, "")),
        (Method::GET, path("/debits/d"), Value::Null, 0, (404, "debit_not_found")),
        (Method::GET, path("/holds/h"), Value::Null, 0, (404, "hold_not_found")),
        (Method::POST, path("/debits"), free.clone(), 1, (201, "")),
        // Free work can't be held.
        (Method::POST, path("/holds"), free, 1, (422, "unsupported_operation")),
        (Method::POST, path("/debits/d/reversals"), json!({}), 2, (404, "debit_not_found")),
        (Method::POST, path("/holds/h/capture"), json!({}), 2, (404, "hold_not_found")),
        (Method::POST, path("/holds/h/release"), json!({}), 2, (404, "hold_not_found")),
        (
            Method::POST,
            path("/purchases/p/refund"),
            json!({"reason": "asked"}),
            3,
            (404, "purchase_not_found"),
        ),
        // It adjusts nothing.
        (Method::POST, path("/adjustments"), json!({}), 4, (400, "invalid_request")),
    ]
}

/// The public routes, which no token opens or shuts.
fn public_routes() -> Vec<Route> {
    vec![
        (Method::GET, "/v1/catalog".to_owned(), Value::Null, 0, (200, "")),
        (Method::POST, "/v1/quotes".to_owned(), json!({"operation": "download"}), 0, (200, "")),
        (Method::POST, "/v1/webhooks/stripe".to_owned(), json!({}), 0, (400, "invalid_signature")),
    ]
}

impl Token {
    fn text(self, api: &Api) -> Option<String> {
        let tokens = api.stack.tokens();
        let subject = |name: &str| match name {
            "own" => api.account.clone(),
            "other" => format!("{}-other", api.account),
            name => name.to_owned(),
        };
        let issued = |name, scopes| tokens.issue(&subject(name), scopes, TimeDelta::hours(1));
        match self {
            Self::None => None,
            Self::Garbage => Some("not.a.token".to_owned()),
            Self::Of(name, scopes) => Some(issued(name, scopes)),
            Self::But(_, other) => {
                let now = clock::now().timestamp();
                let mut claims = json!({
                    "iss": scrip_local::tokens::ISSUER, "aud": AUDIENCE, "sub": "caller", "scope": ALL.join(" "),
                    "iat": now, "exp": now + 3600,
                });
                let claims_map = claims.as_object_mut().unwrap();
                claims_map.extend(other().as_object().unwrap().clone());
                claims_map.retain(|_, claim| !claim.is_null());
                Some(tokens.sign(&claims))
            }
            Self::Forged => {
                let token = issued("own", ALL);
                let (signed, signature) = token.rsplit_once('.').unwrap();
                let swapped = if signature.starts_with('A') { "B" } else { "A" };
                Some(format!("{signed}.{swapped}{}", &signature[1..]))
            }
            Self::Unsigned => {
                let token = issued("own", ALL);
                let claims = token.split('.').nth(1).unwrap();
                // {"alg":"none"}
                Some(format!("eyJhbGciOiJub25lIn0.{claims}."))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_every_token() {
    let api = Api::with_playground(10).await;
    let before = api.statement().await;
    let never_seen = Api::new();
    let http = Client::new();
    let mut calls = 0;
    for (token, comes) in TOKENS {
        // Whether the account was ever seen makes no difference.
        for api in [&api, &never_seen] {
            let routes = account_routes(&api.account).into_iter().map(|route| (comes[route.3], route));
            let public = public_routes().into_iter().map(|route| (In, route));
            for (comes, (method, path, body, _, inside)) in routes.chain(public) {
                let mut request = http.request(method.clone(), format!("{}{path}", api.stack.base_url()));
                request = request.header("idempotency-key", "k");
                if let Some(token) = token.text(api) {
                    request = request.bearer_auth(token);
                }
                let reply = send(if body.is_null() { request } else { request.json(&body) }).await;
                let (status, code) = match comes {
                    In => inside,
                    Unknown => (401, ""),
                    Forbidden => (403, ""),
                };
                assert_eq!(reply.status, status, "{token:?} {method} {path}: {}", reply.text);
                if !code.is_empty() {
                    reply.is_problem(status, code);
                }
                calls += 1;
            }
        }
    }
    assert_eq!(calls, TOKENS.len() * 2 * api.stack.routes().len());
    assert_eq!(api.statement().await, before);
}
