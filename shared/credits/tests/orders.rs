//! The payment provider's words come in any order, twice and three times: the account they end in is one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use credits::{
    Account, Buys, Decision, Dispute, Payment, Purchase, PurchaseId, Record, RefundId, Refusal, Standing,
    Status, StatusChange, SubscriptionId, Terms, Word, purchase, status, withdrawal,
};
use pricing::Credits;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// What the provider says.
#[derive(Debug, Clone)]
enum Said {
    Paid(Payment),
    Status(StatusChange),
    Money(&'static str, Word, DateTime<Utc>),
}

/// What the ledger would keep.
struct Kept {
    account: Account,
    purchases: BTreeMap<PurchaseId, Purchase>,
    standings: BTreeMap<SubscriptionId, Standing>,
    now: DateTime<Utc>,
}

impl Kept {
    fn nothing(now: DateTime<Utc>) -> Self {
        Self { account: Account::unseen(now), purchases: BTreeMap::new(), standings: BTreeMap::new(), now }
    }

    /// Whether it was taken: what must wait for a payment is said again later.
    fn hear(&mut self, said: &Said) -> bool {
        let (account, now) = (&self.account, self.now);
        let decided = match said {
            Said::Paid(payment) if self.purchases.contains_key(&payment.id) => Ok(Decision::default()),
            Said::Paid(payment) => {
                let standing = match &payment.buys {
                    Buys::Plan { subscription_id, .. } => self.standings.get(subscription_id),
                    Buys::Pack(_) => None,
                };
                purchase::decide(account, standing, payment, now)
            }
            Said::Status(change) => {
                status::decide(account, self.standings.get(&change.subscription_id), change, now)
            }
            Said::Money(of, word, at) => {
                let purchase = self.purchases.get(&PurchaseId::parse(*of).unwrap());
                withdrawal::hear(account, purchase, word, *at, now)
            }
        };
        let decision = match decided {
            Err(Refusal::PurchaseNotFound) => return false,
            decided => decided.unwrap(),
        };
        if let Some(last) = decision.entries.last() {
            self.account = last.account.clone();
        }
        for record in decision.records {
            match record {
                Record::Purchase(purchase) => {
                    drop(self.purchases.insert(purchase.payment.id.clone(), *purchase));
                }
                Record::Standing(standing) => {
                    drop(self.standings.insert(standing.subscription_id.clone(), standing));
                }
                Record::Reversed { .. } => panic!("nothing is reversed here"),
            }
        }
        true
    }

    /// The account, but for how many entries it took.
    fn end(&self) -> Account {
        Account { sequence: credits::Sequence::NONE, ..self.account.clone() }
    }
}

/// Says a lifecycle in every order, each word once, twice and three times in a row, and asserts that it ends as
/// it does in order.
fn every_order(now: &str, lifecycle: &[Said]) -> Account {
    let end = |order: &[usize], copies: usize| {
        let mut kept = Kept::nothing(time(now));
        let mut waiting: Vec<usize> = order.iter().flat_map(|at| std::iter::repeat_n(*at, copies)).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|at| !kept.hear(&lifecycle[*at]));
            assert!(waiting.len() < before, "never taken: {waiting:?} in {order:?}");
        }
        kept.end()
    };
    let mut order: Vec<usize> = (0..lifecycle.len()).collect();
    let expected = end(&order, 1);
    permute(&mut order, 0, &mut |order| {
        for copies in 1..=3 {
            assert_eq!(end(order, copies), expected, "in {order:?}, {copies} times");
        }
    });
    expected
}

fn permute(order: &mut Vec<usize>, from: usize, each: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        return each(order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        permute(order, from + 1, each);
        order.swap(from, at);
    }
}

fn paid(id: &str, terms: (&str, u64), at: &str, until: &str) -> Said {
    paid_on("sub", id, terms, at, until)
}

fn paid_on(subscription: &str, id: &str, (plan, allowance): (&str, u64), at: &str, until: &str) -> Said {
    let subscription_id = SubscriptionId::parse(subscription).unwrap();
    let plan = plan.to_owned();
    bought(id, Buys::Plan { subscription_id, plan, allowance, paid_until: time(until) }, at)
}

