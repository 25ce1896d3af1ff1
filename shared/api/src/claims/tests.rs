use super::*;

const ACCOUNT: &str = "auth0|5f7c8ec7c33c6c004bbafe82";

/// Whether a token with those claims may do an action on [`ACCOUNT`].
fn may(claims: &[(&str, &str)], action: Scope, format: &TokenFormat) -> bool {
    let claims = claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let caller = Caller::new(Some(&claims), format).unwrap();
    caller.check_scope(action).and_then(|()| caller.check_account(action, ACCOUNT)).is_ok()
}

fn format(account_claim: &str, scope_prefix: &str) -> TokenFormat {
    TokenFormat::from_variables(Some(account_claim.to_owned()), Some(scope_prefix.to_owned())).unwrap()
}

#[test]
fn only_the_scope_of_the_action_on_ones_own_account_or_any() {
    use Scope::{Debit, Read, Refund, Settle};
    const OWN: Option<&str> = Some(ACCOUNT);
    const OTHER: Option<&str> = Some("auth0|5f7c8ec7c33c6c004bbafe83");
    for (sub, scope, action, allowed) in [
        (OWN, Some("credits:read"), Read, true),
        (OWN, Some("openid credits:read credits:debit"), Read, true),
        (OWN, Some("credits:read"), Debit, false),
        (OWN, Some("credits:debit"), Debit, true),
        (OWN, Some("credits:debit"), Read, false),
        (OWN, Some("credits:debit"), Settle, false),
        (OWN, Some("credits:settle"), Settle, true),
        (OWN, Some("credits:settle"), Debit, false),
        (OWN, Some("credits:settle"), Refund, false),
        (OWN, Some("credits:any-account"), Read, false),
        (OWN, Some("credits:reads"), Read, false),
        (OWN, Some("CREDITS:READ"), Read, false),
        (OWN, Some("credits:read\tcredits:debit"), Read, false),
        (OWN, Some("credits:read,credits:debit"), Read, false),
        (OWN, Some(""), Read, false),
        (OWN, None, Read, false),
        (OTHER, Some("credits:read"), Read, false),
        (OTHER, Some("credits:settle"), Settle, false),
        (OTHER, Some("credits:read credits:any-account"), Read, true),
        (OTHER, Some("credits:settle credits:any-account"), Settle, true),
        (OTHER, Some("credits:debit credits:any-account"), Read, false),
        (OTHER, Some("credits:debit credits:any-account"), Settle, false),
        // The gateway decoded the path; the claim is compared as it is.
        (Some("auth0%7C5f7c8ec7c33c6c004bbafe82"), Some("credits:read"), Read, false),
        (Some("AUTH0|5f7c8ec7c33c6c004bbafe82"), Some("credits:read"), Read, false),
        (None, Some("credits:read"), Read, false),
        (Some(""), Some("credits:read"), Read, false),
        (None, Some("credits:read credits:any-account"), Read, true),
        (OTHER, Some("credits:refund"), Refund, true),
        (OWN, Some("credits:debit credits:any-account"), Refund, false),
        (OTHER, Some("credits:refund"), Debit, false),
    ] {
        let claims: Vec<_> =
            sub.map(|sub| ("sub", sub)).into_iter().chain(scope.map(|s| ("scope", s))).collect();
        assert_eq!(may(&claims, action, &TokenFormat::default()), allowed, "{claims:?} {action:?}");
    }
}

#[test]
fn scopes_are_read_from_either_claim_as_a_string_or_a_list() {
    for (claims, allowed) in [
        (&[("scp", "credits:read")][..], true),
        (&[("scp", "openid credits:read")], true),
        (&[("scp", "[openid credits:read]")], true),
        (&[("scope", "[credits:read]")], true),
        (&[("scope", "openid"), ("scp", "[credits:read]")], true),
        (&[("scope", "credits:read"), ("scp", "[openid]")], true),
        (&[("scope", "openid"), ("scp", "email")], false),
        (&[("scopes", "credits:read")], false),
        (&[("scp", "[]")], false),
        (&[("scp", "[")], false),
        (&[("scp", "]")], false),
        (&[("scp", "[credits:read")], false),
        (&[("scp", "[openid credits:read")], false),
        (&[("scp", "credits:read]")], false),
        (&[("scp", "credits:read openid]")], false),
        (&[("scp", "[[credits:read]]")], false),
        (&[("scp", "[\"credits:read\"]")], false),
        (&[("scp", "[credits:read,openid]")], false),
        // One claim that can't be read takes nothing from the other.
        (&[("scope", "[openid"), ("scp", "credits:read")], true),
    ] {
        let claims = [&[("sub", ACCOUNT)][..], claims].concat();
        assert_eq!(may(&claims, Scope::Read, &TokenFormat::default()), allowed, "{claims:?}");
    }
}

