//! Expansions: objects in the place of their ids, and lists that an object has only if it is asked for.
//!
//! Invariant: a request names at most four levels, of which a list's `data` is one, and begins with a field that
//! Stripe's reference marks as expandable. What it refuses, it refuses before anything changes.

use super::kind::Kind;
use crate::{account::Account, call::Call, error::ApiError, generation::Generation, shapes};
use serde_json::Value;

/// How deep a request may expand.
const DEPTH_MAX: usize = 4;

/// The fields that can be expanded, by the kind of object. Those of hashes with expandable fields are among them.
fn expandable(object: &str) -> &'static [&'static str] {
    match object {
        "checkout.session" => &[
            "customer",
            "discounts",
            "invoice",
            "line_items",
            "payment_intent",
            "payment_link",
            "setup_intent",
            "subscription",
            "total_details",
        ],
        "subscription" => &[
            "application",
            "customer",
            "default_payment_method",
            "default_source",
            "default_tax_rates",
            "discount",
            "discounts",
            "items",
            "latest_invoice",
            "on_behalf_of",
            "pending_setup_intent",
            "pending_update",
            "schedule",
            "test_clock",
            "transfer_data",
        ],
        "subscription_item" => &["discounts", "price", "tax_rates"],
        "invoice" => &[
            "account_tax_ids",
            "application",
            "charge",
            "customer",
            "default_payment_method",
            "default_source",
            "default_tax_rates",
            "discount",
            "discounts",
            "from_invoice",
            "last_finalization_error",
            "latest_revision",
            "lines",
            "on_behalf_of",
            "parent",
            "payment_intent",
            "payments",
            "quote",
            "subscription",
            "test_clock",
            "total_discount_amounts",
        ],
        "invoice_payment" => &["invoice", "payment"],
        "payment_intent" => &[
            "application",
            "customer",
            "invoice",
            "last_payment_error",
            "latest_charge",
            "on_behalf_of",
            "payment_method",
            "processing",
            "review",
            "source",
            "transfer_data",
        ],
        "charge" => &[
            "application",
            "application_fee",
            "balance_transaction",
            "customer",
            "dispute",
            "failure_balance_transaction",
            "invoice",
            "on_behalf_of",
            "payment_intent",
            "refunds",
            "review",
            "source_transfer",
            "transfer",
            "transfer_data",
        ],
        "refund" => &[
            "balance_transaction",
            "charge",
            "failure_balance_transaction",
            "payment_intent",
            "source_transfer_reversal",
            "transfer_reversal",
        ],
        "dispute" => &["balance_transactions", "charge", "payment_intent"],
        "item" | "line_item" => {
            &["discounts", "parent", "price", "pricing", "subscription", "tax_amounts", "taxes"]
        }
        "price" => &["currency_options", "product", "tiers"],
        "product" => &["default_price", "tax_code"],
        "customer" => &["default_source", "discount", "invoice_settings", "test_clock"],
        _ => &[],
    }
}

/// What a call answers: a list or a single object, and the kind of object.
fn answered(call: &Call, path: &[&str]) -> Option<(bool, &'static str)> {
    match path {
        ["checkout", "sessions", _, "line_items"] => Some((true, "item")),
        ["invoices", _, "lines"] => Some((true, "line_item")),
        path => {
            let is_list = |path: &[&str]| Kind::of(path).map(|kind| (call.method == "GET", kind.name()));
            let of_one = || Kind::of(path.split_last()?.1).map(|kind| (false, kind.name()));
            is_list(path).or_else(of_one)
        }
    }
}

