//! Ids. Each is a type of its own, and is parsed once at the edge (docs/api.md, Callers, ids, operations).
//!
//! | ids of | characters | length |
//! |---|---|---|
//! | accounts, debits, holds, reversals, adjustments; callers and identity providers choose them | `A-Z a-z 0-9 . _ ~ : @ \| + = -` | 1 to 128 |
//! | Stripe's objects: purchases, subscriptions, payments, customers, events, refunds | `A-Z a-z 0-9 _ -` | 1 to 255 |
//! | callers: the subjects of tokens, which are recorded but are never part of a key | printable ASCII | 1 to 255 |
//!
//! All characters are ASCII, so a length in bytes is a length in characters. The first two alphabets lack `#`, so ids
//! that are joined by it make an unambiguous key. They also lack `%` and `/`, so an id in a path is read in only one
//! way.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest id that a caller may choose, in bytes.
const CHOSEN_BYTES_MAX: usize = 128;
/// The longest id of a Stripe object, in bytes. It is Stripe's own limit.
const STRIPE_BYTES_MAX: usize = 255;
/// The longest subject of a token, in bytes (`OpenID` Connect Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// The rule that a text breaks which is not a valid id. The message ends a sentence that begins with the id's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The rule of ids that callers and identity providers choose.
    #[error("must be 1 to 128 characters out of A-Z, a-z, 0-9 and . _ ~ : @ | + = -")]
    Chosen,
    /// The rule of ids of Stripe objects.
    #[error("must be 1 to 255 characters out of A-Z, a-z, 0-9, _ and -")]
    Stripe,
    /// The rule of token subjects.
    #[error("must be 1 to 255 printable ASCII characters")]
    Subject,
}

impl InvalidId {
    /// Checks a text against this rule.
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
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use scrip_accounts::", stringify!($name), ";")]
            ///
            #[doc = concat!("assert_eq!(", stringify!($name), "::parse(\"id_1\")?.as_str(), \"id_1\");")]
            #[doc = concat!("assert!(", stringify!($name), "::parse(\"\").is_err());")]
            /// # Ok::<(), scrip_accounts::InvalidId>(())
            /// ```
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
    /// The id of an account: the product's own id of its user, which is the subject of the user's token.
    AccountId, Chosen
);
id!(
    /// The id of a debit: the idempotency key of its request. It is unique among the debits and holds of its account.
    DebitId, Chosen
);
id!(
    /// The id of a hold: the idempotency key of its request. It is unique among the holds and debits of its account.
    HoldId, Chosen
);
id!(
    /// The id of a reversal: the idempotency key of its request. It is unique within its account.
    ReversalId, Chosen
);
id!(
    /// The id of an adjustment: the idempotency key of its request. It is unique within its account.
    AdjustmentId, Chosen
);
id!(
    /// The id of a caller: the subject of its token.
    CallerId, Subject
);
id!(
    /// The id of a purchase: Stripe's id of the invoice, payment or session that was paid. It is unique within its
    /// account.
    PurchaseId, Stripe
);

id!(
    /// Stripe's id of a subscription.
    SubscriptionId, Stripe
);
id!(
    /// Stripe's id of a payment: of the payment intent that moved the money.
    PaymentId, Stripe
);
id!(
    /// Stripe's id of a customer.
    CustomerId, Stripe
);
id!(
    /// Stripe's id of an event.
    EventId, Stripe
);
id!(
    /// Stripe's id of a refund.
    RefundId, Stripe
);

id!(
    /// Stripe's id of an outflow: of a refund or a dispute.
    OutflowId, Stripe
);

/// A captured hold is reversed as a debit of the same id.
impl From<&HoldId> for DebitId {
    fn from(id: &HoldId) -> Self {
        Self(id.0.clone())
    }
}

/// The id of a debit or hold may name a hold.
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

/// Deserializes an optional field that may be left out but may not be null.
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
    fn a_caller_is_a_token_subject() {
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
