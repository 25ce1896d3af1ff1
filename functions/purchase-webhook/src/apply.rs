//! Brings an account in line with a subject: reads it, decides, writes, and parks payments that can't be granted.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use scrip_accounts::{AccountId, Decision, EventId, PurchaseId, Record, Refusal, SubscriptionId, reconcile};
use scrip_api::Problem;
use scrip_ledger::{DecisionReceipt, Error, Ledger, ParkedPayment, State, Subjects};
use scrip_stripe::{Api, ConfiguredPrices};

use crate::{
    disposition::{Disposition, Report},
    failure::Failure,
    findings::{Findings, Lookup, UngrantedPayment},
    records::{KnownRecords, RecordReader},
    stripe_reader::StripeReader,
    subject::Subject,
};

/// How often a subject is read again before giving up, because a record was changed meanwhile or another object tells
/// more.
const LOOKUPS_MAX: u32 = 8;

/// The cause for applying a subject: an event or a recovery command.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) now: DateTime<Utc>,
    /// The event's id; `None` for a command.
    pub(crate) event_id: Option<EventId>,
    /// The event's age; `None` for a command, which doesn't wait for an account to become known.
    pub(crate) age: Option<TimeDelta>,
    /// Whether to decide only, and write nothing.
    pub(crate) is_dry_run: bool,
    /// Whether to read every invoice of a subscription, even those that are recorded.
    pub(crate) is_thorough: bool,
}

/// Applies subjects for one cause.
pub(crate) struct Application<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) api: &'a Api<'a>,
    pub(crate) configured: &'a ConfiguredPrices,
    pub(crate) cause: &'a Cause,
}

/// The account that a subject belongs to.
enum Owner {
    Known(AccountId),
    /// Metadata or a session names an account, but by a text that is no account id.
    Malformed,
    Unknown,
}

/// The result of a write.
enum WriteResult {
    Done(Report),
    /// A record has changed since it was read. These purchases must be read before the next attempt.
    Outdated(Vec<PurchaseId>),
    Refused(Refusal),
}

