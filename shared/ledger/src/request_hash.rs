//! A fingerprint of what a caller asked for: it tells a retry from another request under the same key.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;

/// How many hex digits an entry keeps: 128 bits, too many for two requests to share by chance.
const DIGITS: usize = 32;

/// SHA-256 of a value's JSON, as 64 hex digits.
///
/// # Errors
/// [`Error::Internal`] if the value has no JSON form, which each of ours has.
pub fn fingerprint(value: &impl Serialize) -> Result<String, Error> {
    const DOING: &str = "make a fingerprint";
    let json = serde_json::to_vec(value).map_err(|source| Error::internal(DOING, source))?;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(&json) {
        write!(hex, "{byte:02x}").map_err(|source| Error::internal(DOING, source))?;
    }
    Ok(hex)
}

/// The fingerprint of a request, as its entry keeps it: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct RequestHash(String);

impl RequestHash {
    /// The hash of a parsed request. Parsing first makes requests that differ in white space, field order or
    /// spelled-out defaults the same.
    ///
    /// # Errors
    /// As [`fingerprint`].
    pub fn of(request: &impl Serialize) -> Result<Self, Error> {
        fingerprint(request).map(Self::from)
    }

    /// Whether it has all its digits.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.len() == DIGITS && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// Early rows keep all 64 digits of a fingerprint.
impl From<String> for RequestHash {
    fn from(mut hex: String) -> Self {
        hex.truncate(DIGITS);
        Self(hex)
    }
}
