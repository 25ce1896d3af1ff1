//! Ids, each its own type, parsed once at the edge (contract, section 1).
//!
//! | ids of | characters | length |
//! |---|---|---|
//! | accounts, debits, holds, reversals, adjustments: chosen by callers and identity providers | `A-Z a-z 0-9 . _ ~ : @ \| + = -` | 1 to 128 |
//! | Stripe's objects: purchases, subscriptions, payments, customers, events, refunds | `A-Z a-z 0-9 _ -` | 1 to 255 |
//! | callers, who are recorded and never part of a key: the subjects of tokens | printable ASCII | 1 to 255 |
//!
//! Every character is ASCII, so a length in bytes is one in characters. Neither alphabet has `#`, so ids
//! can be joined by it into a key without ambiguity, nor `%` and `/`, so an id in a path is read in one way only.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest id that callers choose, in bytes.
const CHOSEN_BYTES_MAX: usize = 128;
/// The longest id of an object of Stripe's, in bytes: what Stripe's own limit for ids is.
const STRIPE_BYTES_MAX: usize = 255;
/// The longest subject of a token, in bytes (`OpenID` Connect Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// A text that is no id: which rule it breaks, as the end of a sentence that begins with the id's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// It is no id that a caller or an identity provider may choose.
    #[error("must be 1 to 128 characters out of A-Z, a-z, 0-9 and . _ ~ : @ | + = -")]
    Chosen,
    /// It is no id of an object of Stripe's.
    #[error("must be 1 to 255 characters out of A-Z, a-z, 0-9, _ and -")]
    Stripe,
    /// It is no subject of a token.
    #[error("must be 1 to 255 printable ASCII characters")]
    Subject,
}

