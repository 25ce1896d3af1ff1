//! Which account payments, purchases and customers belong to.

use scrip_accounts::{CustomerId, PaymentId, PurchaseId, Refusal, facts::Facts};
use serde_json::json;

use crate::{
    facts::{pack, past_due, plan},
    outcome::{Outcome, name},
    world::{NOW, WRITE, World},
};

fn payment(id: &str) -> PaymentId {
    PaymentId::parse(id).unwrap()
}

fn purchase(id: &str) -> PurchaseId {
    PurchaseId::parse(id).unwrap()
}

fn customer(id: &str) -> CustomerId {
    CustomerId::parse(id).unwrap()
}

#[tokio::test]
async fn a_purchase_records_the_account_of_its_payment_and_customer() {
    let world = World::empty().await;
    assert_eq!(world.ledger.payment(&payment("pay-pi_1")).await.unwrap(), None);
    assert_eq!(world.ledger.payment(&payment("pi_1")).await.unwrap(), None);
    assert_eq!(world.ledger.customer(&customer("cus_1")).await.unwrap(), None);
    let facts = pack("pi_1");
    world.buy(&facts).await.unwrap();
    let owner = Some((world.account.clone(), purchase("pi_1")));
    assert_eq!(world.ledger.payment(&payment("pay-pi_1")).await.unwrap(), owner);
    // A purchase is found by its own id as well.
    assert_eq!(world.ledger.payment(&payment("pi_1")).await.unwrap(), owner);
    assert_eq!(world.ledger.customer(&customer("cus_1")).await.unwrap(), Some(world.account.clone()));
    let record = world.ledger.purchase(&world.account, &purchase("pi_1")).await.unwrap().unwrap();
    let paid = &facts.paid[0];
    assert_eq!((record.revision, &record.lines), (1, &paid.packs));
    assert_eq!((record.amount, record.paid_at), (paid.amount, paid.paid_at.time()));
    assert_eq!((&record.payment_ids, &record.customer_id), (&paid.payment_ids, &paid.customer_id));
    assert_eq!(world.ledger.purchase(&world.of("bob").account, &purchase("pi_1")).await.unwrap(), None);
    // What names no account names none by its customer.
    assert_eq!(world.row("CUSTOMER#cus_1", "CUSTOMER").await, json!({"account_id": "alice"}));
}

