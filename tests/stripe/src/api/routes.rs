//! The operations of the API.
//!
//! Invariant: parameters are checked before anything changes; an unknown one is refused, as Stripe does. The model
//! knows the parameters that are named here, and refuses others of Stripe's as unknown.

use super::{expand, parameters::known};
use crate::{
    CancelSpec, account::Account, call::Call, error::ApiError, generation::Generation, plan::Metadata,
    records::Payment, refunds::RefundRequest, shapes,
};
use serde_json::Value;

const REFUND_REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

impl Account {
    pub(super) fn carry_out(&mut self, call: &Call, shapes: Generation) -> Result<Value, ApiError> {
        // Objects are shown as the call asks, events are made as the account has it.
        let path: Vec<_> = call.path.trim_start_matches("/v1/").split('/').collect();
        expand::check(call, &path)?;
        let answer = match (call.method.as_str(), path.as_slice()) {
            ("POST", ["refunds"]) => self.create_refund(call, shapes),
            ("POST", ["subscriptions", id]) => self.update_subscription(call, id, shapes),
            ("DELETE", ["subscriptions", id]) => self.cancel_subscription(call, id, shapes),
            ("GET", path) => self.read(call, path, shapes),
            _ => Err(ApiError::unknown_url(&call.method, &call.path)),
        };
        self.expand_all(call, answer?, shapes)
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

    /// One that has ended can't be changed any more, but for what this model doesn't change.
    fn update_subscription(&mut self, call: &Call, id: &str, shapes: Generation) -> Result<Value, ApiError> {
        known(call, &["cancel_at_period_end", "metadata["])?;
        let with_period = flag(call, "cancel_at_period_end")?;
        let at = self.subscription_of(id).ok_or_else(|| ApiError::missing("subscription", id, "id"))?;
        if with_period.is_some() && !self.subscriptions[at].is_live() {
            let message = "A canceled subscription can only update its cancellation_details and metadata.";
            return Err(ApiError { began: true, ..ApiError::invalid(None, message) });
        }
        if with_period.is_some_and(|with_period| with_period != self.subscriptions[at].cancel_at_period_end) {
            self.set_end(at, with_period == Some(true));
        }
        let mut changed = self.subscriptions[at].metadata.clone();
        for (name, value) in metadata(call) {
            // An empty value takes the name out.
            if value.is_empty() {
                changed.remove(&name)
            } else {
                changed.insert(name, value)
            };
        }
        if changed != self.subscriptions[at].metadata {
            self.change(at, "customer.subscription.updated", |subscription| subscription.metadata = changed);
        }
        Ok(shapes::subscription::subscription(&self.subscriptions[at], shapes))
    }

    /// A subscription that has ended can't be ended again, and then isn't found.
    fn cancel_subscription(&mut self, call: &Call, id: &str, shapes: Generation) -> Result<Value, ApiError> {
        known(call, &["invoice_now", "prorate", "cancellation_details["])?;
        let spec = CancelSpec {
            prorate: flag(call, "prorate")?.unwrap_or_default(),
            invoice_now: flag(call, "invoice_now")?.unwrap_or_default(),
        };
        let at = self.subscription_of(id).filter(|at| self.subscriptions[*at].is_live());
        let at = at.ok_or_else(|| ApiError::missing("subscription", id, "id"))?;
        self.end_with(at, spec);
        Ok(shapes::subscription::subscription(&self.subscriptions[at], shapes))
    }
}

fn flag(call: &Call, name: &str) -> Result<Option<bool>, ApiError> {
    match call.parameter(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(ApiError::invalid_parameter(name, None, &format!("Invalid boolean: {other}"))),
    }
}

fn amount(given: &str) -> Result<i64, ApiError> {
    let amount: i64 = given.parse().map_err(|_| ApiError::not_an_integer("amount", given))?;
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid_parameter("amount", Some("parameter_invalid_integer"), message));
    }
    Ok(amount)
}

fn reason(given: &str) -> Result<String, ApiError> {
    if REFUND_REASONS.contains(&given) {
        return Ok(given.to_owned());
    }
    let message = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer";
    Err(ApiError::invalid_parameter("reason", None, message))
}

/// `metadata[name]=value`, several of them.
fn metadata(call: &Call) -> Metadata {
    let named = call.parameters.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    named.collect()
}
