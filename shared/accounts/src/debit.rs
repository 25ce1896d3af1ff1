//! A debit: work is priced and its credits are taken (docs/rules.md, Work).

use chrono::{DateTime, Utc};
use scrip_pricing::{CATALOG, Charge, Credits, Kind, Operation, Price};
use serde::{Deserialize, Serialize};

use crate::{
    Account, Change, Command, CommandKey, CommandState, DebitId, Entry, Event, OtherKind, Posting, Refusal,
    Sequence, affordability, ids::present, journal::Journal,
};

/// The body of a debit's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRequest {
    /// The price that the caller showed its user. If the price is another one now, nothing is taken. It may be left
    /// out, but may not be null, because a caller that sends null meant to send a price.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expected_credits: Option<Credits>,
    /// The work. Its variants refuse unknown fields for the whole body.
    #[serde(flatten)]
    pub operation: Operation,
}

impl DebitRequest {
    /// Whether the work is free now and the caller expects no other price. Then nothing is taken and nothing is
    /// written.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::DebitRequest;
    ///
    /// let download: DebitRequest = serde_json::from_str(r#"{"operation":"download"}"#)?;
    /// assert!(download.is_free());
    /// let upscale: DebitRequest = serde_json::from_str(r#"{"operation":"upscale","factor":2}"#)?;
    /// assert!(!upscale.is_free());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_free(&self) -> bool {
        let is_expected = self.expected_credits.is_none_or(Credits::is_zero);
        CATALOG.quote(&self.operation).is_ok_and(|price| price.credits().is_zero()) && is_expected
    }
}

/// The command that prices work and takes its credits.
///
/// # Examples
///
/// ```
/// use scrip_accounts::{Account, Command, CommandState, Debit, DebitId, Sequence};
/// use scrip_pricing::Credits;
///
/// let debit = Debit {
///     id: DebitId::parse("job-1")?,
///     request: serde_json::from_str(r#"{"operation":"upscale","factor":4,"images":3}"#)?,
/// };
/// let now = "2026-11-22T10:00:00Z".parse().unwrap();
/// let account = Account { balance: Credits::new(10, 0, 0), ..Account::unseen(now) };
/// let posting = debit.decide(&CommandState::of_account(&account, now)).unwrap();
/// assert_eq!(posting.entry.account.balance, Credits::new(4, 0, 0));
/// assert_eq!(posting.entry.account.sequence, Sequence::new(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Debit {
    /// The caller's idempotency key.
    #[serde(skip)]
    pub id: DebitId,
    /// The request's body.
    pub request: DebitRequest,
}

/// A debit that was carried out, as its entry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitOutcome {
    /// The work, with every default spelled out.
    pub operation: Operation,
    /// The credits that it took.
    pub credits: Credits,
    /// The images of a Tune that are deferred.
    pub deferred_images: u64,
    /// The balance after it.
    pub balance: Credits,
    /// The sequence of its entry.
    pub sequence: Sequence,
    /// The time of its entry.
    pub at: DateTime<Utc>,
    /// The kinds of credits that fell to their low-balance mark or below it.
    pub low: Vec<Kind>,
}

impl TryFrom<&Entry> for DebitOutcome {
    type Error = OtherKind;

    fn try_from(entry: &Entry) -> Result<Self, OtherKind> {
        let Event::Debit { operation, deferred_images, .. } = &entry.event else { return Err(OtherKind) };
        Ok(Self {
            operation: operation.clone(),
            credits: entry.change.taken(),
            deferred_images: *deferred_images,
            balance: entry.account.balance,
            sequence: entry.account.sequence,
            at: entry.at,
            low: entry.low.clone(),
        })
    }
}

impl Command for Debit {
    type Outcome = DebitOutcome;

    fn key(&self) -> CommandKey {
        CommandKey::Debit(self.id.clone())
    }

