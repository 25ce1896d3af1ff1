//! The 30-day money-back guarantee (docs/rules.md).

use scrip_accounts::{
    EntryKind::{Refund, RefundFailed},
    OutflowKind, PurchaseId, PurchaseStatus, RefundId, Refusal,
    facts::MoneyFacts,
    money_back::{self, Ending},
};
use scrip_pricing::Credits;

use crate::shop::{Invoice, Provider, Shop, Step, pack, time};

fn id(text: &str) -> PurchaseId {
    PurchaseId::parse(text).unwrap()
}

/// An account with a pack for 900 cents, and what the provider shows.
fn bought(amount: u64) -> (Provider, Shop) {
    let provider = Provider::after(&[Step::Pack("pi_1", "2026-11-03", vec![pack("tune_pack", 1)], amount)]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    shop.take_kinds();
    (provider, shop)
}

fn request(shop: &mut Shop, purchase: &str, now: &str) -> Result<(), Refusal> {
    let known = shop.purchases.get(&id(purchase)).and_then(|purchase| purchase.subscription_id.clone());
    let records = shop.records(known.as_ref(), [id(purchase)].iter());
    let decision = money_back::request(&shop.account, &records, &id(purchase), None, time(now))?;
    shop.append(decision);
    Ok(())
}

fn money(provider: &Provider, subject: &str) -> MoneyFacts {
    provider.facts(subject).money.remove(0)
}

#[test]
fn it_ends_after_thirty_days_to_the_second() {
    for (now, refused) in [
        ("2026-12-03T09:00:00Z", None),
        ("2026-12-03T09:00:01Z", Some(Refusal::RefundWindowClosed { closed_at: time("2026-12-03") })),
    ] {
        let (_, mut shop) = bought(900);
        assert_eq!(request(&mut shop, "pi_1", now).err(), refused, "at {now}");
    }
}

#[test]
fn without_a_payment_there_is_nothing_to_refund() {
    let (_, mut shop) = bought(0);
    assert_eq!(request(&mut shop, "pi_1", "2026-11-04"), Err(Refusal::NothingToRefund));
    assert_eq!(request(&mut shop, "pi_2", "2026-11-04"), Err(Refusal::PurchaseNotFound));
    assert_eq!(shop.account.balance, Credits::new(0, 1, 64));
}

#[test]
fn credits_go_with_the_request_and_stay_gone() {
    let (mut provider, mut shop) = bought(900);
    request(&mut shop, "pi_1", "2026-11-04").unwrap();
    assert_eq!((shop.take_kinds(), shop.account.balance), (vec![Refund], Credits::ZERO));
    // A look that came before Stripe was asked gives nothing back.
    shop.look(&provider, "2026-11-04");
    assert_eq!(shop.take_kinds(), []);
    provider.take(Step::Outflow("pi_1", "re_1", OutflowKind::Refund, 900, "2026-11-04"));
    let records = shop.records(None, [id("pi_1")].iter());
    let ours = [RefundId::parse("re_1").unwrap()];
    let now = time("2026-11-04");
    let confirmed = money_back::confirmed(&shop.account, &records, &money(&provider, "pi_1"), 0, &ours, now);
    shop.append(confirmed.unwrap());
    let purchase = &shop.purchases[&id("pi_1")];
    assert_eq!(purchase.status(), PurchaseStatus::Refunded);
    assert_eq!(purchase.money_back.as_ref().unwrap().amount, 900);
    assert_eq!((shop.take_kinds(), shop.account.balance), (vec![], Credits::ZERO));
    // It fails a week later.
    provider.take(Step::Back("pi_1", "re_1"));
    shop.look(&provider, "2026-11-11");
    assert_eq!((shop.take_kinds(), shop.account.balance), (vec![RefundFailed], Credits::new(0, 1, 64)));
    assert_eq!(shop.purchases[&id("pi_1")].refunds_failed, 1);
    // It may be asked for again.
    request(&mut shop, "pi_1", "2026-11-12").unwrap();
    assert_eq!(shop.take_kinds(), [Refund]);
}

/// What the answer of a request was lost for is known by the refund's metadata, whoever's refunds stand beside it.
#[test]
fn its_amount_is_the_sum_of_its_own_refunds() {
    let gone = |id, amount| Step::Outflow("pi_1", id, OutflowKind::Refund, amount, "2026-11-04");
    for (what, steps, answered, amount, refunds) in [
        ("its own", vec![gone("re_1", 900), Step::Own("re_1", 0)], vec!["re_1"], 900, vec!["re_1"]),
        ("its answer was lost", vec![gone("re_1", 900), Step::Own("re_1", 0)], vec![], 900, vec!["re_1"]),
        (
            "a part of it was, and the rest asked for by a new key",
            vec![gone("re_1", 300), gone("re_2", 600), Step::Own("re_1", 0), Step::Own("re_2", 0)],
            vec!["re_2"],
            900,
            vec!["re_1", "re_2"],
        ),
        (
            "the merchant refunded a part",
            vec![gone("re_1", 300), gone("re_2", 600), Step::Own("re_2", 0)],
            vec![],
            600,
            vec!["re_2"],
        ),
        (
            "an earlier attempt was made after all",
            vec![gone("re_1", 300), gone("re_2", 600), Step::Own("re_1", 7), Step::Own("re_2", 0)],
            vec!["re_2"],
            900,
            vec!["re_1", "re_2"],
        ),
        ("the merchant refunded all", vec![gone("re_1", 900)], vec![], 0, vec![]),
    ] {
        // The confirmation finds it, or the look of an event does.
        for is_confirmed in [true, false] {
            let (mut provider, mut shop) = bought(900);
            request(&mut shop, "pi_1", "2026-11-04").unwrap();
            steps.iter().cloned().for_each(|step| provider.take(step));
            if is_confirmed {
                let records = shop.records(None, [id("pi_1")].iter());
                let ours: Vec<_> = answered.iter().map(|id| RefundId::parse(*id).unwrap()).collect();
                let (money, now) = (money(&provider, "pi_1"), time("2026-11-04"));
                let confirmed = money_back::confirmed(&shop.account, &records, &money, 0, &ours, now);
                shop.append(confirmed.unwrap());
            } else {
                shop.look(&provider, "2026-11-04");
            }
            let refund = shop.purchases[&id("pi_1")].money_back.clone().unwrap();
            let ids: Vec<_> = refund.refund_ids.iter().map(RefundId::as_str).collect();
            assert_eq!((refund.amount, &ids), (amount, &refunds), "{what}, confirmed: {is_confirmed}");
        }
    }
}

/// A refund of the merchant's that fails takes none of ours with it; ours does.
#[test]
fn it_lasts_as_long_as_its_own_refunds() {
    let gone = |id, amount| Step::Outflow("pi_1", id, OutflowKind::Refund, amount, "2026-11-04");
    let both = || vec![gone("re_1", 300), gone("re_2", 600)];
    for (what, own, failed, is_given_up) in [
        ("the merchant's fails", Some("re_2"), "re_1", false),
        ("its own fails", Some("re_2"), "re_2", true),
        ("all were the merchant's", None, "re_1", true),
    ] {
        let (mut provider, mut shop) = bought(900);
        request(&mut shop, "pi_1", "2026-11-04").unwrap();
        both().into_iter().chain(own.map(|id| Step::Own(id, 0))).for_each(|step| provider.take(step));
        shop.look(&provider, "2026-11-04");
        provider.take(Step::Back("pi_1", failed));
        shop.look(&provider, "2026-11-05");
        let purchase = &shop.purchases[&id("pi_1")];
        assert_eq!(purchase.money_back.is_none(), is_given_up, "{what}");
        assert_eq!(purchase.refunds_failed, u32::from(is_given_up), "{what}");
        let refund = if failed == "re_1" { 600 } else { 300 };
        assert_eq!(purchase.outflow(OutflowKind::Refund), refund, "{what}");
    }
}

/// Case 28: 300 of 900 went back before.
#[test]
fn only_the_remaining_money_is_refunded() {
    let (mut provider, mut shop) = bought(900);
    provider.take(Step::Outflow("pi_1", "re_1", OutflowKind::Refund, 300, "2026-11-05"));
    shop.look(&provider, "2026-11-05");
    assert_eq!(shop.account.balance, Credits::new(0, 1, 64 - 21));
    request(&mut shop, "pi_1", "2026-11-06").unwrap();
    let purchase = &shop.purchases[&id("pi_1")];
    assert_eq!((purchase.money_back.as_ref().unwrap().amount, shop.account.balance), (600, Credits::ZERO));
    assert_eq!(purchase.revoked, Credits::new(0, 1, 64));
}

/// Case 29: what a dispute holds doesn't come back with a refusal.
#[test]
fn a_declined_refund_gives_back_its_revoked_credits() {
    for (is_disputed, balance) in [(false, Credits::new(0, 1, 64)), (true, Credits::ZERO)] {
        let (mut provider, mut shop) = bought(900);
        if is_disputed {
            provider.take(Step::Outflow("pi_1", "dp_1", OutflowKind::Dispute, 900, "2026-11-05"));
            shop.look(&provider, "2026-11-05");
        }
        request(&mut shop, "pi_1", "2026-11-06").unwrap();
        let records = shop.records(None, [id("pi_1")].iter());
        let refused =
            money_back::refused(&shop.account, &records, &id("pi_1"), 0, time("2026-11-06")).unwrap();
        shop.append(refused);
        assert_eq!(shop.account.balance, balance, "disputed: {is_disputed}");
        // An answer to an attempt that is over changes nothing.
        let records = shop.records(None, [id("pi_1")].iter());
        let again = money_back::refused(&shop.account, &records, &id("pi_1"), 0, time("2026-11-07")).unwrap();
        assert_eq!(again, scrip_accounts::Decision::default());
    }
}

#[test]
fn the_subscription_ends_with_its_payment() {
    let basic = || Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2026-12-03"));
    let up = || Step::Invoice(Invoice::new("in_2", "business", "2026-11-05", "2026-12-03").change(3000));
    let renewal = || Step::Invoice(Invoice::new("in_3", "basic", "2026-12-03", "2027-01-03"));
    for (steps, purchase, ending) in [
        (vec![basic()], "in_1", Some(Ending::Now)),
        (vec![basic(), up()], "in_1", Some(Ending::Now)),
        (vec![basic(), up()], "in_2", Some(Ending::WithPeriod)),
        (vec![basic(), renewal()], "in_1", None),
        (vec![basic(), renewal()], "in_3", Some(Ending::Now)),
    ] {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&Provider::after(&steps), "2026-12-03");
        let sub = shop.subscriptions.keys().next().cloned();
        let records = shop.records(sub.as_ref(), [id(purchase)].iter());
        let found = money_back::ending(&records, &id(purchase)).map(|(_, ending)| ending);
        assert_eq!(found, ending, "{purchase} of {steps:?}");
    }
}

/// The guarantee is no discount: what an upgrade or a downgrade stands on ends it.
#[test]
fn a_refund_of_the_first_payment_ends_the_changes_after_it() {
    let basic = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2027-11-03"));
    let business = Step::Invoice(Invoice::new("in_1", "business", "2026-11-03", "2026-12-03"));
    let up = Step::Invoice(Invoice::new("in_2", "business", "2026-11-05", "2027-11-03").change(3000));
    let down = Step::Invoice(Invoice::new("in_2", "basic", "2026-11-05", "2026-12-03").change(0));
    for steps in [vec![basic, up], vec![business, down]] {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&Provider::after(&steps), "2026-11-06");
        request(&mut shop, "in_1", "2026-11-06").unwrap();
        assert_eq!(shop.playground(), 0, "{steps:?}");
        assert!(!shop.account.is_active(time("2026-11-07")), "{steps:?}");
    }
}
