//! The answers to a command: the first time, to a retry, under another command's key, and if nothing is written.

use scrip_accounts::{Period, Refusal, Sequence, SubscriptionStatus};
use scrip_pricing::Credits;

use crate::{
    facts::{ended, pack, past_due, plan, settled},
    outcome::{Outcome, name},
    world::{NOW, World, time},
};

#[tokio::test]
async fn a_command_is_carried_out_once_and_answered_the_same_forever() {
    let world = World::new().await;
    let Outcome::Appended(first) = world.take("d", 10).await.unwrap().outcome else { panic!() };
    assert_eq!((first.account.sequence, first.account.balance.playground()), (Sequence::new(2), 990));
    world.take("other", 1).await.unwrap();
    assert_eq!(world.take("d", 10).await.unwrap().outcome, Outcome::Replayed(first));
    // The same key means something else in another kind of command, and in another account.
    assert_eq!(name(&world.reverse("d", "d", 1).await), ("appended", 1));
    assert_eq!(name(&world.of("bob").take("d", 10).await), ("refused", 1));
    assert_eq!(world.balance().await, 990);
}

#[tokio::test]
async fn a_key_is_not_used_for_another_request() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    assert_eq!(name(&world.take("d", 11).await), ("key reused", 1));
    // The key is looked up even if the command would be refused.
    assert_eq!(name(&world.take("d", 100).await), ("key reused", 1));
    world.reverse("r", "d", 1).await.unwrap();
    assert_eq!(name(&world.reverse("r", "d", 2).await), ("key reused", 1));
    assert_eq!(world.balance().await, 991);
}

#[tokio::test]
async fn a_retry_of_the_debit_that_emptied_the_account_gets_its_first_answer() {
    let world = World::new().await;
    world.take_all().await;
    assert_eq!(name(&world.take("all-9", 100).await), ("replayed", 1));
    assert_eq!(name(&world.take("all-10", 100).await), ("refused", 1));
    assert_eq!(name(&world.take("all-9", 99).await), ("key reused", 1));
}

#[tokio::test]
async fn a_refusal_says_why_and_writes_nothing() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let keys = world.keys().await;
    for (refused, why) in [
        (world.reverse("r", "unheard-of", 1).await, "DebitNotFound"),
        (world.reverse("r", "d", 11).await, "ExceedsDebit"),
        (world.ask_back("unheard-of").await, "PurchaseNotFound"),
        (world.of("bob").take("d", 1).await, "InsufficientCredits"),
    ] {
        let Outcome::Refused(refusal) = refused.unwrap().outcome else { panic!("{why}") };
        assert!(format!("{refusal:?}").starts_with(why), "{refusal:?}");
    }
    assert_eq!(world.keys().await, keys);
}

#[tokio::test]
async fn reversals_of_a_debit_add_up_to_it() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    // each on what the one before left of the debit
    for (key, credits, outcome, balance) in [
        ("r-1", 4, "appended", 994),
        ("r-2", 7, "refused", 994),
        ("r-2", 5, "appended", 999),
        ("r-3", 2, "refused", 999),
        ("r-3", 1, "appended", 1000),
        ("r-4", 1, "refused", 1000),
        ("r-1", 4, "replayed", 1000),
    ] {
        assert_eq!(name(&world.reverse(key, "d", credits).await), (outcome, 1), "{key} {credits}");
        assert_eq!(world.balance().await, balance, "{key} {credits}");
    }
}

#[tokio::test]
async fn an_account_is_as_its_newest_entry_left_it() {
    let world = World::empty().await;
    assert_eq!(world.ledger.account(&world.account).await.unwrap(), None);
    let Outcome::Appended(bought) = world.buy(&pack("pi_1")).await.unwrap().outcome else { panic!() };
    let account = world.ledger.account(&world.account).await.unwrap().unwrap();
    assert_eq!(account, bought.account);
    assert_eq!(account.balance, Credits::new(0, 1, 64));
    assert_eq!(world.ledger.account(&world.of("bob").account).await.unwrap(), None);
}

#[tokio::test]
async fn a_month_is_turned_once() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    let settled = world.turn_month("2026-12-01T00:00:00Z").await.unwrap();
    assert_eq!(settled.attempts, 1);
    let Outcome::Appended(refill) = settled.outcome else { panic!() };
    // The expiry of 990 came before it.
    assert_eq!((refill.account.sequence, refill.account.balance.playground()), (Sequence::new(4), 1000));
    assert_eq!(refill.account.period, "2026-12".parse::<Period>().unwrap());
    assert_eq!(name(&world.turn_month("2026-12-31T23:59:59Z").await), ("unchanged", 1));
    assert_eq!(world.ledger.account(&world.account).await.unwrap(), Some(refill.account));
    assert_eq!(world.balance().await, 1000);
}