/// A customer's row has no purchase in it, so it never stands for a payment.
#[tokio::test]
async fn a_payment_leads_to_nothing_but_its_purchase() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    assert_eq!(world.ledger.payment(&payment("cus_1")).await.unwrap(), None);
    assert_eq!(world.ledger.customer(&customer("pi_1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_payment_that_is_known_later_leads_to_its_purchase() {
    let world = World::empty().await;
    let mut facts = pack("in_1");
    facts.paid[0].payment_ids.clear();
    world.buy(&facts).await.unwrap();
    assert_eq!(world.ledger.payment(&payment("pay_1")).await.unwrap(), None);
    facts.paid[0].payment_ids = vec![payment("pay_1"), payment("pay_2")];
    assert_eq!(name(&world.buy(&facts).await), ("recorded", 1));
    for id in ["pay_1", "pay_2", "in_1"] {
        let owner = Some((world.account.clone(), purchase("in_1")));
        assert_eq!(world.ledger.payment(&payment(id)).await.unwrap(), owner, "{id}");
    }
    // What is known of a purchase stands, though the provider shows less of it.
    facts.paid[0].payment_ids = vec![payment("pay_1")];
    assert_eq!(name(&world.buy(&facts).await), ("unchanged", 1));
}

/// The payments of an invoice are listed once each; a list that names one twice isn't two writes of one item.
#[tokio::test]
async fn a_payment_that_is_listed_twice_is_recorded_once() {
    let world = World::empty().await;
    let mut facts = pack("in_1");
    facts.paid[0].payment_ids = vec![payment("pay_1"), payment("pay_1")];
    assert_eq!(name(&world.buy(&facts).await), ("appended", 1));
}

/// Invoices that one look records together may have been paid by one payment.
#[tokio::test]
async fn invoices_that_one_payment_paid_are_recorded_together() {
    let world = World::empty().await;
    let mut facts = plan("in_1", "sub_1", "2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z");
    let second = plan("in_2", "sub_1", NOW, "2027-01-20T00:00:00Z").paid.remove(0);
    facts.paid.push(second);
    for paid in &mut facts.paid {
        paid.payment_ids = vec![payment("pay_1")];
    }
    assert_eq!(name(&world.buy(&facts).await), ("appended", 1));
    let (account, _) = world.ledger.payment(&payment("pay_1")).await.unwrap().unwrap();
    assert_eq!(account, world.account);
}

#[tokio::test]
async fn a_payment_is_granted_to_one_account() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    let items = world.items().await;
    let bob = world.of("bob");
    // Under another id of the purchase too: the payment is what was paid. And the other way round: the purchase under
    // another payment.
    let mut again = pack("pi_2");
    again.paid[0].payment_ids = pack("pi_1").paid[0].payment_ids.clone();
    let mut unpaid = pack("pi_1");
    unpaid.paid[0].payment_ids.clear();
    for facts in [&pack("pi_1"), &again, &unpaid] {
        let outcome = bob.buy(facts).await.unwrap().outcome;
        assert_eq!(outcome, Outcome::Refused(Refusal::PaymentTaken));
    }
    assert_eq!(bob.ledger.account(&bob.account).await.unwrap(), None);
    assert_eq!(world.items().await, items);
    // The account itself may know it by another id.
    assert_eq!(name(&world.buy(&again).await), ("appended", 1));
    assert_eq!(name(&world.buy(&pack("pi_1")).await), ("unchanged", 1));
}

#[tokio::test]
async fn a_subscription_stays_with_its_account() {
    let world = World::new().await;
    let items = world.items().await;
    let bob = world.of("bob");
    // With its first payment, a renewal, and none at all.
    for facts in [
        plan("in_1", "sub_1", "2026-11-20T00:00:00Z", "2027-11-20T00:00:00Z"),
        plan("in_2", "sub_1", NOW, "2027-12-20T00:00:00Z"),
        past_due("sub_1"),
    ] {
        let outcome = bob.reconcile(&facts).await.unwrap();
        assert_eq!((outcome.outcome, outcome.attempts), (Outcome::Refused(Refusal::PaymentTaken), 1));
        assert_eq!(bob.preview(&facts).await.unwrap(), Err(Refusal::PaymentTaken));
    }
    assert_eq!(world.items().await, items);
}

#[tokio::test]
async fn a_customer_stays_with_the_account_that_it_bought_for_first() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    // Who finds the customer known names none.
    let mut facts = pack("pi_2");
    facts.new_customer = None;
    assert_eq!(name(&world.of("bob").buy(&facts).await), ("appended", 1));
    assert_eq!(world.ledger.customer(&customer("cus_1")).await.unwrap(), Some(world.account.clone()));
    // A look that changes no purchase writes no customer either.
    let only_customer = Facts { new_customer: Some(customer("cus_2")), ..past_due("sub_9") };
    assert_eq!(name(&world.reconcile(&only_customer).await), ("unchanged", 1));
    assert_eq!(world.ledger.customer(&customer("cus_2")).await.unwrap(), None);
}

#[tokio::test]
async fn a_customer_that_buys_for_two_accounts_at_once_stays_with_the_first() {
    for request in ["Query", "GetItem", WRITE] {
        let world = World::empty().await;
        // Both looked before either wrote, so both take the customer for new.
        world.meanwhile(request, async |world| {
            assert_eq!(name(&world.of("bob").buy(&pack("pi_1")).await), ("appended", 1));
        });
        // The purchase itself is granted.
        assert_eq!(name(&world.buy(&pack("pi_2")).await), ("appended", 1), "{request}");
        // The write is sent once more, without the customer.
        assert_eq!(world.faults.asked(), ["Query", "GetItem", WRITE, WRITE], "{request}");
        let owner = world.ledger.customer(&customer("cus_1")).await.unwrap();
        assert_eq!(owner, Some(world.of("bob").account), "{request}");
    }
}
