//! Restricted keys: what each may do, and how a call is refused that it may not make.
//!
//! The names are those of Stripe's permissions reference: prices are `plan`, refunds belong to charges, the payments
//! of invoices to invoices, the items of subscriptions to subscriptions. Permission to write is permission to read.
//! What is expanded must be readable, too.

use super::{call::Call, error::ApiError};
use std::collections::BTreeSet;

/// The wording of Stripe's message that a key lacks a permission. Both forms exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PermissionWording {
    /// `… Having the 'rak_charge_read' permission would allow this request to continue.`
    #[default]
    Having,
    /// `Permission denied. … Enabling "Charges and Refunds Read" ('charge_read') permissions on this key would allow
    /// this request to continue.`, with the code `more_permissions_required`.
    Enabling,
}

/// The API keys beside the server's own, which may do everything unless it is restricted here.
#[derive(Debug, Default)]
pub struct Keys {
    pub restricted: Vec<(String, BTreeSet<String>)>,
    pub wording: PermissionWording,
}

/// The resources that permissions are for: as permissions and as the dashboard name them, with their paths' first
/// segments.
const RESOURCES: [(&str, &str, &[&str]); 10] = [
    ("charge", "Charges and Refunds", &["charges", "refunds"]),
    ("checkout_session", "Checkout Sessions", &["checkout"]),
    ("customer", "Customers", &["customers"]),
    ("dispute", "Disputes", &["disputes"]),
    ("event", "Events", &["events"]),
    ("invoice", "Invoices", &["invoices", "invoice_payments"]),
    ("payment_intent", "PaymentIntents", &["payment_intents"]),
    ("plan", "Prices", &["prices"]),
    ("product", "Products", &["products"]),
    ("subscription", "Subscriptions", &["subscriptions", "subscription_items"]),
];

/// What a field is that can be expanded: its name, and the resource.
const FIELDS: [(&str, &str); 11] = [
    ("charge", "charge"),
    ("customer", "customer"),
    ("default_price", "plan"),
    ("dispute", "dispute"),
    ("invoice", "invoice"),
    ("latest_charge", "charge"),
    ("latest_invoice", "invoice"),
    ("payment_intent", "payment_intent"),
    ("product", "product"),
    ("refunds", "charge"),
    ("subscription", "subscription"),
];

impl Keys {
    /// Whether the API takes a key beside the server's own.
    pub fn knows(&self, key: &str) -> bool {
        self.restricted.iter().any(|(known, _)| known == key)
    }

    /// The refusal of a call that a key may not make.
    pub fn refusal(&self, key: &str, call: &Call) -> Option<ApiError> {
        let (_, permissions) = self.restricted.iter().find(|(known, _)| known == key)?;
        let lacking = needed(call).into_iter().find(|(resource, access)| {
            let is_given = |access: &str| permissions.contains(&format!("{resource}_{access}"));
            !is_given(access) && !is_given("write")
        });
        lacking.map(|(resource, access)| self.lacks(key, resource, access))
    }

    fn lacks(&self, key: &str, resource: &str, access: &str) -> ApiError {
        let title = RESOURCES.iter().find(|(known, ..)| *known == resource).map_or("", |(_, title, _)| title);
        let key = masked(key);
        let refused = format!(
            "The provided key '{key}' does not have the required permissions for this endpoint on account \
             'acct_1ModelOfStripe00'."
        );
        match self.wording {
            PermissionWording::Having => ApiError::forbidden(
                None,
                &format!(
                    "{refused} Having the 'rak_{resource}_{access}' permission would allow this request to continue."
                ),
            ),
            PermissionWording::Enabling => {
                let access_title = if access == "read" { "Read" } else { "Write" };
                ApiError::forbidden(
                    Some("more_permissions_required"),
                    &format!(
                        "Permission denied. {refused} Enabling \"{title} {access_title}\" ('{resource}_{access}') \
                         permissions on this key would allow this request to continue."
                    ),
                )
            }
        }
    }
}

/// The permissions that a call needs; none for a path that isn't known.
fn needed(call: &Call) -> Vec<(&'static str, &'static str)> {
    let segment = call.path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
    let resource = RESOURCES.iter().find(|(.., paths)| paths.contains(&segment));
    let access = if call.method == "GET" { "read" } else { "write" };
    let called = resource.map(|(resource, ..)| (*resource, access));
    let expanded = call.expansions().flat_map(|field| field.split('.')).filter_map(|field| {
        let (_, resource) = FIELDS.iter().find(|(name, _)| *name == field)?;
        Some((*resource, "read"))
    });
    called.into_iter().chain(expanded).collect()
}

/// A key as Stripe's messages show it: its kind, stars, and the last characters of a long one.
fn masked(key: &str) -> String {
    let kind = key.get(..8).unwrap_or_default();
    let last = key.get(key.len().saturating_sub(6)..).filter(|_| key.len() >= 20).unwrap_or_default();
    let stars = "*".repeat(key.len().saturating_sub(kind.len() + last.len()));
    format!("{kind}{stars}{last}")
}