#[test]
fn a_prefix_belongs_to_each_scope() {
    for (prefix, scope, allowed) in [
        ("scrip/", "scrip/credits:read", true),
        ("scrip/", "[openid scrip/credits:read]", true),
        ("scrip/", "credits:read", false),
        ("scrip/", "other/credits:read", false),
        ("scrip/", "scrip/scrip/credits:read", false),
        ("scrip/", "scrip/credits:reads", false),
        ("", "scrip/credits:read", false),
        ("https://api.example.com/", "https://api.example.com/credits:read", true),
    ] {
        let claims = [("sub", ACCOUNT), ("scope", scope)];
        assert_eq!(may(&claims, Scope::Read, &format("sub", prefix)), allowed, "{prefix} {scope}");
    }
    let any = [("sub", "backend"), ("scope", "scrip/credits:read credits:any-account")];
    assert!(!may(&any, Scope::Read, &format("sub", "scrip/")));
    let any = [("sub", "backend"), ("scope", "scrip/credits:read scrip/credits:any-account")];
    assert!(may(&any, Scope::Read, &format("sub", "scrip/")));
}

#[test]
fn the_account_is_the_claim_of_that_name() {
    for (claim, claims, allowed) in [
        ("username", &[("username", ACCOUNT), ("sub", "f2a1")][..], true),
        ("username", &[("username", "f2a1"), ("sub", ACCOUNT)], false),
        ("username", &[("sub", ACCOUNT)], false),
        ("https://example.com/account", &[("https://example.com/account", ACCOUNT)], true),
        // A list is no account, even one of a single name.
        ("sub", &[("sub", "[auth0|5f7c8ec7c33c6c004bbafe82]")], false),
    ] {
        let claims = [&[("scope", "credits:read")][..], claims].concat();
        assert_eq!(may(&claims, Scope::Read, &format(claim, "")), allowed, "{claim} {claims:?}");
    }
}

#[test]
fn a_refusal_names_the_scope_as_the_issuer_does() {
    let (format, claims) = (format("sub", "scrip/"), HashMap::new());
    let caller = Caller::new(Some(&claims), &format).unwrap();
    let lacks = caller.check_scope(Scope::Settle).unwrap_err();
    assert_eq!(lacks.body()["detail"], "The token lacks the scope scrip/credits:settle.");
    let other = caller.check_account(Scope::Settle, ACCOUNT).unwrap_err();
    let detail = "The token is for another account. A backend needs the scope scrip/credits:any-account.";
    assert_eq!(other.body()["detail"], detail);
    let unknown = Caller::new(None, &format).unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
}

#[test]
fn malformed_variables_are_refused() {
    let read = |claim: Option<&str>, prefix: Option<&str>| {
        TokenFormat::from_variables(claim.map(str::to_owned), prefix.map(str::to_owned)).is_ok()
    };
    for (claim, prefix, is_read) in [
        (None, None, true),
        (Some("sub"), Some(""), true),
        (Some("custom:account_id"), Some("https://api.example.com/"), true),
        (Some(""), None, false),
        (Some("a b"), None, false),
        (Some("a\n"), None, false),
        (Some("\u{e4}"), None, false),
        (None, Some("scrip /"), false),
        (None, Some("[scrip"), false),
        (None, Some("scrip]"), false),
        (None, Some("scrip\\"), false),
        (None, Some("\""), false),
    ] {
        assert_eq!(read(claim, prefix), is_read, "{claim:?} {prefix:?}");
    }
}
