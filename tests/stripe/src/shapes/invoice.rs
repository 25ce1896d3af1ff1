//! Invoices and their payments.
//!
//! Invariant: `period_start` and `period_end` of an invoice are not what it pays for; its lines' are. Lines
//! beyond ten are not in it, and its payments are only if they are asked for.

use super::{add_customer_account, add_nulls, embedded, line::line, merge, seconds, subscription};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Invoice, InvoicePayment, InvoiceStatus, Payment},
};
use serde_json::{Value, json};

/// How long after a failed attempt Stripe plans the next.
const RETRY_SECONDS: i64 = 3 * 24 * 60 * 60;

/// How long a sent invoice may be paid.
const DUE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// An invoice, and its default payment, which versions before basil name.
pub fn invoice(invoice: &Invoice, payment: Option<&Payment>, generation: Generation) -> Value {
    let (is_paid, due, total) = (invoice.status == InvoiceStatus::Paid, invoice.due(), invoice.total());
    let (paid, is_open) = (invoice.paid(), invoice.status == InvoiceStatus::Open);
    let remaining = if is_paid { 0 } else { due - paid };
    let lines: Vec<_> = invoice.lines.iter().map(|each| line(invoice, each, generation)).collect();
    let discount = invoice.discount.as_ref();
    let off = invoice.discounted();
    let amounts: Vec<_> =
        discount.iter().map(|discount| json!({ "amount": off, "discount": discount.id })).collect();
    let credits: Vec<_> = discount
        .iter()
        .map(|discount| json!({ "amount": off, "discount": discount.id, "type": "discount" }))
        .collect();
    let retry = invoice.finalized_at.filter(|_| is_open && invoice.auto_advance);
    let due_date = invoice.finalized_at.filter(|_| invoice.is_sent);
    let mut object = json!({
        "id": invoice.id, "object": "invoice", "amount_due": due, "amount_paid": paid,
        "amount_remaining": remaining, "attempt_count": invoice.attempts,
        "attempted": invoice.attempts > 0 || is_paid, "auto_advance": invoice.auto_advance && !is_paid,
        "billing_reason": invoice.reason,
        "collection_method": if invoice.is_sent { "send_invoice" } else { "charge_automatically" },
        "created": invoice.created.timestamp(), "currency": CURRENCY, "customer": invoice.customer,
        "discounts": discount.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
        "due_date": due_date.map(|at| at.timestamp() + DUE_SECONDS),
        "effective_at": seconds(invoice.finalized_at), "ending_balance": invoice.ending_balance,
        "hosted_invoice_url": format!("https://invoice.stripe.com/i/acct_local/test_{}", invoice.id),
        "invoice_pdf": format!("https://pay.stripe.com/invoice/acct_local/test_{}/pdf", invoice.id),
        "metadata": invoice.metadata,
        "next_payment_attempt": retry.map(|at| at.timestamp() + RETRY_SECONDS),
        "number": format!("SCRIP-{:04}", invoice.number),
        "period_end": invoice.period.1.timestamp(), "period_start": invoice.period.0.timestamp(),
        "starting_balance": invoice.starting_balance, "status": invoice.status.name(),
        "status_transitions": {
            "finalized_at": seconds(invoice.finalized_at),
            "marked_uncollectible_at": seconds(invoice.uncollectible_at),
            "paid_at": seconds(invoice.paid_at), "voided_at": seconds(invoice.voided_at),
        },
        "subtotal": invoice.subtotal(), "subtotal_excluding_tax": invoice.subtotal(), "total": total,
        "total_discount_amounts": amounts, "total_excluding_tax": total,
        "total_pretax_credit_amounts": credits,
    });
    // Within `json!` they would be copied.
    object["lines"] = embedded(lines, &format!("/v1/invoices/{}/lines", invoice.id));
    merge(&mut object, always());
    let since = if generation < Generation::Basil {
        before_basil(invoice, payment, generation)
    } else {
        from_basil(invoice)
    };
    merge(&mut object, since);
    add_customer_account(&mut object, generation);
    object
}

fn before_basil(invoice: &Invoice, payment: Option<&Payment>, generation: Generation) -> Value {
    let of = (invoice.customer.as_str(), invoice.subscription.as_deref());
    let discount = invoice.discount.as_ref().map(|known| subscription::discount(known, of, generation));
    let details = invoice.subscription.as_ref().map(|_| json!(invoice.subscription_metadata));
    let mut members = json!({
        "application_fee_amount": null, "charge": payment.map(|payment| &payment.charge), "discount": discount,
        "paid": invoice.status == InvoiceStatus::Paid, "paid_out_of_band": invoice.out_of_band,
        "payment_intent": invoice.intent, "quote": null, "subscription": invoice.subscription,
        "subscription_details": { "metadata": details }, "tax": null, "total_tax_amounts": [],
        "transfer_data": null,
    });
    if generation == Generation::Old {
        members["rendering_options"] = Value::Null;
    }
    members
}

fn from_basil(invoice: &Invoice) -> Value {
    let parent = invoice.subscription.as_ref().map(|subscription| {
        json!({
            "quote_details": null,
            "subscription_details": {
                "metadata": invoice.subscription_metadata, "subscription": subscription,
            },
            "type": "subscription_details",
        })
    });
    json!({ "amount_overpaid": 0, "parent": parent, "total_taxes": [] })
}

/// What is null in every invoice here.
const NULL: [&str; 22] = [
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_address",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "description",
    "footer",
    "from_invoice",
    "last_finalization_error",
    "latest_revision",
    "on_behalf_of",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "test_clock",
    "webhooks_delivered_at",
];

/// What every invoice here has in common.
fn always() -> Value {
    let mut members = json!({
        "account_country": "US", "account_name": "Scrip", "amount_shipping": 0,
        "automatic_tax": {
            "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null,
        },
        "customer_email": "buyer@example.com", "customer_name": "A Buyer", "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_tax_rates": [], "issuer": { "type": "self" }, "livemode": false,
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
        },
        "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
    });
    add_nulls(&mut members, &NULL);
    members
}

/// The link from an invoice to a payment, which versions from basil on have.
pub fn payment_of_invoice(payment: &InvoicePayment) -> Value {
    json!({
        "id": payment.id, "object": "invoice_payment", "amount_paid": payment.amount_paid,
        "amount_requested": payment.amount_requested, "created": seconds(Some(payment.created)),
        "currency": CURRENCY, "invoice": payment.invoice, "is_default": payment.is_default,
        "livemode": false, "payment": { "payment_intent": payment.intent, "type": "payment_intent" },
        "status": payment.status.name(),
        "status_transitions": {
            "canceled_at": seconds(payment.canceled_at), "paid_at": seconds(payment.paid_at),
        },
    })
}