impl Application<'_> {
    /// Brings the subject's account in line with it.
    ///
    /// # Errors
    /// If Stripe or the ledger can't be read or written, or the records keep changing while Stripe is read.
    pub(crate) async fn apply(&self, subject: Subject) -> Result<Report, Failure> {
        let records = RecordReader { ledger: self.ledger, now: self.cause.now };
        let stripe =
            StripeReader { api: self.api, configured: self.configured, is_thorough: self.cause.is_thorough };
        let (mut subject, mut outdated, mut seen) = (subject, Vec::<PurchaseId>::new(), BTreeSet::new());
        let mut total = Report::from(Disposition::Unchanged);
        let mut lookups = 0;
        while lookups < LOOKUPS_MAX {
            lookups += 1;
            let mut known = records.read(&subject).await?;
            for id in &outdated {
                records.add_purchase(&mut known, id.as_str()).await?;
            }
            let mut findings = match stripe.read(&subject, &known, &seen).await? {
                Lookup::Found(findings) => findings,
                Lookup::Redirect(other) => {
                    subject = other;
                    continue;
                }
                Lookup::NothingPaid => return Ok(Disposition::Unchanged.into()),
                Lookup::Foreign => return Ok(Disposition::Ignored.into()),
            };
            let account_id = match self.owner(&stripe, &mut findings, &known).await? {
                Owner::Known(account_id) => account_id,
                unknown => return self.without_account(&subject, &findings, &unknown).await,
            };
            match self.write(&account_id, &findings, &known).await? {
                WriteResult::Done(report) => {
                    total.add(self.park_ungranted(&account_id, &findings, report).await?);
                }
                WriteResult::Outdated(ids) => {
                    outdated.extend(ids);
                    continue;
                }
                WriteResult::Refused(refusal) => {
                    return self.refused(&subject, &account_id, &findings, &refusal).await;
                }
            }
            if !findings.has_more || self.cause.is_dry_run {
                return Ok(total);
            }
            seen.extend(findings.invoices);
            lookups = 0;
        }
        Err(Failure::Outdated)
    }

    /// The account that the subject belongs to: the recorded one, else the one that an object names, else the one that the
    /// customer first bought for (docs/stripe.md, Accounts).
    async fn owner(
        &self,
        stripe: &StripeReader<'_>,
        findings: &mut Findings,
        known: &KnownRecords,
    ) -> Result<Owner, Failure> {
        if let Some(account_id) = &known.account_id {
            return Ok(Owner::Known(account_id.clone()));
        }
        if findings.hints.names.is_empty() {
            stripe.add_session_hints(findings).await?;
        }
        if let Some(name) = findings.hints.names.first() {
            let account_id = AccountId::parse(name.as_str());
            return Ok(account_id.map_or(Owner::Malformed, Owner::Known));
        }
        let Some(customer_id) = &findings.hints.customer_id else { return Ok(Owner::Unknown) };
        Ok(self.ledger.customer(customer_id).await?.map_or(Owner::Unknown, Owner::Known))
    }

    /// Decides over the records as they are now, and writes the decision unless this is a dry run.
    async fn write(
        &self,
        account_id: &AccountId,
        findings: &Findings,
        known: &KnownRecords,
    ) -> Result<WriteResult, Failure> {
        let mut facts = findings.facts.clone();
        if let Some(customer_id) = &findings.hints.customer_id
            && !facts.paid.is_empty()
            && self.ledger.customer(customer_id).await?.is_none()
        {
            facts.new_customer = Some(customer_id.clone());
        }
        let purchase_ids = findings.all_purchase_ids();
        let subjects = Subjects { subscription: findings.subscription_id.as_ref(), purchases: &purchase_ids };
        let known = known.records();
        let now = self.cause.now;
        let decide = |state: &State| reconcile::look(&state.account, &state.records, &known, &facts, now);
        let applied = if self.cause.is_dry_run {
            let decided = self.ledger.preview(account_id, subjects, now, decide).await;
            decided.map(|Decision { entries, records }| DecisionReceipt { entries, records, attempts: 1 })
        } else {
            self.ledger.apply(account_id, subjects, now, decide).await
        };
        match applied {
            Ok(applied) => Ok(WriteResult::Done(self.report(account_id, applied))),
            Err(Error::Refused { refusal, .. }) if *refusal == Refusal::OutdatedFacts => {
                Ok(WriteResult::Outdated(purchase_ids))
            }
            Err(Error::Refused { refusal, .. }) => Ok(WriteResult::Refused(*refusal)),
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, account_id: &AccountId, applied: DecisionReceipt) -> Report {
        let DecisionReceipt { mut entries, records, attempts } = applied;
        let is_change = !entries.is_empty() || records.iter().any(Record::is_news);
        let disposition = if is_change { Disposition::Applied } else { Disposition::Unchanged };
        let attempts = (!self.cause.is_dry_run).then_some(attempts);
        // A preview reports all entries that it would write; a write only its last, which is the decision's own.
        if !self.cause.is_dry_run {
            entries.drain(..entries.len().saturating_sub(1));
        }
        Report { account_id: Some(account_id.clone()), attempts, entries, ..disposition.into() }
    }

    /// Parks the payments that couldn't be granted whole, and unparks those that now could.
    async fn park_ungranted(
        &self,
        account_id: &AccountId,
        findings: &Findings,
        report: Report,
    ) -> Result<Report, Failure> {
        let paid = findings.facts.paid.iter().map(|paid| &paid.purchase_id);
        // A settled invoice that grants nothing is complete too, if the configuration maps its prices to null.
        let settled = findings.facts.subscription.iter().flat_map(|facts| &facts.settled);
        for id in paid.chain(settled).filter(|_| !self.cause.is_dry_run).collect::<BTreeSet<_>>() {
            if !findings.ungranted.iter().any(|payment| payment.purchase_id == *id) {
                self.unpark(findings, id, &report).await?;
            }
        }
        let mut report = report;
        for payment in &findings.ungranted {
            self.park(payment, Some(account_id)).await?;
            report.reasons.extend(payment.reasons.iter().cloned());
            report.disposition = Disposition::Parked;
        }
        Ok(report)
    }

    /// Unparks a purchase and its subscription, now that all of the payment is granted.
    async fn unpark(
        &self,
        findings: &Findings,
        purchase_id: &PurchaseId,
        report: &Report,
    ) -> Result<(), Failure> {
        let is_news = report.disposition == Disposition::Applied;
        let objects =
            [Some(purchase_id.as_str()), findings.subscription_id.as_ref().map(SubscriptionId::as_str)];
        for object in objects.into_iter().flatten().filter(|_| is_news || self.cause.event_id.is_none()) {
            if let Some(parked) = self.ledger.parked(object).await? {
                self.ledger.unpark(&parked).await?;
            }
        }
        Ok(())
    }

    /// Parks a payment, unless this is a dry run.
    async fn park(&self, payment: &UngrantedPayment, account_id: Option<&AccountId>) -> Result<(), Failure> {
        if self.cause.is_dry_run {
            return Ok(());
        }
        let parked = ParkedPayment {
            object_id: payment.purchase_id.to_string(),
            object: payment.object.0.to_owned(),
            reason: payment.reasons.join("; "),
            account_id: account_id.cloned(),
            event_id: self.cause.event_id.clone(),
            parked_at: self.cause.now,
        };
        self.ledger.park(&parked).await?;
        Ok(())
    }

    /// Handles a subject without a known account: waits for it, parks the payment, or ignores what is not ours.
    async fn without_account(
        &self,
        subject: &Subject,
        findings: &Findings,
        owner: &Owner,
    ) -> Result<Report, Failure> {
        let is_paid = !findings.facts.paid.is_empty() || !findings.ungranted.is_empty();
        let is_malformed = matches!(owner, Owner::Malformed);
        // A payment that names an account is ours, even if the name is malformed.
        if !is_paid || !(findings.is_ours || is_malformed) {
            return Ok(Disposition::Ignored.into());
        }
        let disposition =
            if is_malformed { Disposition::Parked } else { Disposition::without_account(self.cause.age) };
        let reason = if is_malformed {
            "the payment names an account by a text that is no account id"
        } else {
            "no account is known"
        };
        self.park_whole(subject, findings, None, disposition, reason).await
    }

    /// Parks a payment that a rule refuses.
    async fn refused(
        &self,
        subject: &Subject,
        account_id: &AccountId,
        findings: &Findings,
        refusal: &Refusal,
    ) -> Result<Report, Failure> {
        let reason = match refusal {
            Refusal::TooManySubscriptions => "the account has four subscriptions already",
            Refusal::BalanceLimit => "the balance can't hold more",
            Refusal::PaymentTaken => "the payment was granted to another account",
            other => return Err(Failure::Problem(Problem::from(other.clone()))),
        };
        self.park_whole(subject, findings, Some(account_id), Disposition::Parked, reason).await
    }

    /// Reports a disposition with its reason, and parks the subject's last purchase if the disposition says so.
    async fn park_whole(
        &self,
        subject: &Subject,
        findings: &Findings,
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
            let purchase_id = match findings.purchase_ids().last() {
                Some(purchase_id) => (*purchase_id).clone(),
                None => PurchaseId::parse(id).map_err(|_| Failure::Foreign)?,
            };
            let object = (kind, id.to_owned());
            self.park(&UngrantedPayment { object, purchase_id, reasons: report.reasons.clone() }, account_id)
                .await?;
        }
        Ok(report)
    }
}
