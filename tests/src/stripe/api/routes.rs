//! The operations of the API.
//!
//! Invariant: parameters are checked before anything changes; an unknown one is refused, as Stripe does.

use super::{Call, error::ApiError};
use crate::stripe::{
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
            ("POST", ["refunds"]) => self.create_refund(call),
            ("GET", ["refunds"]) => self.list_refunds(call),
            ("DELETE", ["subscriptions", id]) => self.cancel_subscription(call, id, shapes),
            ("GET", ["invoice_payments"]) if shapes == Generation::Basil => self.list_invoice_payments(call),
            ("GET", [kind, id]) => self.retrieve(call, kind, id, shapes),
            _ => Err(ApiError::unknown_url(&call.method, &call.path)),
        }
    }

    fn create_refund(&mut self, call: &Call) -> Result<Value, ApiError> {
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
        Ok(shapes::returned::refund(&self.refunds[refund]))
    }

    fn list_refunds(&self, call: &Call) -> Result<Value, ApiError> {
        known(call, &["charge", "payment_intent", "limit", "starting_after"])?;
        let (charge, intent) = (call.parameter("charge"), call.parameter("payment_intent"));
        let newest_first = self.refunds.iter().rev().filter(|refund| {
            charge.is_none_or(|charge| refund.charge == charge)
                && intent.is_none_or(|intent| refund.intent == intent)
        });
        page(call, newest_first.map(shapes::returned::refund).collect())
    }

    fn list_invoice_payments(&self, call: &Call) -> Result<Value, ApiError> {
        known(call, &["invoice", "status", "payment[", "limit", "starting_after"])?;
        let (invoice, status) = (call.parameter("invoice"), call.parameter("status"));
        let intent = call.parameter("payment[payment_intent]");
        let found = self.invoices.iter().rev().filter(|known| {
            known.intent.is_some()
                && invoice.is_none_or(|invoice| known.id == invoice)
                && intent.is_none_or(|intent| known.intent.as_deref() == Some(intent))
        });
        let found = found.map(shapes::invoice::invoice_payment);
        page(call, found.filter(|found| status.is_none_or(|status| found["status"] == status)).collect())
    }

    /// A subscription that has ended can't be ended again, and then isn't found.
    fn cancel_subscription(&mut self, call: &Call, id: &str, shapes: Generation) -> Result<Value, ApiError> {
        known(call, &["invoice_now", "prorate", "cancellation_details["])?;
        let at = self.subscription_of(id).filter(|at| self.subscriptions[*at].is_live());
        let at = at.ok_or_else(|| ApiError::missing("subscription", id, "id"))?;
        self.end(at, "cancellation_requested");
        Ok(shapes::subscription::subscription(&self.subscriptions[at], shapes))
    }

    fn retrieve(&self, call: &Call, kind: &str, id: &str, shapes: Generation) -> Result<Value, ApiError> {
        known(call, &[])?;
        let payment = |object| {
            let at = self.payment_of(id).filter(|at| match object {
                "charge" => self.payments[*at].charge == id,
                _ => self.payments[*at].intent == id,
            });
            at.map(|at| &self.payments[at]).ok_or_else(|| ApiError::missing(object, id, "id"))
        };
        match kind {
            "charges" => payment("charge").map(|payment| shapes::payment::charge(payment, shapes)),
            "payment_intents" => {
                payment("payment_intent").map(|payment| shapes::payment::intent(payment, shapes))
            }
            "refunds" => {
                let refund = self.refunds.iter().find(|refund| refund.id == id);
                let refund = refund.ok_or_else(|| ApiError::missing("refund", id, "id"))?;
                Ok(shapes::returned::refund(refund))
            }
            "subscriptions" => {
                let at =
                    self.subscription_of(id).ok_or_else(|| ApiError::missing("subscription", id, "id"))?;
                Ok(shapes::subscription::subscription(&self.subscriptions[at], shapes))
            }
            "invoices" => {
                let at = self.invoice_of(id).ok_or_else(|| ApiError::missing("invoice", id, "id"))?;
                Ok(self.retrieve_invoice(call, at, shapes))
            }
            _ => Err(ApiError::unknown_url(&call.method, &call.path)),
        }
    }

    /// The newer generation lists an invoice's payments in it, if asked to.
    fn retrieve_invoice(&self, call: &Call, at: usize, shapes: Generation) -> Value {
        let invoice = &self.invoices[at];
        let payment = invoice.intent.as_deref().and_then(|intent| self.payment_of(intent));
        let mut object = shapes::invoice::invoice(invoice, payment.map(|at| &self.payments[at]), shapes);
        let expands =
            call.parameters.iter().any(|(name, value)| name.starts_with("expand[") && value == "payments");
        if expands && shapes == Generation::Basil {
            let payments: Vec<_> =
                payment.iter().map(|_| shapes::invoice::invoice_payment(invoice)).collect();
            let url = format!("/v1/invoice_payments?invoice={}", invoice.id);
            object["payments"] = shapes::list(&payments, &url, false);
        }
        object
    }
}

fn known(call: &Call, names: &[&str]) -> Result<(), ApiError> {
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

fn page(call: &Call, mut found: Vec<Value>) -> Result<Value, ApiError> {
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
