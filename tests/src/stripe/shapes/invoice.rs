//! Invoices, their lines and their payments.
//!
//! Invariant: `period_start` and `period_end` of an invoice are not what it pays for; its lines' are.

use super::{add, add_nulls, merge, seconds};
use crate::stripe::{
    generation::Generation,
    plan::{CURRENCY, price_id, product_id},
    records::{Invoice, InvoiceStatus, Line, Payment},
};
use serde_json::{Value, json};

/// How long after a failed attempt Stripe plans the next.
const RETRY_SECONDS: i64 = 3 * 24 * 60 * 60;

pub fn invoice(invoice: &Invoice, payment: Option<&Payment>, generation: Generation) -> Value {
    let paid = invoice.status == InvoiceStatus::Paid;
    let status = match invoice.status {
        InvoiceStatus::Draft => "draft",
        InvoiceStatus::Open => "open",
        InvoiceStatus::Paid => "paid",
    };
    let (due, total) = (invoice.due(), invoice.total());
    let lines: Vec<_> = invoice.lines.iter().map(|each| line(invoice, each, generation)).collect();
    let discounts = match invoice.discount() {
        0 => json!([]),
        discount => json!([{ "amount": discount, "discount": discount_id(invoice) }]),
    };
    let retry = invoice.finalized_at.filter(|_| !paid).map(|at| at.timestamp() + RETRY_SECONDS);
    let mut object = json!({
        "id": invoice.id, "object": "invoice", "amount_due": due,
        "amount_paid": if paid { due } else { 0 }, "amount_remaining": if paid { 0 } else { due },
        "attempt_count": u8::from(invoice.intent.is_some()), "attempted": invoice.finalized_at.is_some(),
        "auto_advance": !paid, "billing_reason": invoice.reason, "created": invoice.created.timestamp(),
        "currency": CURRENCY, "customer": invoice.customer,
        "discounts": if invoice.discount() > 0 { json!([discount_id(invoice)]) } else { json!([]) },
        "effective_at": seconds(invoice.finalized_at),
        "hosted_invoice_url": format!("https://invoice.stripe.com/i/acct_local/test_{}", invoice.id),
        "invoice_pdf": format!("https://pay.stripe.com/invoice/acct_local/test_{}/pdf", invoice.id),
        "lines": {
            "object": "list", "data": lines, "has_more": false, "total_count": invoice.lines.len(),
            "url": format!("/v1/invoices/{}/lines", invoice.id),
        },
        "next_payment_attempt": retry, "number": format!("SCRIP-{:04}", invoice.number),
        "period_end": invoice.period.1.timestamp(), "period_start": invoice.period.0.timestamp(),
        "status": status,
        "status_transitions": {
            "finalized_at": seconds(invoice.finalized_at), "marked_uncollectible_at": null,
            "paid_at": seconds(invoice.paid_at), "voided_at": null,
        },
        "subtotal": invoice.subtotal(), "subtotal_excluding_tax": invoice.subtotal(), "total": total,
        "total_discount_amounts": discounts, "total_excluding_tax": total,
    });
    let acacia = json!({
        "application_fee_amount": null, "charge": payment.map(|payment| &payment.charge),
        "discount": null, "paid": paid, "paid_out_of_band": false,
        "payment_intent": payment.map(|payment| &payment.intent), "quote": null,
        "subscription": invoice.subscription,
        "subscription_details": { "metadata": invoice.metadata }, "tax": null, "total_tax_amounts": [],
        "transfer_data": null,
    });
    let basil = json!({
        "amount_overpaid": 0,
        "parent": {
            "quote_details": null,
            "subscription_details": {
                "metadata": invoice.metadata, "subscription": invoice.subscription,
            },
            "type": "subscription_details",
        },
        "total_taxes": [],
    });
    add(&mut object, generation, acacia, basil);
    merge(&mut object, always());
    object
}