impl InvalidId {
    /// Checks a text against the rule whose breach this is.
    fn check(self, text: &str) -> Result<(), Self> {
        let bytes_max = match self {
            Self::Chosen => CHOSEN_BYTES_MAX,
            Self::Stripe => STRIPE_BYTES_MAX,
            Self::Subject => SUBJECT_BYTES_MAX,
        };
        let is_allowed = |byte: u8| match self {
            Self::Chosen => byte.is_ascii_alphanumeric() || b"._~:@|+=-".contains(&byte),
            Self::Stripe => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
            Self::Subject => byte == b' ' || byte.is_ascii_graphic(),
        };
        let is_valid = (1..=bytes_max).contains(&text.len()) && text.bytes().all(is_allowed);
        if is_valid { Ok(()) } else { Err(self) }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            #[doc = concat!("[`InvalidId::", stringify!($rule), "`] if the text breaks that rule.")]
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                InvalidId::$rule.check(&text)?;
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
    /// An account: the product's own name for its user, the subject of the user's token.
    AccountId, Chosen
);
id!(
    /// A debit: the idempotency key it was asked for with. Unique among the debits and holds of its account.
    DebitId, Chosen
);
id!(
    /// A hold: the idempotency key it was asked for with. Unique among the holds and debits of its account.
    HoldId, Chosen
);
id!(
    /// A reversal: the idempotency key it was asked for with. Unique within its account.
    ReversalId, Chosen
);
id!(
    /// An adjustment: the idempotency key it was asked for with. Unique within its account.
    AdjustmentId, Chosen
);
id!(
    /// A caller: the subject of its token.
    CallerId, Subject
);
id!(
    /// A purchase: the payment provider's id of what was paid. Unique within its account.
    PurchaseId, Stripe
);

id!(
    /// A subscription: the payment provider's id of it.
    SubscriptionId, Stripe
);
id!(
    /// A payment: the payment provider's id of the intent that moved the money.
    PaymentId, Stripe
);
id!(
    /// A customer: the payment provider's id of who pays.
    CustomerId, Stripe
);
id!(
    /// An event of the payment provider.
    EventId, Stripe
);
id!(
    /// A refund: the payment provider's id of money that went back.
    RefundId, Stripe
);

id!(
    /// A refund or a dispute: the payment provider's id of money that is gone.
    OutflowId, Stripe
);

/// A captured hold is reversed as a debit of the same id.
impl From<&HoldId> for DebitId {
    fn from(id: &HoldId) -> Self {
        Self(id.0.clone())
    }
}

/// The hold that an id names where it names no debit.
impl From<&DebitId> for HoldId {
    fn from(id: &DebitId) -> Self {
        Self(id.0.clone())
    }
}

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
    fn ids_are_checked_on_both_sides_of_each_boundary() {
        let of = |count: usize| "x".repeat(count);
        // The text, and whether it may be chosen by a caller, and come from Stripe.
        for (text, is_chosen, is_stripes) in [
            ("a", true, true),
            ("-", true, true),
            ("AZaz09_-", true, true),
            ("AZaz09._~:@|+=-", true, false),
            ("auth0|5f7c8ec7c33c6c004bbafe82", true, false),
            ("google-oauth2|104234567890123456789", true, false),
            ("user@example.com", true, false),
            ("f:1b2c:ann", true, false),
            (".", true, false),
            (&of(128), true, true),
            (&of(129), false, true),
            (&of(255), false, true),
            (&of(256), false, false),
            ("", false, false),
            ("a b", false, false),
            ("a\n", false, false),
            ("\u{e4}", false, false),
            ("\u{ff41}", false, false),
            ("a\0", false, false),
        ] {
            assert_eq!(AccountId::parse(text).is_ok(), is_chosen, "{text:?}");
            assert_eq!(DebitId::parse(text).is_ok(), is_chosen, "{text:?}");
            assert_eq!(ReversalId::parse(text).is_ok(), is_chosen, "{text:?}");
            assert_eq!(PurchaseId::parse(text).is_ok(), is_stripes, "{text:?}");
            assert_eq!(SubscriptionId::parse(text).is_ok(), is_stripes, "{text:?}");
            assert_eq!(PaymentId::parse(text).is_ok(), is_stripes, "{text:?}");
            assert_eq!(CustomerId::parse(text).is_ok(), is_stripes, "{text:?}");
            assert_eq!(EventId::parse(text).is_ok(), is_stripes, "{text:?}");
            assert_eq!(RefundId::parse(text).is_ok(), is_stripes, "{text:?}");
        }
    }

    #[test]
    fn of_ascii_only_the_two_alphabets_are_allowed() {
        let allowed = |parses: fn(String) -> bool| -> String {
            (0..=127_u8)
                .map(char::from)
                .filter(|c| !c.is_ascii_alphanumeric() && parses(c.to_string()))
                .collect()
        };
        assert_eq!(allowed(|text| AccountId::parse(text).is_ok()), "+-.:=@_|~");
        assert_eq!(allowed(|text| PurchaseId::parse(text).is_ok()), "-_");
    }

    #[test]
    fn a_caller_is_what_issuers_call_a_subject() {
        for (text, is_subject) in [
            ("auth0|5f7c8ec7c33c6c004bbafe82", true),
            ("https://login.example.com/ann#1", true),
            ("cn=Ann Lee,dc=example", true),
            (&"x".repeat(255), true),
            (&"x".repeat(256), false),
            ("", false),
            ("a\nb", false),
            ("\u{e4}", false),
        ] {
            assert_eq!(CallerId::parse(text).is_ok(), is_subject, "{text:?}");
        }
    }

    #[test]
    fn an_invalid_id_names_its_alphabet() {
        assert_eq!(AccountId::parse("a#b"), Err(InvalidId::Chosen));
        assert_eq!(PurchaseId::parse("a.b"), Err(InvalidId::Stripe));
        for (invalid, part) in [
            (InvalidId::Chosen, "128 characters out of A-Z, a-z, 0-9 and . _ ~ : @ | + = -"),
            (InvalidId::Stripe, "255"),
            (InvalidId::Subject, "printable"),
        ] {
            assert!(invalid.to_string().contains(part), "{invalid}");
        }
    }
}
