//! A purchase: credits for a plan or a pack that was paid (rules 4 and 5).

use chrono::{DateTime, Utc};
use pricing::Credits;

use crate::{Account, Change, Decision, Event, PurchaseId, Refusal, Subscription, journal::Journal};

/// What was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purchase {
    /// A plan, up to a moment.
    Plan(Subscription),
    /// A pack, with what it gives.
    Pack(Credits),
}

/// Decides a purchase: the entry that grants the credits. A pack adds what it gives. A plan adds its
/// allowance, less what this month granted already, so that going up, down and up again within a month
/// never yields more than the highest allowance paid for.
///
/// # Errors
/// [`Refusal::BalanceLimit`] where a balance would rise above what one may hold.
pub fn decide(
    account: &Account,
    id: &PurchaseId,
    purchase: &Purchase,
    now: DateTime<Utc>,
) -> Result<Decision, Refusal> {
    let mut journal = Journal::open(account, now);
    match purchase {
        Purchase::Plan(subscription) => {
            let granted = subscription.allowance.saturating_sub(journal.account().granted);
            let change = Change::give(Credits::new(granted, 0, 0)).ok_or(Refusal::BalanceLimit)?;
            journal.post(Event::Purchase, change, id.as_str(), |account| {
                account.granted = account.granted.saturating_add(granted);
                account.subscription = Some(subscription.clone());
            })?;
        }
        Purchase::Pack(credits) => {
            let change = Change::give(*credits).ok_or(Refusal::BalanceLimit)?;
            journal.post(Event::Purchase, change, id.as_str(), |_| {})?;
        }
    }
    Ok(journal.close(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_grants_up_to_its_allowance_within_a_month() {
        // Purchases in order, each with what it grants: rule 5 in one account and month.
        let rows: [(&str, u64, &str, u64); 6] = [
            ("basic", 1000, "2026-11-03T09:00:00Z", 1000),
            ("standard", 2500, "2026-11-04T09:00:00Z", 1500),
            ("basic", 1000, "2026-11-05T09:00:00Z", 0),
            ("standard", 2500, "2026-11-06T09:00:00Z", 0),
            ("business", 6000, "2026-11-30T23:59:59Z", 3500),
            // December: the refill of what was bought in November, then nothing more for the same plan.
            ("business", 6000, "2026-12-01T00:00:00Z", 0),
        ];
        let mut account = Account::unseen("2026-11-03T09:00:00Z".parse().unwrap());
        for (number, (plan, allowance, at, granted)) in rows.into_iter().enumerate() {
            let purchase = Purchase::Plan(Subscription {
                plan: plan.into(),
                allowance,
                paid_through: "2027-01-03T09:00:00Z".parse().unwrap(),
            });
            let id = PurchaseId::parse(format!("p{number}")).unwrap();
            let decision = decide(&account, &id, &purchase, at.parse().unwrap()).unwrap();
            let entry = decision.entries.last().unwrap();
            assert_eq!(entry.change.given().playground(), granted, "{plan} at {at}");
            account = entry.account.clone();
        }
        assert_eq!(account.balance.playground(), 6000);
    }

    #[test]
    fn a_pack_adds_what_it_gives() {
        let now = "2026-11-03T09:00:00Z".parse().unwrap();
        let id = PurchaseId::parse("p").unwrap();
        let pack = Purchase::Pack(Credits::new(0, 1, 64));
        let decision = decide(&Account::unseen(now), &id, &pack, now).unwrap();
        assert_eq!(decision.entries[0].account.balance, Credits::new(0, 1, 64));
        let full = Account { balance: Credits::new(0, 0, Credits::MAX_OF_A_KIND), ..Account::unseen(now) };
        assert_eq!(decide(&full, &id, &pack, now), Err(Refusal::BalanceLimit));
    }
}