#[tokio::test]
async fn a_debit_that_comes_first_in_a_month_turns_it() {
    let world = World::new().await;
    assert_eq!(name(&world.take_at("d", 10, "2026-12-01T00:00:00Z").await), ("appended", 1));
    let page = world.ledger.entries(&world.account, None, 100).await.unwrap();
    assert_eq!(page.entries.len(), 4);
    assert_eq!(world.balance().await, 990);
    // The retry is answered with the debit, not with what came with it.
    let Outcome::Replayed(debit) = world.take_at("d", 10, "2026-12-01T00:00:00Z").await.unwrap().outcome
    else {
        panic!()
    };
    assert_eq!(debit, page.entries[0]);
}

#[tokio::test]
async fn the_month_of_an_account_that_was_never_seen_writes_nothing() {
    let world = World::empty().await;
    assert_eq!(name(&world.turn_month(NOW).await), ("unchanged", 1));
    assert_eq!(world.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_reconciliation_changes_nothing() {
    let world = World::new().await;
    let later = "2026-11-22T12:00:00Z";
    let upgrade = plan("in_2", "sub_1", "2026-11-21T00:00:00Z", "2027-11-20T00:00:00Z");
    for (facts, first) in [
        // The account shows the status.
        (past_due("sub_1"), "appended"),
        // It is in order again.
        (settled("sub_1", "in_9"), "appended"),
        // Nothing that an entry carries changes.
        (settled("sub_1", "in_10"), "recorded"),
        (pack("pi_1"), "appended"),
        (upgrade, "appended"),
        (ended("sub_1", later), "appended"),
        // Nothing was ever paid for it.
        (past_due("sub_2"), "unchanged"),
        (ended("sub_2", later), "unchanged"),
    ] {
        assert_eq!(name(&world.reconcile(&facts).await), (first, 1), "{facts:?}");
        let items = world.items().await;
        assert_eq!(name(&world.reconcile(&facts).await), ("unchanged", 1), "{facts:?}");
        assert_eq!(world.items().await, items, "{facts:?}");
    }
}

#[tokio::test]
async fn a_subscription_that_ended_before_its_first_payment_is_known_is_paid_until_it_ended() {
    let world = World::new().await;
    let ended_at = "2026-11-22T12:00:00Z";
    let mut late = plan("in_2", "sub_2", "2026-11-22T11:00:00Z", "2026-12-22T11:00:00Z");
    late.subscription.as_mut().unwrap().ended_at = Some(time(ended_at).into());
    let Outcome::Appended(bought) = world.buy(&late).await.unwrap().outcome else { panic!() };
    let shown = bought.account.subscription(&late.subscription.unwrap().id).unwrap();
    assert_eq!((shown.status, shown.paid_through), (SubscriptionStatus::Canceled, time(ended_at)));
}

#[tokio::test]
async fn a_grant_above_the_limit_of_a_balance_is_refused() {
    let world = World::empty().await;
    let most = |id| {
        let mut facts = pack(id);
        facts.paid[0].packs[0].credits = Credits::new(0, Credits::MAX_OF_A_KIND, 0);
        facts
    };
    assert_eq!(name(&world.buy(&most("pi_1")).await), ("appended", 1));
    let items = world.items().await;
    let refused = world.buy(&most("pi_2")).await.unwrap().outcome;
    assert_eq!(refused, Outcome::Refused(Refusal::BalanceLimit));
    assert_eq!(world.items().await, items);
}

#[tokio::test]
async fn a_fifth_subscription_is_refused() {
    let world = World::new().await;
    let plan_of =
        |number: u32| plan(&format!("in_{number}"), &format!("sub_{number}"), NOW, "2026-12-22T10:00:00Z");
    for number in 2..=4 {
        assert_eq!(name(&world.buy(&plan_of(number)).await), ("appended", 1), "{number}");
    }
    let items = world.items().await;
    let refused = world.buy(&plan_of(5)).await.unwrap().outcome;
    assert_eq!(refused, Outcome::Refused(Refusal::TooManySubscriptions));
    assert_eq!(world.items().await, items);
}

/// The JSON's own SHA-256, as `sha256sum` computes it.
#[test]
fn a_request_is_known_by_its_fingerprint() {
    let fingerprint = scrip_ledger::fingerprint(&"a request").unwrap();
    assert_eq!(fingerprint, "a2984a68a4cb34fc7ed25e5a774ae8b9bfd304466523b5ba05d7cde72dd90c76");
}
