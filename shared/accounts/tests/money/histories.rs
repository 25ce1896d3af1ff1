//! Random lifecycles: several looks on the way, each at the state of that time, lead to the same account as one look at
//! the end, and credits are conserved.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use scrip_accounts::{Account, Period, refill};

use crate::{
    lifecycle::{END, Happening, after, choices, lifecycle},
    shop::{Shop, Step, time},
};

/// The account at the end, with a turn of the month that is still to be written counted in.
fn at_the_end(shop: &Shop) -> Account {
    let mut shop = Shop { account: shop.account.as_of(time(END)), ..shop.clone() };
    // A subscription that is over is listed until the month after the one in which its end was seen.
    shop.account.subscriptions.retain(|subscription| !subscription.is_over() || subscription.backed > 0);
    shop.end()
}

/// Turns the months that began since the newest entry, as the sweep does, if the draw says so.
fn turn_months(shop: &mut Shop, now: &str, turns: u8) {
    for (number, first) in ["2026-12-01", "2027-01-01"].into_iter().enumerate() {
        let start: DateTime<Utc> = Period::of(time(first)).start();
        if turns >> number & 1 == 1 && start <= time(now) && shop.account.period < Period::of(start) {
            shop.append(refill::decide(&shop.account, start));
        }
    }
}

/// The account after looks at some moments of a lifecycle, at some of the subjects, and one at the end.
fn end(happenings: &[Happening], looks: &[u8], turns: u8) -> Shop {
    let mut shop = Shop::new("2026-10-01");
    for (count, look) in (1..=happenings.len()).zip(looks) {
        let Happening { at, step } = &happenings[count - 1];
        turn_months(&mut shop, at, turns);
        let provider = after(happenings, count);
        for (number, subject) in provider.subjects().into_iter().enumerate() {
            // The provider doesn't show since when an item is what it is: a refill goes by the item as it was seen
            // last.
            let is_needed = matches!(step, Step::Item(of, _) if *of == subject);
            if is_needed || look >> number & 1 == 1 {
                shop.look_at(&provider, subject, at).unwrap();
            }
        }
    }
    turn_months(&mut shop, END, turns);
    shop.look(&after(happenings, happenings.len()), END);
    shop
}

/// How many lifecycles are drawn.
pub const CASES: u32 = 4_000;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn looks_on_the_way_end_as_one_look_at_the_end(
        choices in choices(false),
        looks in proptest::collection::vec(0..16_u8, 12),
        turns in 0..4_u8,
    ) {
        let happenings = lifecycle(&choices);
        let once = end(&happenings, &[0; 12], 0);
        let often = end(&happenings, &looks, turns);
        prop_assert_eq!(at_the_end(&often), at_the_end(&once), "{:#?} {:?}", happenings, looks);
        // Looking once more changes nothing.
        let mut again = often.clone();
        again.take_kinds();
        again.look(&after(&happenings, happenings.len()), END);
        prop_assert_eq!(again.take_kinds(), []);
    }

    /// Items are looked at when they change, as their events make happen; everything else on the way may be missed.
    #[test]
    fn looks_on_the_way_at_items_too_end_as_looks_at_items_only(
        choices in choices(true),
        looks in proptest::collection::vec(0..16_u8, 12),
        turns in 0..4_u8,
    ) {
        let happenings = lifecycle(&choices);
        let (seldom, often) = (end(&happenings, &[0; 12], 0), end(&happenings, &looks, turns));
        prop_assert_eq!(at_the_end(&often), at_the_end(&seldom), "{:#?} {:?}", happenings, looks);
    }
}
