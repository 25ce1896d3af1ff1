//! The fingerprint of a request. It distinguishes a retry from another request under the same key.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;

/// The hex digits that an entry keeps. With 128 bits, two requests don't share them by chance.
const DIGITS: usize = 32;

/// The SHA-256 hash of a value's JSON, as 64 hex digits.
///
/// # Errors
/// [`Error::Internal`] if the value has no JSON form, which all of the ledger's values have.
///
/// # Examples
///
/// ```
/// let hash = scrip_ledger::fingerprint(&["job-1"])?;
/// assert_eq!(hash.len(), 64);
/// assert_ne!(hash, scrip_ledger::fingerprint(&["job-2"])?);
/// # Ok::<(), scrip_ledger::Error>(())
/// ```
pub fn fingerprint(value: &impl Serialize) -> Result<String, Error> {
    const DOING: &str = "make a fingerprint";
    let json = serde_json::to_vec(value).map_err(|source| Error::internal(DOING, source))?;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(&json) {
        write!(hex, "{byte:02x}").map_err(|source| Error::internal(DOING, source))?;
    }
    Ok(hex)
}

/// The fingerprint of a request in the form of its entry: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct RequestHash(String);

impl RequestHash {
    /// The hash of a parsed request. Two requests that differ only in white space, field order or spelled-out defaults
    /// have the same hash.
    ///
    /// # Errors
    /// Those of [`fingerprint`].
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::encoding::RequestHash;
    ///
    /// assert_eq!(RequestHash::of(&["job-1"])?, RequestHash::of(&vec!["job-1"])?);
    /// assert_ne!(RequestHash::of(&["job-1"])?, RequestHash::of(&["job-2"])?);
    /// # Ok::<(), scrip_ledger::Error>(())
    /// ```
    pub fn of(request: &impl Serialize) -> Result<Self, Error> {
        fingerprint(request).map(Self::from)
    }

    /// Whether it has all 32 digits.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.len() == DIGITS && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// Truncates the hash, because early rows have all 64 digits.
impl From<String> for RequestHash {
    fn from(mut hex: String) -> Self {
        hex.truncate(DIGITS);
        Self(hex)
    }
}