    /// Makes the entry that takes the credits, after the entries that were due.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`], [`Refusal::PriceChanged`], [`Refusal::InsufficientCredits`], in this order.
    fn decide(&self, state: &CommandState<'_>) -> Result<Posting, Refusal> {
        let request = &self.request;
        let price = CATALOG.quote(&request.operation).map_err(Refusal::Unsupported)?;
        let journal = Journal::open(state.account, state.now);
        let charge = charge(&price, request.expected_credits, journal.account())?;
        let event = Event::Debit {
            operation: request.operation.clone(),
            deferred_images: charge.deferred_images,
            catalog_version: CATALOG.version().to_owned(),
        };
        let taken = Change::take(charge.credits).ok_or(Refusal::BalanceLimit)?;
        journal.close_with(event, taken, self.id.as_str(), |_| {})
    }
}

/// The charge of a price to an account. Everything due must be counted in already.
///
/// # Errors
/// [`Refusal::PriceChanged`], [`Refusal::InsufficientCredits`], in this order.
pub(crate) fn charge(price: &Price, expected: Option<Credits>, account: &Account) -> Result<Charge, Refusal> {
    let charge = price.charge(account.balance);
    // A caller may expect the full price, which the public quote shows, or the charge that an account's quote shows,
    // which is less if a Tune's images are deferred.
    if let Some(expected) = expected
        && expected != charge.credits
        && expected != price.credits()
    {
        return Err(Refusal::PriceChanged { expected, current: charge.credits });
    }
    if !account.balance.covers(charge.credits) {
        return Err(affordability::insufficient(account, charge.credits));
    }
    Ok(charge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryKind, Period, Subscription};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// An account of November 2026 on the basic plan.
    fn account(balance: Credits) -> Account {
        Account {
            sequence: Sequence::new(7),
            balance,
            period: "2026-11".parse().unwrap(),
            owed: Credits::ZERO,
            holds: Vec::new(),
            subscriptions: vec![Subscription::of_basic(time("2027-11-01T00:00:00Z"))],
            updated_at: time("2026-11-20T00:00:00Z"),
        }
    }

    fn parse(body: &str) -> DebitRequest {
        serde_json::from_str(body).unwrap()
    }

    fn decide(account: &Account, body: &str, now: &str) -> Result<Posting, Refusal> {
        let debit = Debit { id: DebitId::parse("d").unwrap(), request: parse(body) };
        debit.decide(&CommandState::of_account(account, time(now)))
    }

    fn decide_at(balance: Credits, body: &str, now: &str) -> Result<Posting, Refusal> {
        decide(&account(balance), body, now)
    }

    const NOW: &str = "2026-11-22T10:00:00Z";
    const FACE: &str = r#"{"operation":"face_enhance"}"#;

    #[test]
    fn a_debit_takes_its_price_or_nothing() {
        let c = Credits::new;
        // balance, body -> balance after and deferred images, or what is missing
        for (balance, body, expected) in [
            (c(1, 0, 0), FACE, Ok((c(0, 0, 0), 0))),
            (c(0, 0, 0), FACE, Err(c(1, 0, 0))),
            (c(0, 9, 9), FACE, Err(c(1, 0, 0))),
            (c(1000, 0, 0), r#"{"operation":"upscale","factor":4,"images":100}"#, Ok((c(800, 0, 0), 0))),
            (c(199, 0, 0), r#"{"operation":"upscale","factor":4,"images":100}"#, Err(c(1, 0, 0))),
            (c(0, 0, 24), r#"{"operation":"tune_images","prompts":3}"#, Ok((c(0, 0, 0), 0))),
            (c(0, 0, 23), r#"{"operation":"tune_images","prompts":3}"#, Err(c(0, 0, 1))),
            (c(0, 1, 64), r#"{"operation":"train_tune"}"#, Ok((c(0, 0, 0), 0))),
            (c(0, 1, 63), r#"{"operation":"train_tune"}"#, Ok((c(0, 0, 63), 64))),
            (c(0, 1, 63), r#"{"operation":"train_tune","if_short":"refuse"}"#, Err(c(0, 0, 1))),
            (c(0, 0, 64), r#"{"operation":"train_tune"}"#, Err(c(0, 1, 0))),
            (c(0, 0, 0), r#"{"operation":"train_tune"}"#, Err(c(0, 1, 0))),
            (c(0, 1, 0), r#"{"operation":"train_tune","prompts":0}"#, Ok((c(0, 0, 0), 0))),
        ] {
            match (decide_at(balance, body, NOW), expected) {
                (Ok(Posting { due, entry, .. }), Ok((after, deferred))) => {
                    assert!(due.is_empty(), "{body}: {due:?}");
                    assert_eq!(entry.account.balance, after, "{body}");
                    assert_eq!(entry.account.sequence, Sequence::new(8));
                    let Event::Debit { deferred_images, .. } = entry.event else { panic!("{entry:?}") };
                    assert_eq!(deferred_images, deferred, "{body}");
                }
                (Err(Refusal::InsufficientCredits { shortfall, .. }), Err(missing)) => {
                    assert_eq!(shortfall, missing, "{body}");
                }
                (decided, _) => panic!("{balance:?} {body}: {decided:?}"),
            }
        }
    }

    #[test]
    fn refusals_come_in_their_order() {
        let expecting = |body: &str, playground: u64| {
            let credits =
                format!(r#","expected_credits":{{"playground":{playground},"tune":0,"tune_image":0}}}}"#);
            body.replacen('}', &credits, 1)
        };
        let c = Credits::new;
        let changed = |expected, current| Refusal::PriceChanged { expected, current };
        // The range is checked before the price, and the price before the balance.
        let price = decide_at(c(0, 0, 0), &expecting(FACE, 2), NOW);
        assert_eq!(price, Err(changed(c(2, 0, 0), c(1, 0, 0))));
        let range = decide_at(c(9, 0, 0), &expecting(r#"{"operation":"upscale","factor":3}"#, 1), NOW);
        assert!(matches!(range, Err(Refusal::Unsupported(_))), "{range:?}");
        assert!(decide_at(c(1, 0, 0), &expecting(FACE, 1), NOW).is_ok());
        let free = expecting(r#"{"operation":"download"}"#, 1);
        assert!(!parse(&free).is_free());
        assert_eq!(decide_at(c(0, 0, 0), &free, NOW), Err(changed(c(1, 0, 0), c(0, 0, 0))));
        // For a train_tune that defers, a caller may expect the full price or the charge. The charge is never above the
        // expected price.
        let train = |playground, tune, tune_image| {
            let credits = format!(r#"{{"playground":{playground},"tune":{tune},"tune_image":{tune_image}}}"#);
            format!(r#"{{"operation":"train_tune","expected_credits":{credits}}}"#)
        };
        let taken = |decided: Result<Posting, Refusal>| decided.unwrap().entry.change.taken();
        assert_eq!(taken(decide_at(c(0, 1, 0), &train(0, 1, 64), NOW)), c(0, 1, 0));
        assert_eq!(taken(decide_at(c(0, 1, 0), &train(0, 1, 0), NOW)), c(0, 1, 0));
        assert_eq!(taken(decide_at(c(0, 1, 64), &train(0, 1, 64), NOW)), c(0, 1, 64));
        let more = decide_at(c(0, 1, 64), &train(0, 1, 0), NOW);
        assert_eq!(more, Err(changed(c(0, 1, 0), c(0, 1, 64))));
    }

    #[test]
    fn a_download_is_free() {
        for (body, is_free) in [
            (r#"{"operation":"download"}"#, true),
            (r#"{"operation":"download","expected_credits":{"playground":0,"tune":0,"tune_image":0}}"#, true),
            (
                r#"{"operation":"download","expected_credits":{"playground":1,"tune":0,"tune_image":0}}"#,
                false,
            ),
            (FACE, false),
            (r#"{"operation":"train_tune","prompts":0}"#, false),
            (r#"{"operation":"upscale","factor":3}"#, false),
        ] {
            assert_eq!(parse(body).is_free(), is_free, "{body}");
        }
    }

    #[test]
    fn the_first_debit_of_a_month_spends_its_allowance() {
        let body = r#"{"operation":"upscale","factor":4,"images":100}"#;
        let before = decide_at(Credits::new(150, 0, 0), body, "2026-11-30T23:59:59.999Z");
        assert!(matches!(before, Err(Refusal::InsufficientCredits { .. })), "{before:?}");
        let after = decide_at(Credits::new(150, 0, 0), body, "2026-12-01T00:00:00Z").unwrap();
        let rows: Vec<_> = after
            .entries()
            .map(|entry| {
                let account = &entry.account;
                (
                    entry.event.kind(),
                    account.sequence.get(),
                    account.balance.playground(),
                    entry.reference.as_str(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (EntryKind::Expiry, 8, 0, "2026-11"),
                (EntryKind::Refill, 9, 1000, "2026-12"),
                (EntryKind::Debit, 10, 800, "d"),
            ]
        );
        let last = &after.entry.account;
        assert_eq!((last.period, last.granted()), ("2026-12".parse::<Period>().unwrap(), 1000));
    }

    #[test]
    fn remedies_are_the_skus_of_which_one_purchase_suffices() {
        let big = r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":100}"#; // 1000
        let unseen = Account::unseen(time(NOW));
        let remedies = |account: &Account, body: &str| match decide(account, body, NOW) {
            Err(Refusal::InsufficientCredits { remedies, .. }) => remedies,
            decided => panic!("{decided:?}"),
        };
        let monthly_then_annual = [
            "basic_monthly",
            "standard_monthly",
            "business_monthly",
            "basic_annual",
            "standard_annual",
            "business_annual",
        ];
        assert_eq!(remedies(&unseen, big), monthly_then_annual);
        // On basic with everything spent, only what is above basic adds anything this month.
        let above_basic = ["standard_monthly", "business_monthly", "standard_annual", "business_annual"];
        assert_eq!(remedies(&account(Credits::ZERO), big), above_basic);
        // 10 short of 24: either pack covers it, and no plan does.
        let short = remedies(&account(Credits::new(5, 0, 14)), r#"{"operation":"tune_images","prompts":3}"#);
        assert_eq!(short, ["tune_pack", "avatar_pack"]);
        // 800 tune images are more than any one pack gives.
        assert!(remedies(&unseen, r#"{"operation":"tune_images","prompts":100}"#).is_empty());
        assert_eq!(remedies(&unseen, r#"{"operation":"train_tune","if_short":"refuse"}"#), ["tune_pack"]);
    }

    #[test]
    fn the_json_of_a_debit_never_changes() {
        let debit = |body: &str| Debit { id: DebitId::parse("d").unwrap(), request: parse(body) };
        let json = |body: &str| serde_json::to_string(&debit(body)).unwrap();
        // The hash of this text is stored in every entry and compared with that of a retry.
        let spelled_out = r#"{"operation":"text_to_image","width":768,"height":512,"steps":50,"images":1}"#;
        assert_eq!(json(r#" {"height":512, "width":768, "operation":"text_to_image"}"#), spelled_out);
        assert_eq!(
            json(r#"{"operation":"train_tune"}"#),
            r#"{"operation":"train_tune","prompts":8,"if_short":"defer"}"#
        );
        assert_eq!(
            json(r#"{"operation":"download","expected_credits":{"tune":0,"playground":0,"tune_image":0}}"#),
            r#"{"expected_credits":{"playground":0,"tune":0,"tune_image":0},"operation":"download"}"#
        );
    }
}
