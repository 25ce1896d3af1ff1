//! Ids, each its own type, parsed once at the edge: `[A-Za-z0-9_-]{1,128}` (contract, section 1).
//!
//! The alphabet has no `#`, so ids can be joined by it into a key without ambiguity.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest id that is accepted, in characters.
const ID_LENGTH_MAX: usize = 128;

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters out of A-Z, a-z, 0-9, _ and -")]
pub struct InvalidId;

fn check(text: &str) -> Result<(), InvalidId> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    if text.is_empty() || text.len() > ID_LENGTH_MAX || !text.bytes().all(allowed) {
        return Err(InvalidId);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`InvalidId`] where the text isn't `[A-Za-z0-9_-]{1,128}`.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check(&text)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Whose credits: the product's own name for its user, the `sub` of the user's token.
    AccountId
);
id!(
    /// A debit: the idempotency key it was asked for with. Unique within its account.
    DebitId
);
id!(
    /// A reversal: the idempotency key it was asked for with. Unique within its account.
    ReversalId
);
id!(
    /// A purchase: the payment provider's id of what was paid. Unique within its account.
    PurchaseId
);

id!(
    /// A subscription: the payment provider's id of it.
    SubscriptionId
);
id!(
    /// A payment: the payment provider's id of the intent that moved the money.
    PaymentId
);
id!(
    /// A customer: the payment provider's id of who pays.
    CustomerId
);
id!(
    /// An event of the payment provider.
    EventId
);
id!(
    /// A refund: the payment provider's id of money that went back.
    RefundId
);
id!(
    /// A refund or a dispute: the payment provider's id of money that is gone.
    OutflowId
);

impl From<&RefundId> for OutflowId {
    fn from(id: &RefundId) -> Self {
        Self(id.0.clone())
    }
}

/// Reads an optional field that may be left out but isn't null.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_1_to_128_of_the_alphabet() {
        let longest = "x".repeat(128);
        let too_long = "x".repeat(129);
        for (text, valid) in [
            ("a", true),
            ("AZaz09_-", true),
            (longest.as_str(), true),
            ("", false),
            (too_long.as_str(), false),
            ("a#b", false),
            ("a b", false),
            ("a.b", false),
            ("ä", false),
            ("a\n", false),
        ] {
            assert_eq!(AccountId::parse(text).is_ok(), valid, "{text:?}");
        }
    }
}
