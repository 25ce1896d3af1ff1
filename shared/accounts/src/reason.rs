//! A caller's reason for a request.

use serde::{Deserialize, Serialize};

/// The longest reason, in characters.
const REASON_LENGTH_MAX: usize = 200;

/// A reason as the caller wrote it: at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

impl Reason {
    /// The reason as text.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Reason;
    ///
    /// let reason = Reason::try_from("goodwill".to_owned())?;
    /// assert_eq!(reason.as_str(), "goodwill");
    /// assert!(Reason::try_from("x".repeat(201)).is_err());
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() > REASON_LENGTH_MAX {
            return Err("a reason must be at most 200 characters");
        }
        Ok(Self(text))
    }
}
