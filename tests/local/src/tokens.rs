//! The local issuer of JWTs, and the checks a JWT authorizer of API Gateway makes.
//!
//! Invariant: the key is made at start and never leaves the process, so a token of one stack is worth
//! nothing to another. Tokens are always checked against the real time, whatever `Local-Time` says.
//! (API Gateway itself accepts RSA signatures only; ES256 is used here because `ring` can make such a
//! key, and nothing behind the gateway ever sees the signature.)

use crate::{clock, es256, template::Authorizer};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Map, Value, json};
use std::fmt;

/// The value of the template's parameter for the issuer of tokens.
pub const ISSUER: &str = "https://login.scrip.localhost/";
/// The value of the template's parameter for the audience of tokens.
pub const AUDIENCE: &str = "scrip-local";

const KEY_ID: &str = "local";

/// Issues tokens and checks them.
pub struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    authorizer: Authorizer,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tokens").field("authorizer", &self.authorizer).finish_non_exhaustive()
    }
}

/// The reason for which a token was refused, as text for the `WWW-Authenticate` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenError(pub &'static str);

impl Tokens {
    /// Makes a key for the tokens `authorizer` accepts.
    ///
    /// # Panics
    /// When the system has no randomness to make a key of.
    #[must_use]
    pub fn new(authorizer: Authorizer) -> Self {
        // It may be there already, of another stack in this process.
        let _ = es256::PROVIDER.install_default();
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("randomness for a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("the key just made");
        Self {
            signing: EncodingKey::from_ec_der(document.as_ref()),
            checking: DecodingKey::from_ec_der(pair.public_key().as_ref()),
            authorizer,
        }
    }

    /// A token for `subject` that holds `scopes` and expires `lifetime` from now; a lifetime below zero
    /// makes a token that has expired already.
    #[must_use]
    pub fn issue(&self, subject: &str, scopes: &[&str], lifetime: TimeDelta) -> String {
        let now = clock::now();
        self.sign(&json!({
            "iss": self.authorizer.issuer,
            "aud": self.authorizer.audience.first(),
            "sub": subject,
            "scope": scopes.join(" "),
            "iat": now.timestamp(),
            "exp": (now + lifetime).timestamp(),
        }))
    }

    /// A token with exactly these claims, for testing what the gateway makes of odd ones.
    ///
    /// # Panics
    /// Never: the key was made by [`Tokens::new`].
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.signing).expect("a fresh key signs")
    }

    /// The claims of a token that API Gateway would let pass: signature, `iss`, `aud` (else
    /// `client_id`), `exp`, `nbf`, `iat`.
    ///
    /// # Errors
    /// Says the first check that failed.
    pub fn check(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        // `aud` is checked below: API Gateway takes `client_id` if there is none.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.set_issuer(&[&self.authorizer.issuer]);
        let claims = decode::<Map<String, Value>>(token, &self.checking, &validation)
            .map_err(|error| TokenError(reason(&error)))?
            .claims;
        if !self.is_for_us(&claims) {
            return Err(TokenError("the token does not have a valid audience"));
        }
        if claims.get("iat").and_then(Value::as_i64).is_some_and(|issued| issued > clock::now().timestamp()) {
            return Err(TokenError("the token was issued in the future"));
        }
        Ok(claims)
    }

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let ours = |value: &Value| {
            value.as_str().is_some_and(|one| self.authorizer.audience.iter().any(|a| a == one))
        };
        match claims.get("aud").or_else(|| claims.get("client_id")) {
            Some(Value::Array(several)) => several.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        }
    }
}

/// The scopes a token holds: those of `scope` and of `scp`, each a string of words or a list. AWS's document of the
/// JWT authorizer says that it reads "`scope` or `scp`" and not what it does with both; so both count here, and the
/// functions decide.
#[must_use]
pub fn scopes_of(claims: &Map<String, Value>) -> Vec<String> {
    let scopes = |claim: &Value| -> Vec<String> {
        match claim {
            Value::String(words) => words.split_ascii_whitespace().map(str::to_owned).collect(),
            Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    ["scope", "scp"].into_iter().filter_map(|name| claims.get(name)).flat_map(scopes).collect()
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidIssuer => "the token has another issuer",
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => "the token's signature is invalid",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks exp or iss",
        _ => "the token is malformed",
    }
}
