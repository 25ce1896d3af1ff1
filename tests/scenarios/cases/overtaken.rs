//! A look at Stripe that takes long, and is overtaken by one that began later: what was read last stays.

use scrip_stripe_model::{Fault, Generation, Hold};
use serde_json::{Value, json};

use super::Buyer;
use crate::api::credits;

const NOW: &str = "2026-11-03T09:00:00Z";

/// The last that is read of a payment's money, and what is read of a subscription's.
const DISPUTES: &str = "GET /v1/disputes";

/// Buys, disputes all of it, and lets that be read, but not written before the dispute is won and that was looked at;
/// `refunded` of the money is refunded with it. The outcomes of the two looks, the one of the later event first.
async fn overtaken(buyer: &Buyer<'_>, payment: &str, refunded: Option<i64>) -> (String, String) {
    let hold = Hold::default();
    buyer.stripe.fault(DISPUTES, Fault::Held(hold.clone()));
    let (dispute, disputed) = buyer.stripe.dispute(payment);
    let disputed = disputed.into_iter().find(|event| event.kind() == "charge.dispute.created").unwrap();
    let later = async {
        hold.is_held().await;
        let mut events = buyer.stripe.win_dispute(&dispute);
        if let Some(amount) = refunded {
            events.extend(buyer.stripe.refund_in_dashboard(payment, Some(amount)).unwrap().1);
        }
        let outcome = buyer.outcome_of(&events.pop().unwrap()).await;
        hold.let_go();
        outcome
    };
    let (earlier, later) = tokio::join!(buyer.outcome_of(&disputed), later);
    (later, earlier)
}

async fn kinds(buyer: &Buyer<'_>) -> Vec<Value> {
    buyer.entries().await.iter().map(|entry| entry["kind"].clone()).collect()
}

#[tokio::test]
async fn what_was_read_before_is_not_written_over_what_was_read_since() {
    let buyer = Buyer::new(Generation::Dahlia, NOW);
    let payment = buyer.buy(&buyer.once(&[("tune_pack", 2)])).await.payment_intent.unwrap();
    assert_eq!(overtaken(&buyer, &payment, Some(900)).await, ("applied".to_owned(), "unchanged".to_owned()));
    assert_eq!(buyer.balance(NOW).await, credits(0, 1, 64));
    assert_eq!(kinds(&buyer).await, [json!("purchase"), json!("refund")]);
}

/// The later look finds everything as it was, and has nothing to write.
#[tokio::test]
async fn a_look_that_changes_nothing_holds_back_an_older_one() {
    for sku in ["tune_pack", "basic_monthly"] {
        let buyer = Buyer::new(Generation::Dahlia, NOW);
        let cart = if sku == "tune_pack" { buyer.once(&[(sku, 1)]) } else { buyer.plan(&[(sku, 1)]) };
        let payment = buyer.buy(&cart).await.payment_intent.unwrap();
        let bought = buyer.balance(NOW).await;
        assert_eq!(
            overtaken(&buyer, &payment, None).await,
            ("unchanged".to_owned(), "unchanged".to_owned()),
            "{sku}"
        );
        assert_eq!(buyer.balance(NOW).await, bought, "{sku}");
        assert_eq!(kinds(&buyer).await, [json!("purchase")], "{sku}");
    }
}