fn bought(id: &str, buys: Buys, at: &str) -> Said {
    Said::Paid(Payment {
        id: PurchaseId::parse(id).unwrap(),
        sku: "sku".into(),
        amount: 1000,
        currency: "usd".into(),
        paid_at: time(at),
        invoiced_at: None,
        payment_id: None,
        customer_id: None,
        buys,
    })
}

fn told(status: Status, terms: Option<(&str, u64)>, at: &str) -> Said {
    let terms = terms.map(|(plan, allowance)| Terms { allowance, plan: plan.to_owned() });
    Said::Status(StatusChange {
        subscription_id: SubscriptionId::parse("sub").unwrap(),
        at: time(at),
        status,
        terms,
    })
}

fn refunded(of: &'static str, amount: u64, at: &str) -> Said {
    Said::Money(of, Word::Refunded { amount }, time(at))
}

fn failed(of: &'static str, id: &str, amount: u64, at: &str) -> Said {
    Said::Money(of, Word::RefundFailed { id: RefundId::parse(id).unwrap(), amount, attempt: None }, time(at))
}

fn disputed(of: &'static str, dispute: Dispute, at: &str) -> Said {
    Said::Money(of, Word::Disputed(dispute), time(at))
}

const BASIC: (&str, u64) = ("basic", 1000);
const STANDARD: (&str, u64) = ("standard", 2500);

#[test]
fn a_subscription() {
    // Created, paid, renewed, upgraded, disputed for its renewal, refunded for its upgrade, cancelled, won.
    let ended = Status::Ended(time("2026-12-15T09:00:00Z"));
    let account = every_order(
        "2026-12-21T00:00:00Z",
        &[
            told(Status::Active, Some(BASIC), "2026-11-03T09:00:00Z"),
            paid("in_1", BASIC, "2026-11-03T09:00:01Z", "2026-12-03T09:00:00Z"),
            paid("in_2", BASIC, "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z"),
            paid("in_3", STANDARD, "2026-12-10T09:00:00Z", "2027-01-03T09:00:00Z"),
            refunded("in_3", 1000, "2026-12-12T09:00:00Z"),
            disputed("in_2", Dispute::Withdrawn, "2026-12-13T09:00:00Z"),
            told(ended, None, "2026-12-15T09:00:00Z"),
            disputed("in_2", Dispute::Won, "2026-12-20T09:00:00Z"),
        ],
    );
    assert_eq!((account.balance, account.is_active(time("2026-12-11T00:00:00Z"))), (Credits::ZERO, true));
    assert!(!account.is_active(time("2026-12-12T09:00:00Z")));
}

#[test]
fn payments_alone() {
    let account = every_order(
        "2027-01-04T00:00:00Z",
        &[
            paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
            paid("in_2", BASIC, "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z"),
            paid("in_3", STANDARD, "2026-12-10T09:00:00Z", "2027-01-03T09:00:00Z"),
            paid("in_4", BASIC, "2027-01-03T09:00:00Z", "2027-02-03T09:00:00Z"),
        ],
    );
    let subscription = account.subscription.unwrap();
    assert_eq!((subscription.plan.as_str(), subscription.purchase_id.as_str()), ("basic", "in_4"));
    assert_eq!(subscription.paid_through(), time("2027-02-03T09:00:00Z"));
    // All heard of in January: together no more than the highest allowance.
    assert_eq!((account.balance.playground(), account.granted), (2500, 2500));
}

#[test]
fn a_disputed_renewal_of_an_upgraded_subscription() {
    let account = every_order(
        "2026-12-21T00:00:00Z",
        &[
            paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
            paid("in_2", BASIC, "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z"),
            paid("in_3", STANDARD, "2026-12-10T09:00:00Z", "2027-01-03T09:00:00Z"),
            told(Status::Active, Some(STANDARD), "2026-12-10T09:00:00Z"),
            disputed("in_2", Dispute::Withdrawn, "2026-12-13T09:00:00Z"),
            disputed("in_2", Dispute::Won, "2026-12-20T09:00:00Z"),
        ],
    );
    assert_eq!(account.balance, Credits::new(2500, 0, 0));
    assert!(account.is_active(time("2026-12-21T00:00:00Z")));
}