/// Refuses an expansion that Stripe refuses, before the call is carried out.
pub(super) fn check(call: &Call, path: &[&str]) -> Result<(), ApiError> {
    let Some((is_list, object)) = answered(call, path) else { return Ok(()) };
    for field in call.expansions() {
        let segments: Vec<_> = field.split('.').collect();
        if segments.len() > DEPTH_MAX {
            let message = format!("You cannot expand more than 4 levels of a property. Property: {field}");
            return Err(ApiError::invalid(Some("property_expansion_max_depth"), &message));
        }
        let allowed = |segment: &&str| expandable(object).contains(segment);
        let fits = match (is_list, segments.as_slice()) {
            (true, ["data", rest @ ..]) => rest.first().is_none_or(allowed),
            (true, [first, ..]) if allowed(first) => {
                let message = format!(
                    "This property cannot be expanded ({first}). You may want to try expanding 'data.{first}' instead."
                );
                return Err(ApiError::invalid(None, &message));
            }
            (false, [first, ..]) => allowed(first),
            _ => false,
        };
        if !fits {
            return Err(refusal(field));
        }
    }
    Ok(())
}

fn refusal(field: &str) -> ApiError {
    ApiError::invalid(None, &format!("This property cannot be expanded ({field})."))
}

impl Account {
    /// Expands in an answer what the call asks for.
    pub(super) fn expand_all(
        &self,
        call: &Call,
        mut answer: Value,
        version: Generation,
    ) -> Result<Value, ApiError> {
        for field in call.expansions() {
            let segments: Vec<_> = field.split('.').collect();
            self.expand(&mut answer, &segments, field, version)?;
        }
        Ok(answer)
    }

    /// Expands a field of an answer, of each item if it is a list.
    fn expand(
        &self,
        value: &mut Value,
        segments: &[&str],
        field: &str,
        version: Generation,
    ) -> Result<(), ApiError> {
        let Some((segment, rest)) = segments.split_first() else { return Ok(()) };
        if let Value::Array(items) = value {
            return items.iter_mut().try_for_each(|item| self.expand(item, segments, field, version));
        }
        if let Some(list) = self.includable(value, segment, version).filter(|_| value.get(segment).is_none())
        {
            value[*segment] = list;
        }
        let member = value.get_mut(*segment).ok_or_else(|| refusal(field))?;
        if let Some(object) = member.as_str().and_then(|id| self.by_id(id, version)) {
            *member = object;
        }
        if member.is_null() || member.is_string() {
            // Nothing there, or what the model doesn't have.
            return Ok(());
        }
        self.expand(member, rest, field, version)
    }

    /// A list that an object has only if it is asked for.
    fn includable(&self, object: &Value, name: &str, version: Generation) -> Option<Value> {
        let id = object["id"].as_str()?;
        let (mut items, url) = match (object["object"].as_str()?, name) {
            ("checkout.session", "line_items") => {
                let lines = self.session(id).ok()?.lines.iter();
                let lines = lines.map(|line| shapes::session::line_item(line, version));
                (lines.collect::<Vec<_>>(), format!("/v1/checkout/sessions/{id}/line_items"))
            }
            ("invoice", "payments") if version >= Generation::Basil => {
                let payments = &self.invoices[self.invoice_of(id)?].payments;
                let payments = payments.iter().map(shapes::invoice::payment_of_invoice);
                (payments.collect(), format!("/v1/invoice_payments?invoice={id}"))
            }
            ("charge", "refunds") => {
                let refunds = self.all(Kind::Refund, version).into_iter();
                let refunds = refunds.filter(|refund| refund["charge"] == id);
                (refunds.collect(), format!("/v1/charges/{id}/refunds"))
            }
            _ => return None,
        };
        let has_more = items.len() > shapes::LISTED;
        items.truncate(shapes::LISTED);
        Some(shapes::list(items, &url, has_more))
    }

    /// The object that an id names, by what it begins with.
    fn by_id(&self, id: &str, version: Generation) -> Option<Value> {
        let kinds = [
            ("cs_", Kind::Session),
            ("sub_", Kind::Subscription),
            ("in_", Kind::Invoice),
            ("pi_", Kind::PaymentIntent),
            ("ch_", Kind::Charge),
            ("re_", Kind::Refund),
            ("du_", Kind::Dispute),
            ("price_", Kind::Price),
            ("prod_", Kind::Product),
            ("cus_", Kind::Customer),
        ];
        let (_, kind) = kinds.into_iter().find(|(prefix, _)| id.starts_with(prefix))?;
        self.find(kind, id, version)
    }
}