/// What is null in every invoice here.
const NULL: [&str; 23] = [
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
    "due_date",
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
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "status": null },
        "collection_method": "charge_automatically", "customer_email": "buyer@example.com",
        "customer_name": "A Buyer", "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_tax_rates": [], "ending_balance": 0, "issuer": { "type": "self" }, "livemode": false,
        "metadata": {},
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
        },
        "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0, "total_pretax_credit_amounts": [],
    });
    add_nulls(&mut members, &NULL);
    members
}

fn discount_id(invoice: &Invoice) -> String {
    format!("di_1{}", &invoice.id["in_1".len()..])
}

fn line(invoice: &Invoice, line: &Line, generation: Generation) -> Value {
    let proration = line.proration.as_ref();
    let credited = proration.and_then(|proration| proration.credited.as_ref());
    let credited = credited.map(|(of, line)| json!({ "invoice": of, "invoice_line_items": [line] }));
    let details = json!({ "credited_items": credited });
    let item = proration.map(|proration| &proration.invoice_item);
    let discounts = match line.discount {
        0 => json!([]),
        discount => json!([{ "amount": discount, "discount": discount_id(invoice) }]),
    };
    let mut object = json!({
        "id": line.id, "object": "line_item", "amount": line.amount, "currency": CURRENCY,
        "description": line.description, "discount_amounts": discounts,
        "discountable": proration.is_none(), "discounts": [], "invoice": invoice.id, "livemode": false,
        // An invoice item has metadata of its own, a subscription's line shows the subscription's.
        "metadata": if proration.is_none() { json!(invoice.metadata) } else { json!({}) },
        "period": { "end": line.period.1.timestamp(), "start": line.period.0.timestamp() },
        "pretax_credit_amounts": [], "quantity": 1,
    });
    let acacia = json!({
        "amount_excluding_tax": line.amount, "plan": line.plan.legacy(), "price": line.plan.price(),
        "proration": proration.is_some(), "proration_details": details,
        "subscription": invoice.subscription, "subscription_item": invoice.item, "tax_amounts": [],
        "tax_rates": [], "type": if proration.is_some() { "invoiceitem" } else { "subscription" },
        "unit_amount_excluding_tax": line.amount.to_string(),
    });
    let parent = if proration.is_some() {
        json!({
            "invoice_item_details": {
                "invoice_item": item, "proration": true, "proration_details": details,
                "subscription": invoice.subscription,
            },
            "subscription_item_details": null, "type": "invoice_item_details",
        })
    } else {
        json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null, "proration": false, "proration_details": details,
                "subscription": invoice.subscription, "subscription_item": invoice.item,
            },
            "type": "subscription_item_details",
        })
    };
    let basil = json!({
        "parent": parent,
        "pricing": {
            "price_details": { "price": price_id(&line.plan.sku), "product": product_id(&line.plan.sku) },
            "type": "price_details", "unit_amount_decimal": line.amount.to_string(),
        },
        "taxes": [],
    });
    add(&mut object, generation, acacia, basil);
    if let (Generation::Acacia, Some(item)) = (generation, item) {
        object["invoice_item"] = json!(item);
    }
    object
}

/// The link from an invoice to its payment, which only the newer generation has.
pub fn invoice_payment(invoice: &Invoice) -> Value {
    let paid = invoice.status == InvoiceStatus::Paid;
    json!({
        "id": invoice.payment_record, "object": "invoice_payment",
        "amount_paid": if paid { Some(invoice.due()) } else { None }, "amount_requested": invoice.due(),
        "created": seconds(invoice.finalized_at), "currency": CURRENCY, "invoice": invoice.id,
        "is_default": true, "livemode": false,
        "payment": { "payment_intent": invoice.intent, "type": "payment_intent" },
        "status": if paid { "paid" } else { "open" },
        "status_transitions": { "canceled_at": null, "paid_at": seconds(invoice.paid_at) },
    })
}
