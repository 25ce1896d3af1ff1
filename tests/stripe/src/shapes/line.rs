//! Lines of invoices.
//!
//! Invariant: from basil on a line names its price by id only, and what it comes from under `parent`.

use super::{merge, price};
use crate::{
    generation::Generation,
    plan::CURRENCY,
    records::{Invoice, Line},
};
use serde_json::{Value, json};

pub fn line(invoice: &Invoice, line: &Line, generation: Generation) -> Value {
    let discount = invoice.discount.as_ref().filter(|_| line.discount != 0);
    let discounts: Vec<_> =
        discount.iter().map(|known| json!({ "amount": line.discount, "discount": known.id })).collect();
    let credits: Vec<_> = discount
        .iter()
        .map(|known| json!({ "amount": line.discount, "discount": known.id, "type": "discount" }))
        .collect();
    let mut object = json!({
        "id": line.id, "object": "line_item", "amount": line.amount, "currency": CURRENCY,
        "description": line.description, "discount_amounts": discounts,
        "discountable": line.proration.is_none(), "discounts": [], "invoice": invoice.id,
        "livemode": false, "metadata": line.metadata,
        "period": { "end": line.period.1.timestamp(), "start": line.period.0.timestamp() },
        "pretax_credit_amounts": credits, "quantity": line.quantity,
    });
    if generation < Generation::Basil {
        merge(&mut object, priced_whole(line, generation));
    } else {
        let unit = line.proration.is_none().then(|| line.price.unit_amount.to_string());
        object["parent"] = parent(line);
        object["pricing"] = json!({
            "price_details": { "price": line.price.id, "product": line.price.product },
            "type": "price_details", "unit_amount_decimal": unit,
        });
        object["taxes"] = json!([]);
    }
    if generation >= Generation::Dahlia {
        object["quantity_decimal"] = json!(line.quantity.to_string());
        object["subtotal"] = json!(line.amount);
    }
    object
}

fn proration_details(line: &Line) -> Value {
    let credited = line.proration.as_ref().and_then(|proration| proration.credited.as_ref());
    let credited = credited.map(|(of, line)| json!({ "invoice": of, "invoice_line_items": [line] }));
    json!({ "credited_items": credited })
}

/// What a line had before basil.
fn priced_whole(line: &Line, generation: Generation) -> Value {
    let unit = line.amount.checked_div(line.quantity).unwrap_or_default();
    let mut members = json!({
        "amount_excluding_tax": line.amount, "plan": price::legacy(&line.price, generation),
        "price": price::price(&line.price, generation), "proration": line.proration.is_some(),
        "proration_details": proration_details(line), "subscription": line.subscription,
        "tax_amounts": [], "tax_rates": [],
        "type": if line.invoice_item.is_some() { "invoiceitem" } else { "subscription" },
        "unit_amount_excluding_tax": unit.to_string(),
    });
    if let Some(item) = &line.item {
        members["subscription_item"] = json!(item);
    }
    if let Some(item) = &line.invoice_item {
        members["invoice_item"] = json!(item);
    }
    members
}

/// A proration is an invoice item, or in the flexible billing mode its subscription item's.
fn parent(line: &Line) -> Value {
    let details = proration_details(line);
    let is_proration = line.proration.is_some();
    let is_items = line.item.is_some() && (line.invoice_item.is_none() || line.flexible);
    if is_items {
        json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": line.invoice_item, "proration": is_proration, "proration_details": details,
                "subscription": line.subscription, "subscription_item": line.item,
            },
            "type": "subscription_item_details",
        })
    } else {
        json!({
            "invoice_item_details": {
                "invoice_item": line.invoice_item, "proration": is_proration, "proration_details": details,
                "subscription": line.subscription,
            },
            "subscription_item_details": null, "type": "invoice_item_details",
        })
    }
}
