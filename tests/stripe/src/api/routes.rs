//! The operations of the API.
//!
//! Invariant: parameters are checked before anything changes; an unknown one is refused, as Stripe does.

use super::{Call, error::ApiError};
use crate::{
    account::Account, generation::Generation, plan::Metadata, records::Payment, refunds::RefundRequest,
    shapes,
};
use serde_json::{Value, json};

/// How many items a page of a list has, by default and at most.
const PAGE: usize = 10;
const PAGE_MAX: usize = 100;

const REFUND_REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

impl Account {
    pub(super) fn carry_out(&mut self, call: &Call, shapes: Generation) -> Result<Value, ApiError> {
        // Objects are shown as the call asks, events are made as the account has it.
        let path: Vec<_> = call.path.trim_start_matches("/v1/").split('/').collect();
        match (call.method.as_str(), path.as_slice()) {
            ("POST", ["refunds"]) => self.create_refund(call, shapes),
            ("DELETE", ["subscriptions", id]) => self.cancel_subscription(call, id, shapes),
            ("GET", path) => self.read(call, path, shapes),
            _ => Err(ApiError::unknown_url(&call.method, &call.path)),
        }
    }

    fn create_refund(&mut self, call: &Call, version: Generation) -> Result<Value, ApiError> {
        known(call, &["amount", "charge", "payment_intent", "reason", "metadata["])?;
        let (given, parameter) = match (call.parameter("payment_intent"), call.parameter("charge")) {
            (Some(intent), _) => (intent, "payment_intent"),
            (None, Some(charge)) => (charge, "charge"),
            (None, None) => {
                let message = "One of the following params should be provided for this request: payment_intent or \
                               charge.";
                return Err(ApiError::invalid(Some("parameter_missing"), message));
            }
        };
        let amount = call.parameter("amount").map(amount).transpose()?;
        let reason = call.parameter("reason").map(reason).transpose()?;
        let named = |payment: &Payment| match parameter {
            "charge" => payment.charge == given,
            _ => payment.intent == given,
        };
        let at = self.payments.iter().position(named);
        let at = at.ok_or_else(|| ApiError::missing(parameter, given, parameter))?;
        let request = RefundRequest { amount, reason, metadata: metadata(call) };
        let refund = self.refund(at, request)?;
        Ok(shapes::returned::refund_in(&self.refunds[refund], version))
    }

    /// A subscription that has ended can't be ended again, and then isn't found.
    fn cancel_subscription(&mut self, call: &Call, id: &str, shapes: Generation) -> Result<Value, ApiError> {
        known(call, &["invoice_now", "prorate", "cancellation_details["])?;
        let at = self.subscription_of(id).filter(|at| self.subscriptions[*at].is_live());
        let at = at.ok_or_else(|| ApiError::missing("subscription", id, "id"))?;
        self.end(at, "cancellation_requested");
        Ok(shapes::subscription::subscription(&self.subscriptions[at], shapes))
    }
}

pub(super) fn known(call: &Call, names: &[&str]) -> Result<(), ApiError> {
    let is_known = |given: &str| {
        given.starts_with("expand[")
            || names.iter().any(|name| given == *name || name.ends_with('[') && given.starts_with(name))
    };
    match call.parameters.iter().find(|(given, _)| !is_known(given)) {
        Some((given, _)) => {
            let message = format!("Received unknown parameter: {given}");
            Err(ApiError::invalid(Some("parameter_unknown"), &message))
        }
        None => Ok(()),
    }
}

fn amount(given: &str) -> Result<i64, ApiError> {
    let amount: i64 = given.parse().map_err(|_| {
        ApiError::invalid(Some("parameter_invalid_integer"), &format!("Invalid integer: {given}"))
    })?;
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(Some("parameter_invalid_integer"), message));
    }
    Ok(amount)
}

fn reason(given: &str) -> Result<String, ApiError> {
    if REFUND_REASONS.contains(&given) {
        return Ok(given.to_owned());
    }
    let message = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer";
    Err(ApiError::invalid(None, message))
}

/// `metadata[name]=value`, several of them.
fn metadata(call: &Call) -> Metadata {
    let named = call.parameters.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    named.collect()
}

pub(super) fn page(call: &Call, mut found: Vec<Value>) -> Result<Value, ApiError> {
    let limit = call.parameter("limit").map(amount).transpose()?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE).min(PAGE_MAX);
    if let Some(after) = call.parameter("starting_after") {
        let at = found.iter().position(|object| object["id"] == json!(after));
        let at = at.ok_or_else(|| ApiError::missing("object", after, "starting_after"))?;
        found.drain(..=at);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok(shapes::list(&found, &call.path, has_more))
}
