//! Whose payments, customers and invoices are, and events that are parked.

use credits::{AccountId, CustomerId, EventId, PaymentId, PurchaseId, Refusal};
use ledger::{Outcome, Parked};

use crate::{
    faults::Fault,
    world::{NOW, WRITE, World, name, pack, time},
};

fn parked(event: &str, reason: &str) -> Parked {
    Parked {
        event_id: EventId::parse(event).unwrap(),
        event_type: "invoice.paid".to_owned(),
        reason: reason.to_owned(),
        parked_at: time(NOW),
        body: "{\"id\": \"evt\"}".to_owned(),
    }
}

#[tokio::test]
async fn an_event_is_parked_until_it_is_forgotten() {
    let world = World::empty().await;
    let first = parked("evt_1", "unknown SKU");
    assert_eq!(world.ledger.parked(&first.event_id).await.unwrap(), None);
    // Forgetting what isn't there is no mistake.
    world.ledger.unpark(&first.event_id).await.unwrap();
    world.ledger.park(&first).await.unwrap();
    assert_eq!(world.ledger.parked(&first.event_id).await.unwrap(), Some(first.clone()));
    assert_eq!(world.keys().await, ["PARKED#evt_1 PARKED"]);
    // What is parked again stands as it was said last.
    let again = parked("evt_1", "no such account");
    world.ledger.park(&again).await.unwrap();
    world.ledger.park(&parked("evt_2", "another")).await.unwrap();
    assert_eq!(world.ledger.parked(&first.event_id).await.unwrap(), Some(again));
    world.ledger.unpark(&first.event_id).await.unwrap();
    assert_eq!(world.keys().await, ["PARKED#evt_2 PARKED"]);
}

#[tokio::test]
async fn a_customer_pays_for_the_account_that_was_named_last() {
    let world = World::empty().await;
    let customer = CustomerId::parse("cus_9").unwrap();
    assert_eq!(world.ledger.customer(&customer).await.unwrap(), None);
    for account in ["alice", "bob"] {
        let account = AccountId::parse(account).unwrap();
        world.ledger.own_customer(&customer, &account).await.unwrap();
        assert_eq!(world.ledger.customer(&customer).await.unwrap(), Some(account));
    }
    assert_eq!(world.keys().await, ["CUSTOMER#cus_9 CUSTOMER"]);
}

#[tokio::test]
async fn a_purchase_says_whose_its_payment_and_customer_are() {
    let world = World::empty().await;
    let (payment, purchase) = (PaymentId::parse("pay-pi_1").unwrap(), PurchaseId::parse("pi_1").unwrap());
    assert_eq!(world.ledger.payment(&payment).await.unwrap(), None);
    world.buy(&pack("pi_1")).await.unwrap();
    let owner = (world.account.clone(), purchase.clone());
    assert_eq!(world.ledger.payment(&payment).await.unwrap(), Some(owner));
    let customer = CustomerId::parse("cus_1").unwrap();
    assert_eq!(world.ledger.customer(&customer).await.unwrap(), Some(world.account.clone()));
    let record = world.ledger.purchase(&world.account, &purchase).await.unwrap().unwrap();
    assert_eq!((record.revision, record.payment), (1, pack("pi_1")));
    assert_eq!(world.ledger.purchase(&world.of("bob").account, &purchase).await.unwrap(), None);
}

#[tokio::test]
async fn a_payment_that_is_known_later_leads_to_its_purchase() {
    let world = World::empty().await;
    let (payment, purchase) = (PaymentId::parse("pay_1").unwrap(), PurchaseId::parse("in_1").unwrap());
    // Linked before the purchase is known: it leads nowhere yet.
    assert!(world.ledger.link_payment(&payment, &purchase).await.unwrap());
    assert_eq!(world.ledger.payment(&payment).await.unwrap(), None);
    assert!(!world.ledger.is_granted(&purchase).await.unwrap());
    let mut invoice = pack("in_1");
    invoice.payment_id = None;
    world.buy(&invoice).await.unwrap();
    assert!(world.ledger.is_granted(&purchase).await.unwrap());
    let owner = Some((world.account.clone(), purchase));
    assert_eq!(world.ledger.payment(&payment).await.unwrap(), owner);
    // What is known of a payment stands.
    let other = PurchaseId::parse("in_2").unwrap();
    assert!(!world.ledger.link_payment(&payment, &other).await.unwrap());
    assert_eq!(world.ledger.payment(&payment).await.unwrap(), owner);
}

#[tokio::test]
async fn an_invoice_may_be_for_what_a_session_granted() {
    let world = World::empty().await;
    let (invoice, session) = (PurchaseId::parse("in_1").unwrap(), PurchaseId::parse("cs_1").unwrap());
    assert!(!world.ledger.is_granted(&invoice).await.unwrap());
    world.ledger.link_invoice(&invoice, &world.account, &session).await.unwrap();
    assert!(world.ledger.is_granted(&invoice).await.unwrap());
    let row = world.row("PAYMENT#in_1", "PAYMENT").await;
    assert_eq!(row, serde_json::json!({"account_id": "alice", "purchase_id": "cs_1"}));
}

#[tokio::test]
async fn what_was_paid_is_granted_to_one_account() {
    let world = World::empty().await;
    world.buy(&pack("pi_1")).await.unwrap();
    let bob = world.of("bob");
    // Under another id of the purchase too: the payment is what was paid.
    let mut again = pack("pi_2");
    again.payment_id = pack("pi_1").payment_id;
    for payment in [&pack("pi_1"), &again] {
        let outcome = bob.buy(payment).await.unwrap().outcome;
        assert_eq!(outcome, Outcome::Refused(Refusal::PaymentTaken));
    }
    assert_eq!(bob.ledger.account(&bob.account).await.unwrap(), None);
    // The account itself may be told of it by another id.
    assert_eq!(name(&world.buy(&again).await), ("appended", 1));
    assert_eq!(name(&world.buy(&pack("pi_1")).await), ("replayed", 1));
}

#[tokio::test]
async fn what_is_kept_beside_accounts_waits_out_what_passes() {
    let world = World::empty().await;
    let (payment, purchase) = (PaymentId::parse("pay_1").unwrap(), PurchaseId::parse("in_1").unwrap());
    for fault in [
        Fault::cancelled(&["TransactionConflict"]),
        Fault::cancelled(&["ThrottlingError"]),
        Fault::service(400, "ThrottlingException"),
        Fault::LostBefore,
    ] {
        world.faults.next(WRITE, fault);
        world.ledger.park(&parked("evt_1", "unknown SKU")).await.unwrap();
        assert_eq!(world.faults.asked(), [WRITE, WRITE]);
    }
    // Its own write, whose answer was lost, is what is known then.
    world.faults.next(WRITE, Fault::LostAfter);
    assert!(!world.ledger.link_payment(&payment, &purchase).await.unwrap());
    for fault in [
        Fault::cancelled(&["ValidationError"]),
        Fault::cancelled(&["ConditionalCheckFailed"]),
        Fault::service(400, "AccessDeniedException"),
    ] {
        world.faults.asked();
        world.faults.next(WRITE, fault);
        let error = world.ledger.unpark(&EventId::parse("evt_1").unwrap()).await.unwrap_err();
        assert!(error.to_string().starts_with("could not forget a parked event: "), "{error}");
        assert_eq!(world.faults.asked(), [WRITE]);
    }
}
