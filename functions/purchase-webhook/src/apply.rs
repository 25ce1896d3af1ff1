//! Brings an account in line with a subject: looks at it, decides, writes over what was read before, and parks what
//! can't be granted.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{AccountId, Decision, EventId, PurchaseId, Record, Refusal, SubscriptionId, reconcile};
use scrip_api::Problem;
use scrip_ledger::{Applied, Error, Ledger, Parked, State, Subjects};
use scrip_stripe::{Api, ConfiguredPrices};

use crate::{
    disposition::{Disposition, Report},
    failure::Failure,
    look::{Before, Found, Look, Looker, Ungranted},
    subject::Subject,
};

/// How often a subject is looked at anew, because something else was written meanwhile or another object says more.
const LOOKS_MAX: u32 = 8;

/// An event or a command, as its subjects are applied for it.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) now: DateTime<Utc>,
    /// The event; a command has none.
    pub(crate) event_id: Option<EventId>,
    /// How old it is; a command does not wait.
    pub(crate) age: Option<TimeDelta>,
    /// Whether nothing is written.
    pub(crate) is_dry_run: bool,
    /// Whether every invoice of a subscription is looked at.
    pub(crate) is_thorough: bool,
}

/// How a subject is applied.
pub(crate) struct Application<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) api: &'a Api<'a>,
    pub(crate) configured: &'a ConfiguredPrices,
    pub(crate) cause: &'a Cause,
}

/// Whose a subject is.
enum Account {
    Known(AccountId),
    /// What names it is no account id.
    Malformed,
    Unknown,
}

/// What a write came to.
enum Written {
    Done(Report),
    /// Other records were written since they were read: these must be read first.
    Outdated(Vec<PurchaseId>),
    Refused(Refusal),
}