#[test]
fn a_disputed_renewal_that_is_not_won() {
    for (disputed_at, left) in [("2026-12-05T09:00:00Z", 1500), ("2026-12-13T09:00:00Z", 2500)] {
        let account = every_order(
            "2026-12-21T00:00:00Z",
            &[
                paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
                paid("in_2", BASIC, "2026-12-03T09:00:00Z", "2027-01-03T09:00:00Z"),
                paid("in_3", STANDARD, "2026-12-10T09:00:00Z", "2027-01-03T09:00:00Z"),
                disputed("in_2", Dispute::Withdrawn, disputed_at),
            ],
        );
        assert_eq!(account.balance, Credits::new(left, 0, 0), "{disputed_at}");
    }
}

#[test]
fn a_refund_of_the_newest_payment_with_older_ones_that_come_late() {
    for (newer_subscription, first, second) in [("sub2", BASIC, BASIC), ("sub", STANDARD, BASIC)] {
        let account = every_order(
            "2026-11-21T00:00:00Z",
            &[
                paid("in_1", first, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
                paid_on(newer_subscription, "in_2", second, "2026-11-10T09:00:00Z", "2026-12-10T09:00:00Z"),
                refunded("in_2", 1000, "2026-11-12T09:00:00Z"),
            ],
        );
        assert_eq!(account.balance, Credits::ZERO, "{newer_subscription}");
    }
}

#[test]
fn a_refund_of_a_payment_that_others_followed() {
    for (of, at, left) in [
        ("in_1", "2026-11-09T09:00:00Z", 1500),
        ("in_2", "2026-11-15T09:00:00Z", 0),
        ("in_2", "2026-11-20T08:59:59Z", 0),
    ] {
        let account = every_order(
            "2026-11-28T00:00:00Z",
            &[
                paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
                paid("in_2", STANDARD, "2026-11-10T09:00:00Z", "2026-12-03T09:00:00Z"),
                paid("in_3", BASIC, "2026-11-20T09:00:00Z", "2026-12-20T09:00:00Z"),
                refunded(of, 1000, at),
            ],
        );
        assert_eq!(account.balance.playground(), left, "{of} at {at}");
    }
}

#[test]
fn a_dispute_while_a_renewal_was_late() {
    // Up to the end of what was paid it takes what that brought; after it, the renewal's is its own.
    for (at, left) in [
        ("2026-12-03T08:59:59Z", 0),
        ("2026-12-03T09:00:00Z", 1000),
        ("2026-12-04T09:00:00Z", 1000),
        ("2026-12-05T09:00:00Z", 1000),
    ] {
        let lifecycle = [
            paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
            paid("in_2", BASIC, "2026-12-05T09:00:00Z", "2027-01-03T09:00:00Z"),
            disputed("in_1", Dispute::Withdrawn, at),
            disputed("in_1", Dispute::Won, "2026-12-15T09:00:00Z"),
        ];
        let now = "2026-12-21T00:00:00Z";
        assert_eq!(every_order(now, &lifecycle[..3]).balance.playground(), left, "{at}");
        // Won, the allowance is there, and no more than that.
        assert_eq!(every_order(now, &lifecycle).balance.playground(), 1000, "{at}");
    }
}

#[test]
fn a_refund_before_subscribing_anew() {
    for at in ["2026-11-05T09:00:00Z", "2026-11-12T09:00:00Z"] {
        let account = every_order(
            "2026-11-28T00:00:00Z",
            &[
                paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
                paid_on("sub2", "in_2", BASIC, "2026-11-10T09:00:00Z", "2026-12-10T09:00:00Z"),
                refunded("in_1", 1000, at),
            ],
        );
        assert_eq!(account.balance.playground(), 1000, "{at}");
    }
}

#[test]
fn a_dispute_said_before_the_month_with_an_older_payment_that_comes_late() {
    let lifecycle = [
        paid("in_1", BASIC, "2026-11-28T09:00:00Z", "2026-12-28T09:00:00Z"),
        paid("in_2", STANDARD, "2026-11-29T09:00:00Z", "2026-12-28T09:00:00Z"),
        disputed("in_2", Dispute::Withdrawn, "2026-11-30T09:00:00Z"),
        disputed("in_2", Dispute::Won, "2026-12-10T09:00:00Z"),
    ];
    let now = "2026-12-20T00:00:00Z";
    assert_eq!(every_order(now, &lifecycle).balance, Credits::new(2500, 0, 0));
    assert_eq!(every_order(now, &lifecycle[..3]).balance, Credits::ZERO);
}

#[test]
fn an_older_invoice_that_was_collected_late() {
    let Said::Paid(renewal) = paid("in_2", BASIC, "2026-12-12T09:00:00Z", "2027-01-03T09:00:00Z") else {
        panic!()
    };
    let invoiced_at = Some(time("2026-12-03T09:00:00Z"));
    let account = every_order(
        "2026-12-20T00:00:00Z",
        &[
            paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
            Said::Paid(Payment { invoiced_at, ..renewal }),
            paid("in_3", STANDARD, "2026-12-10T09:00:00Z", "2027-01-03T09:00:00Z"),
            told(Status::Active, Some(STANDARD), "2026-12-10T09:00:00Z"),
        ],
    );
    assert_eq!(account.as_of(time("2027-01-01T00:00:00Z")).balance.playground(), 2500);
}

#[test]
fn a_plan_refunded_in_part_and_failed() {
    let lifecycle = [
        paid("in_1", BASIC, "2026-11-03T09:00:00Z", "2026-12-03T09:00:00Z"),
        refunded("in_1", 500, "2026-11-05T09:00:00Z"),
        failed("in_1", "re_1", 500, "2026-11-06T09:00:00Z"),
        refunded("in_1", 250, "2026-11-07T09:00:00Z"),
        told(Status::PastDue, None, "2026-11-08T09:00:00Z"),
    ];
    let account = every_order("2026-11-21T00:00:00Z", &lifecycle);
    assert_eq!(account.balance, Credits::new(750, 0, 0));
}

#[test]
fn a_year_with_a_cheaper_plan_and_back() {
    let year = |back: &[Said]| {
        let mut lifecycle = vec![
            paid("in_1", STANDARD, "2026-11-03T09:00:00Z", "2027-11-03T09:00:00Z"),
            told(Status::Active, Some(STANDARD), "2026-11-03T09:00:00Z"),
            told(Status::Active, Some(BASIC), "2026-11-10T09:00:00Z"),
            told(Status::PastDue, None, "2026-11-11T09:00:00Z"),
            told(Status::Active, None, "2026-11-12T09:00:00Z"),
        ];
        lifecycle.extend_from_slice(back);
        every_order("2026-11-21T00:00:00Z", &lifecycle)
    };
    let december = time("2026-12-01T00:00:00Z");
    // Nothing is lost at once; the next refill is the cheaper plan's.
    let cheaper = year(&[]);
    assert_eq!(cheaper.balance.playground(), 2500);
    assert_eq!(cheaper.as_of(december).balance.playground(), 1000);
    // Undone, it is what was paid for.
    let back = year(&[told(Status::Active, Some(STANDARD), "2026-11-15T09:00:00Z")]);
    assert_eq!(back.as_of(december).balance.playground(), 2500);
    // And what wasn't paid for it never becomes.
    let higher = year(&[told(Status::Active, Some(("business", 6000)), "2026-11-15T09:00:00Z")]);
    assert_eq!(
        (higher.plan_status(december), higher.as_of(december).balance.playground()),
        (credits::PlanStatus::Active, 2500)
    );
    // Paid for anew, the cheaper choice is over.
    let renewed = year(&[paid("in_2", STANDARD, "2026-11-15T09:00:00Z", "2027-11-15T09:00:00Z")]);
    assert_eq!(renewed.as_of(december).balance.playground(), 2500);
}

#[test]
fn a_pack_whose_refunds_fail() {
    let c = Credits::new;
    let pack = || bought("pi", Buys::Pack(c(0, 1, 64)), "2026-11-03T09:00:00Z");
    // Refunded, which fails; refunded in part, twice, of which the second fails; disputed and won.
    let lifecycle = [
        pack(),
        refunded("pi", 1000, "2026-11-04T09:00:00Z"),
        failed("pi", "re_1", 1000, "2026-11-05T09:00:00Z"),
        refunded("pi", 500, "2026-11-06T09:00:00Z"),
        refunded("pi", 700, "2026-11-07T09:00:00Z"),
        failed("pi", "re_3", 200, "2026-11-08T09:00:00Z"),
        disputed("pi", Dispute::Withdrawn, "2026-11-09T09:00:00Z"),
        disputed("pi", Dispute::Won, "2026-11-10T09:00:00Z"),
    ];
    assert_eq!(every_order("2026-11-21T00:00:00Z", &lifecycle).balance, c(0, 1, 32));
    // Each beginning of it.
    for (length, left) in
        [(1, c(0, 1, 64)), (2, c(0, 0, 0)), (3, c(0, 1, 64)), (4, c(0, 1, 32)), (5, c(0, 1, 20))]
    {
        let account = every_order("2026-11-21T00:00:00Z", &lifecycle[..length]);
        assert_eq!(account.balance, left, "{length}");
    }
    // Within one second, too.
    let at_once = [
        pack(),
        refunded("pi", 1000, "2026-11-04T09:00:00Z"),
        failed("pi", "re_1", 1000, "2026-11-04T09:00:00Z"),
    ];
    assert_eq!(every_order("2026-11-21T00:00:00Z", &at_once).balance, c(0, 1, 64));
}

/// Hears what was said when it was said.
fn in_order(kept: &mut Kept, lifecycle: &[Said]) {
    for said in lifecycle {
        kept.now = match said {
            Said::Paid(payment) => payment.paid_at,
            Said::Status(change) => change.at,
            Said::Money(_, _, at) => *at,
        };
        assert!(kept.hear(said), "{said:?}");
    }
}

#[test]
fn what_was_granted_anew_is_not_given_back_as_well() {
    const BUSINESS: (&str, u64) = ("business", 6000);
    const DEC: &str = "2026-12-03T09:00:00Z";
    const JAN: &str = "2027-01-03T09:00:00Z";
    // Two disputes, one of them after the paid time; a late renewal; and the first dispute is won.
    let mut kept = Kept::nothing(time("2026-11-03T09:00:00Z"));
    in_order(
        &mut kept,
        &[
            paid("in_1", BASIC, "2026-11-03T09:00:00Z", DEC),
            disputed("in_1", Dispute::Withdrawn, "2026-12-01T05:00:00Z"),
            paid("in_2", BUSINESS, "2026-12-01T12:00:00Z", DEC),
            disputed("in_2", Dispute::Withdrawn, "2026-12-04T09:00:00Z"),
            paid("in_3", BUSINESS, "2026-12-05T09:00:00Z", JAN),
            disputed("in_1", Dispute::Won, "2026-12-10T09:00:00Z"),
        ],
    );
    assert_eq!(kept.account.balance, Credits::new(6000, 0, 0));
    // Half is refunded, the other half spent; the rest is refunded after the paid time; and all of it fails.
    let mut kept = Kept::nothing(time("2026-11-03T09:00:00Z"));
    in_order(
        &mut kept,
        &[paid("in_1", BASIC, "2026-11-03T09:00:00Z", DEC), refunded("in_1", 500, "2026-12-02T09:00:00Z")],
    );
    assert_eq!(kept.account.balance, Credits::new(500, 0, 0));
    kept.account.balance = Credits::ZERO;
    in_order(
        &mut kept,
        &[
            refunded("in_1", 1000, "2026-12-04T09:00:00Z"),
            paid("in_2", BASIC, "2026-12-05T09:00:00Z", JAN),
            failed("in_1", "re_1", 500, "2026-12-06T09:00:00Z"),
            failed("in_1", "re_2", 500, "2026-12-07T09:00:00Z"),
        ],
    );
    assert_eq!(kept.account.balance, Credits::new(500, 0, 0));
}
