//! Overlapping looks at Stripe: the look that read Stripe last has the last write.

use scrip_accounts::{Decision, OutflowKind, Record, Records, Refusal, facts::Facts, reconcile::look};
use scrip_pricing::Credits;

use crate::shop::{Invoice, Provider, Shop, Step, pack, time};

const NOW: &str = "2026-11-05";

/// What a look has read: the records, and after them the provider.
struct Read {
    before: Records,
    facts: Facts,
}

impl Read {
    fn of(shop: &Shop, provider: &Provider, subject: &str) -> Self {
        let facts = provider.facts(subject);
        Self { before: records(shop, &facts), facts }
    }

    fn decide(&self, shop: &Shop) -> Result<Decision, Refusal> {
        look(&shop.account, &records(shop, &self.facts), &self.before, &self.facts, time(NOW))
    }

    fn write(&self, shop: &mut Shop) {
        let decision = self.decide(shop).unwrap();
        shop.append(decision);
    }
}

fn is_change(decision: &Decision) -> bool {
    !decision.entries.is_empty() || decision.records.iter().any(Record::is_news)
}

fn records(shop: &Shop, facts: &Facts) -> Records {
    let ids = facts.paid.iter().map(|paid| &paid.purchase_id);
    shop.records(facts.subscription.as_ref().map(|subscription| &subscription.id), ids)
}

/// A pack and a plan, each a subject, whose money may go.
fn sold() -> [(&'static str, &'static str, Vec<Step>); 2] {
    let plan = Step::Invoice(Invoice::new("in_1", "basic", "2026-11-03", "2026-12-03"));
    let tunes = Step::Pack("pi_1", "2026-11-03", vec![pack("tune_pack", 1)], 1900);
    [("pi_1", "pi_1", vec![tunes]), ("sub", "in_1", vec![plan])]
}

fn gone(purchase: &'static str) -> Step {
    Step::Outflow(purchase, "dp_1", OutflowKind::Dispute, 1900, "2026-11-04")
}

#[test]
fn a_look_that_changes_nothing_holds_back_an_older_one() {
    for (subject, purchase, steps) in sold() {
        let mut provider = Provider::after(&steps);
        let mut shop = Shop::new("2026-11-01");
        shop.look(&provider, "2026-11-03");
        let bought = shop.account.balance;
        provider.take(gone(purchase));
        let older = Read::of(&shop, &provider, subject);
        provider.take(Step::Back(purchase, "dp_1"));
        let newer = Read::of(&shop, &provider, subject);
        let unchanged = newer.decide(&shop).unwrap();
        assert!(!is_change(&unchanged), "{subject}: {unchanged:?}");
        shop.append(unchanged);
        assert_eq!(older.decide(&shop), Err(Refusal::OutdatedFacts), "{subject}");
        assert_eq!(shop.account.balance, bought, "{subject}");
        // Read again, it finds nothing to do either.
        Read::of(&shop, &provider, subject).write(&mut shop);
        assert_eq!(shop.account.balance, bought, "{subject}");
    }
}

#[test]
fn looks_that_change_nothing_dont_hold_back_each_other() {
    for (subject, _, steps) in sold() {
        let provider = Provider::after(&steps);
        let mut shop = Shop::new("2026-11-01");
        shop.look(&provider, "2026-11-03");
        let looks = [(); 3].map(|()| Read::of(&shop, &provider, subject));
        for look in &looks {
            let unchanged = look.decide(&shop).unwrap();
            assert!(!is_change(&unchanged), "{subject}: {unchanged:?}");
            shop.append(unchanged);
        }
    }
}

#[test]
fn a_look_writes_over_nothing_that_it_has_not_read() {
    for (subject, purchase, steps) in sold() {
        let mut provider = Provider::after(&steps);
        let mut shop = Shop::new("2026-11-01");
        let first = Read::of(&shop, &provider, subject);
        let second = Read::of(&shop, &provider, subject);
        first.write(&mut shop);
        assert_eq!(second.decide(&shop), Err(Refusal::OutdatedFacts), "{subject}, granted meanwhile");
        let third = Read::of(&shop, &provider, subject);
        provider.take(gone(purchase));
        let fourth = Read::of(&shop, &provider, subject);
        fourth.write(&mut shop);
        assert_eq!(shop.account.balance, Credits::ZERO, "{subject}");
        assert_eq!(third.decide(&shop), Err(Refusal::OutdatedFacts), "{subject}, gone meanwhile");
    }
}

#[test]
fn a_subject_without_records_holds_back_no_look() {
    let shop = Shop::new("2026-11-01");
    let mut facts = Provider::after(&sold()[1].2).facts("sub");
    (facts.paid, facts.money) = (Vec::new(), Vec::new());
    let nothing = look(&shop.account, &Records::default(), &Records::default(), &facts, time(NOW));
    assert_eq!(nothing, Ok(Decision::default()));
}