impl Application<'_> {
    /// Brings an account in line with a subject.
    pub(crate) async fn apply(&self, subject: Subject) -> Result<Report, Failure> {
        let looker = Looker {
            ledger: self.ledger,
            api: self.api,
            configured: self.configured,
            is_thorough: self.cause.is_thorough,
            now: self.cause.now,
        };
        let (mut subject, mut watched, mut seen) = (subject, Vec::<PurchaseId>::new(), BTreeSet::new());
        let mut total = Report::from(Disposition::Unchanged);
        let mut looks = 0;
        while looks < LOOKS_MAX {
            looks += 1;
            let mut before = looker.before(&subject).await?;
            for id in &watched {
                looker.add_purchase(&mut before, id.as_str()).await?;
            }
            let mut found = match looker.look(&subject, &before, &seen).await? {
                Look::Found(found) => found,
                Look::Elsewhere(other) => {
                    subject = other;
                    continue;
                }
                Look::Nothing => return Ok(Disposition::Unchanged.into()),
                Look::Foreign => return Ok(Disposition::Ignored.into()),
            };
            let account_id = match self.account(&looker, &mut found, &before).await? {
                Account::Known(account_id) => account_id,
                unknown => return self.without_account(&subject, &found, &unknown).await,
            };
            match self.write(&account_id, &found, &before).await? {
                Written::Done(report) => total.add(self.park_rest(&account_id, &found, report).await?),
                Written::Outdated(ids) => {
                    watched.extend(ids);
                    continue;
                }
                Written::Refused(refusal) => {
                    return self.refused(&subject, &account_id, &found, &refusal).await;
                }
            }
            if !found.has_more || self.cause.is_dry_run {
                return Ok(total);
            }
            seen.extend(found.invoices);
            looks = 0;
        }
        Err(Failure::Outdated)
    }

    /// Whose it is: the account that it is known to belong to, else the one that is named, else the one that the
    /// customer first bought for (contract, section 5).
    async fn account(
        &self,
        looker: &Looker<'_>,
        found: &mut Found,
        before: &Before,
    ) -> Result<Account, Failure> {
        if let Some(account_id) = &before.account_id {
            return Ok(Account::Known(account_id.clone()));
        }
        if found.hints.named.is_empty() {
            looker.add_session_hints(found).await?;
        }
        if let Some(named) = found.hints.named.first() {
            let account_id = AccountId::parse(named.as_str());
            return Ok(account_id.map_or(Account::Malformed, Account::Known));
        }
        let Some(customer_id) = &found.hints.customer_id else { return Ok(Account::Unknown) };
        Ok(self.ledger.customer(customer_id).await?.map_or(Account::Unknown, Account::Known))
    }

    async fn write(
        &self,
        account_id: &AccountId,
        found: &Found,
        before: &Before,
    ) -> Result<Written, Failure> {
        let mut facts = found.facts.clone();
        if let Some(customer_id) = &found.hints.customer_id
            && !facts.paid.is_empty()
            && self.ledger.customer(customer_id).await?.is_none()
        {
            facts.new_customer = Some(customer_id.clone());
        }
        let purchase_ids = found.all_purchase_ids();
        let subjects = Subjects { subscription: found.subscription_id.as_ref(), purchases: &purchase_ids };
        let before = before.records();
        let now = self.cause.now;
        let decide = |state: &State| reconcile::look(&state.account, &state.records, &before, &facts, now);
        let applied = if self.cause.is_dry_run {
            let decided = self.ledger.preview(account_id, subjects, now, decide).await;
            decided.map(|Decision { entries, records }| Applied { entries, records, attempts: 1 })
        } else {
            self.ledger.apply(account_id, subjects, now, decide).await
        };
        match applied {
            Ok(applied) => Ok(Written::Done(self.report(account_id, applied))),
            Err(Error::Refused { refusal, .. }) if *refusal == Refusal::OutdatedFacts => {
                Ok(Written::Outdated(purchase_ids))
            }
            Err(Error::Refused { refusal, .. }) => Ok(Written::Refused(*refusal)),
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, account_id: &AccountId, applied: Applied) -> Report {
        let Applied { mut entries, records, attempts } = applied;
        let is_change = !entries.is_empty() || records.iter().any(Record::is_news);
        let disposition = if is_change { Disposition::Applied } else { Disposition::Unchanged };
        let attempts = (!self.cause.is_dry_run).then_some(attempts);
        // A preview shows all that would be written; of what was written the last entry is counted, as the command's own.
        if !self.cause.is_dry_run {
            entries.drain(..entries.len().saturating_sub(1));
        }
        Report { account_id: Some(account_id.clone()), attempts, entries, ..disposition.into() }
    }

    /// Parks what can't be granted of something whose rest was.
    async fn park_rest(
        &self,
        account_id: &AccountId,
        found: &Found,
        report: Report,
    ) -> Result<Report, Failure> {
        let paid = found.facts.paid.iter().map(|paid| &paid.purchase_id);
        // Nothing is granted for what the configuration says is not about credits, and nothing is missing.
        let settled = found.facts.subscription.iter().flat_map(|facts| &facts.settled);
        for id in paid.chain(settled).filter(|_| !self.cause.is_dry_run).collect::<BTreeSet<_>>() {
            if !found.ungranted.iter().any(|rest| rest.purchase_id == *id) {
                self.forget(found, id, &report).await?;
            }
        }
        let mut report = report;
        for rest in &found.ungranted {
            self.park(rest, Some(account_id)).await?;
            report.reasons.extend(rest.reasons.iter().cloned());
            report.disposition = Disposition::Parked;
        }
        Ok(report)
    }

    /// Forgets that something was parked, now that all of it is granted.
    async fn forget(&self, found: &Found, purchase_id: &PurchaseId, report: &Report) -> Result<(), Failure> {
        let is_news = report.disposition == Disposition::Applied;
        let objects =
            [Some(purchase_id.as_str()), found.subscription_id.as_ref().map(SubscriptionId::as_str)];
        for object in objects.into_iter().flatten().filter(|_| is_news || self.cause.event_id.is_none()) {
            if let Some(parked) = self.ledger.parked(object).await? {
                self.ledger.unpark(&parked).await?;
            }
        }
        Ok(())
    }

    /// Keeps in sight what can't be granted.
    async fn park(&self, rest: &Ungranted, account_id: Option<&AccountId>) -> Result<(), Failure> {
        if self.cause.is_dry_run {
            return Ok(());
        }
        let parked = Parked {
            object_id: rest.purchase_id.to_string(),
            object: rest.object.0.to_owned(),
            reason: rest.reasons.join("; "),
            account_id: account_id.cloned(),
            event_id: self.cause.event_id.clone(),
            parked_at: self.cause.now,
        };
        self.ledger.park(&parked).await?;
        Ok(())
    }

    /// What is done with a subject of which no account is known.
    async fn without_account(
        &self,
        subject: &Subject,
        found: &Found,
        account: &Account,
    ) -> Result<Report, Failure> {
        let is_paid = !found.facts.paid.is_empty() || !found.ungranted.is_empty();
        let is_malformed = matches!(account, Account::Malformed);
        // What names an account is ours, though the name is none.
        if !is_paid || !(found.is_ours || is_malformed) {
            return Ok(Disposition::Ignored.into());
        }
        let disposition =
            if is_malformed { Disposition::Parked } else { Disposition::without_account(self.cause.age) };
        let reason =
            if is_malformed { "what names the account is no account id" } else { "no account is known" };
        self.park_whole(subject, found, None, disposition, reason).await
    }

    async fn refused(
        &self,
        subject: &Subject,
        account_id: &AccountId,
        found: &Found,
        refusal: &Refusal,
    ) -> Result<Report, Failure> {
        let reason = match refusal {
            Refusal::TooManySubscriptions => "the account has four subscriptions already",
            Refusal::BalanceLimit => "the balance can't hold more",
            Refusal::PaymentTaken => "it was granted to another account",
            other => return Err(Failure::Problem(Problem::from(other.clone()))),
        };
        self.park_whole(subject, found, Some(account_id), Disposition::Parked, reason).await
    }

    async fn park_whole(
        &self,
        subject: &Subject,
        found: &Found,
        account_id: Option<&AccountId>,
        disposition: Disposition,
        reason: &str,
    ) -> Result<Report, Failure> {
        let report = Report {
            account_id: account_id.cloned(),
            reasons: vec![reason.to_owned()],
            ..disposition.into()
        };
        if disposition == Disposition::Parked {
            let (kind, id) = subject.name();
            let purchase_id = match found.purchase_ids().last() {
                Some(purchase_id) => (*purchase_id).clone(),
                None => PurchaseId::parse(id).map_err(|_| Failure::Foreign)?,
            };
            let object = (kind, id.to_owned());
            self.park(&Ungranted { object, purchase_id, reasons: report.reasons.clone() }, account_id)
                .await?;
        }
        Ok(report)
    }
}
