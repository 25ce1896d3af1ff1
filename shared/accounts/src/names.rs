//! Names that records keep as they were when they were written: a catalog of today may not have them any more.
//!
//! Each is a type of its own, so that one can't be taken for another. They are stored as plain text.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<Text: Into<String>> From<Text> for $name {
            fn from(text: Text) -> Self {
                Self(text.into())
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A SKU: what a line of a purchase was sold as, such as `basic_monthly`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Sku;
    ///
    /// assert_eq!(Sku::from("tune_pack").as_str(), "tune_pack");
    /// ```
    Sku
);
name!(
    /// A plan's name, such as `basic`.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::PlanName;
    ///
    /// assert_eq!(PlanName::from("basic"), "basic");
    /// ```
    PlanName
);
name!(
    /// A currency: its ISO code in lower case, as Stripe writes it. Empty where nothing was to be paid.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Currency;
    ///
    /// assert_eq!(Currency::from("usd").to_string(), "usd");
    /// ```
    Currency
);
