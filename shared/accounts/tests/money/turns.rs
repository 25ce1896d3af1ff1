//! A fact that is seen after the month's turn leads to the same account as one that was seen before.

use scrip_accounts::EntryKind::{self, Expiry, Purchase, Refill, Subscription};

use crate::shop::{Invoice, Provider, Shop, Step, time};

#[test]
fn a_payment_of_last_month_that_is_seen_now_gives_this_months_credits() {
    type Row<'a> = (&'a [Step], bool, &'a [Step], &'a [EntryKind], u64);
    let paid = || Step::Invoice(Invoice::new("in_1", "standard", "2026-11-29", "2026-12-29"));
    let basic = || Step::Invoice(Invoice::new("in_0", "basic", "2026-11-03", "2026-12-29"));
    let up = || Step::Invoice(Invoice::new("in_1", "standard", "2026-11-29", "2026-12-29").change(900));
    // known in November, whether December was begun, known then -> kinds, playground
    let rows: &[Row<'_>] = &[
        (&[], false, &[paid()], &[Refill, Subscription], 2500),
        // An account without entries has no month to begin.
        (&[], true, &[paid()], &[Refill, Subscription], 2500),
        (&[basic()], false, &[basic(), up()], &[Expiry, Refill, Subscription], 2500),
        (&[basic()], true, &[basic(), up()], &[Purchase], 2500),
    ];
    for (before, is_begun, after, kinds, playground) in rows {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&Provider::after(before), "2026-11-04");
        if *is_begun {
            shop.append(scrip_accounts::refill::decide(&shop.account, time("2026-12-01")));
        }
        shop.take_kinds();
        shop.look(&Provider::after(after), "2026-12-02");
        assert_eq!(
            (shop.take_kinds(), shop.playground()),
            (kinds.to_vec(), *playground),
            "{before:?} {is_begun}"
        );
        assert_eq!(shop.account.as_of(time("2027-01-01")).balance.playground(), 0);
    }
}

#[test]
fn a_downgrade_counts_from_the_next_refill() {
    let year = Step::Invoice(Invoice::new("in_1", "business", "2026-11-03", "2027-11-03"));
    let mut provider = Provider::after(&[year]);
    let mut shop = Shop::new("2026-11-01");
    shop.look(&provider, "2026-11-03");
    provider.take(Step::Item("sub", "basic"));
    shop.look(&provider, "2026-11-20");
    assert_eq!((shop.playground(), shop.plan("2026-11-20").0.as_str()), (6000, "basic"));
    shop.append(scrip_accounts::refill::decide(&shop.account, time("2026-12-01")));
    assert_eq!(shop.playground(), 1000);
    // Undone as freely, from the next refill on.
    provider.take(Step::Item("sub", "business"));
    shop.look(&provider, "2026-12-10");
    assert_eq!(shop.playground(), 1000);
    assert_eq!(shop.account.as_of(time("2027-01-01")).balance.playground(), 6000);
}

#[test]
fn an_end_before_the_turn_leaves_nothing_to_refill() {
    let year = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2027-11-03"));
    for (ended, playground) in [("2026-11-30", 0), ("2026-12-01T00:00:01Z", 1000)] {
        let mut shop = Shop::new("2026-11-01");
        shop.look(&Provider::after(std::slice::from_ref(&year)), "2026-11-03");
        shop.look(&Provider::after(&[year.clone(), Step::Ended("sub", ended)]), "2026-12-02");
        assert_eq!(shop.playground(), playground, "ended on {ended}");
    }
}
