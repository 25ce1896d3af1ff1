//! The recovery command: applies events that were missed, and parked payments whose cause is mended.
//!
//! The daily schedule sends it, and so may operators. It is safe to repeat, because each subject is brought in line with
//! what Stripe shows now.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, Change, EntryKind};
use scrip_api::{ApiResponse, Code, Metric, Problem};
use scrip_pricing::Credits;
use scrip_stripe::{Api, facts};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    apply::Cause,
    disposition::{Disposition, Report},
    failure::{Failure, problem},
    subject::Subject,
    webhook::WebhookFunction,
};

/// How many days back the daily schedule lists events that Stripe could not deliver.
const MISSED_DAYS: i64 = 14;
/// How many days Stripe keeps events.
const EVENT_DAYS_MAX: i64 = 30;
/// How many subjects are applied at once. Their calls stay well below Stripe's rate limit.
const SUBJECTS_AT_ONCE: usize = 8;
/// How long listing subjects may take.
const LIST_TIME_MAX: Duration = Duration::from_mins(6);
/// How long Stripe's API may take for one subject. A subscription of many years has many pages of invoices.
const SUBJECT_TIME_MAX: Duration = Duration::from_mins(1);
/// How long one run takes at most, which is less than the function's timeout. The next run applies the rest.
const RUN_TIME_MAX: Duration = Duration::from_mins(13);
/// How many subjects every run has time for, at two seconds each.
const SUBJECTS_OF_A_RUN: usize = 1_500;
/// How many changes the answer lists.
const CHANGES_MAX: usize = 500;

/// A command of the webhook function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Applies subjects again.
    Recover(Recovery),
}

/// The subjects to apply: exactly one of the first four fields names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The id of a session, subscription, invoice, payment intent, charge or customer.
    pub object_id: Option<String>,
    /// All events since that time, at most 30 days ago.
    pub since: Option<DateTime<Utc>>,
    /// The events of the last 14 days that Stripe could not deliver.
    #[serde(default)]
    pub undelivered: bool,
    /// All parked payments.
    #[serde(default)]
    pub parked: bool,
    /// Whether to write nothing, and answer which entries would be written.
    #[serde(default)]
    pub dry_run: bool,
    /// The time as of which to decide; now if it is missing.
    pub time: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    dry_run: bool,
    looked_at: usize,
    applied: usize,
    unchanged: usize,
    ignored: usize,
    parked: usize,
    failed: usize,
    remaining: usize,
    changes: Vec<ChangeBody>,
}

/// The result for a subject that changed, is parked or failed.
#[derive(Debug, Serialize)]
struct ChangeBody {
    object: &'static str,
    object_id: String,
    account_id: Option<AccountId>,
    outcome: &'static str,
    entries: Vec<EntryBody>,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct EntryBody {
    kind: EntryKind,
    credits: Change,
    balance: Credits,
    reference: String,
}

impl WebhookFunction {
    /// Carries out a recovery command.
    ///
    /// # Errors
    /// `invalid_request` if the command names no subjects, or names them in two ways; `try_again` if they can't be listed
    /// now.
    pub async fn recover(&self, command: &Command) -> Result<ApiResponse, Problem> {
        let Command::Recover(command) = command;
        let (now, until) = (command.time.unwrap_or_else(scrip_api::now), Instant::now() + RUN_TIME_MAX);
        let mut subjects = self.subjects(command, now).await?;
        if subjects.len() > SUBJECTS_OF_A_RUN {
            let first = first_of_a_run(now, subjects.len());
            subjects.rotate_left(first);
        }
        let is_thorough = command.object_id.is_some() || command.parked;
        let cause = Cause { now, event_id: None, age: None, is_dry_run: command.dry_run, is_thorough };
        let total = subjects.len();
        let mut summary = Summary { dry_run: command.dry_run, ..Summary::default() };
        let results = stream::iter(subjects).map(|subject| self.apply_until(subject, &cause, until));
        let mut results = results.buffered(SUBJECTS_AT_ONCE);
        while let Some(result) = results.next().await {
            let Some((subject, result)) = result else { continue };
            summary.add(&subject, result);
            if summary.looked_at.is_multiple_of(100) {
                log_progress(&summary, total);
            }
        }
        summary.remaining = total.saturating_sub(summary.looked_at);
        log_progress(&summary, total);
        let metrics = Metric::recovered(count(summary.applied), count(summary.failed + summary.remaining));
        let parked = (0..summary.parked).map(|_| Metric::parked_event()).filter(|_| !command.dry_run);
        let answer = ApiResponse::json(StatusCode::OK, &summary)?.outcome("recovered");
        Ok(answer.counting(metrics.into_iter().filter(|_| !command.dry_run)).counting(parked))
    }

    /// Applies one subject; `None` once the time is over.
    async fn apply_until(
        &self,
        subject: Subject,
        cause: &Cause,
        until: Instant,
    ) -> Option<(Subject, Result<Report, Problem>)> {
        if Instant::now() >= until {
            return None;
        }
        let result = self.apply(subject.clone(), cause, Instant::now() + SUBJECT_TIME_MAX).await;
        Some((subject, result))
    }

    async fn subjects(&self, command: &Recovery, now: DateTime<Utc>) -> Result<Vec<Subject>, Problem> {
        let api = self.stripe.api(&self.api_key.value().await?, Instant::now() + LIST_TIME_MAX);
        let earliest = now - TimeDelta::days(EVENT_DAYS_MAX);
        match (&command.object_id, command.since, command.undelivered, command.parked) {
            (Some(id), None, false, false) => subjects_of_object(&api, id).await,
            (None, Some(since), false, false) if since >= earliest => {
                let events = api.events_since(since).await.map_err(|error| problem(error.into()))?;
                Ok(subjects_of_events(&events))
            }
            (None, Some(_), false, false) => Err(Problem::invalid(
                "Stripe keeps events for 30 days: name a later moment, or the customer or subscription as object_id.",
            )),
            (None, None, true, false) => {
                let since = now - TimeDelta::days(MISSED_DAYS);
                let events = api.undelivered_events(since).await.map_err(|error| problem(error.into()))?;
                Ok(subjects_of_events(&events))
            }
            (None, None, false, true) => self.parked_subjects().await,
            _ => Err(Problem::invalid("Name exactly one of object_id, since, undelivered and parked.")),
        }
    }

    async fn parked_subjects(&self) -> Result<Vec<Subject>, Problem> {
        let (mut subjects, mut cursor) = (Vec::new(), None);
        loop {
            let (ids, next) = self.ledger.list_parked(cursor.take()).await?;
            subjects.extend(ids.iter().filter_map(|id| Subject::by_id(id)));
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(subjects),
            }
        }
    }
}

/// The index of the subject that a run begins with, if there may be no time for all. Each day, and each quarter of an hour,
/// a run begins after the subjects that the run before had time for.
fn first_of_a_run(now: DateTime<Utc>, subjects: usize) -> usize {
    let (day, quarter) = (now.timestamp() / 86_400, now.timestamp() % 86_400 / 900);
    let runs = usize::try_from(day + quarter).unwrap_or_default();
    runs.wrapping_mul(SUBJECTS_OF_A_RUN).checked_rem(subjects).unwrap_or_default()
}

/// The subjects of an object, by its id: the object itself, or all objects of a customer.
async fn subjects_of_object(api: &Api<'_>, id: &str) -> Result<Vec<Subject>, Problem> {
    if let Some(subject) = Subject::by_id(id) {
        return Ok(vec![subject]);
    }
    if !id.starts_with("cus_") {
        return Err(Problem::new(
            Code::InvalidRequest,
            "object_id must be of a session (cs_), subscription (sub_), invoice (in_), payment (pi_), charge (ch_) or \
             customer (cus_).",
        ));
    }
    subjects_of_customer(api, id).await.map_err(problem)
}

async fn subjects_of_customer(api: &Api<'_>, id: &str) -> Result<Vec<Subject>, Failure> {
    let subscriptions =
        api.subscriptions_of_customer(id).await?.into_iter().map(|subscription| subscription.id);
    let subscriptions = subscriptions.map(|id| Subject::of_subscription(id, None));
    let payments = api.payment_intents_of_customer(id).await?.into_iter().map(|payment| payment.id);
    let payments = payments.map(|id| Subject::Payment { id, with_money: true });
    let sessions = api.sessions_of_customer(id).await?.into_iter().map(|session| session.id);
    let sessions = sessions.map(|id| Subject::Session { id, payment: None });
    // Invoices that no payment intent paid: from the balance, out of band, or with nothing due.
    let invoices = api.paid_invoices_of_customer(id).await?.into_iter();
    let invoices = invoices
        .filter(|invoice| invoice.subscription_id().is_none() && facts::payment_ids(invoice).is_empty());
    let invoices = invoices.map(|invoice| Subject::Invoice(invoice.id));
    Ok(subscriptions.chain(payments).chain(sessions).chain(invoices).collect())
}

/// The subjects of events, oldest first, each once.
fn subjects_of_events(events: &[scrip_stripe::StripeEvent]) -> Vec<Subject> {
    let mut first = BTreeMap::new();
    let ours = events.iter().filter(|event| event.account.is_none());
    for (at, subject) in ours.filter_map(|event| Some((event.created, Subject::of(event)?))) {
        // Two events of one payment are one subject: with its refunds and disputes.
        let subject = match subject {
            Subject::Payment { id, .. } => Subject::Payment { id, with_money: true },
            subject => subject,
        };
        let key = format!("{subject:?}");
        let known = first.entry(key).or_insert_with(|| (at, subject));
        known.0 = known.0.min(at);
    }
    let mut subjects: Vec<_> = first.into_values().collect();
    subjects.sort_by_key(|(at, _)| *at);
    subjects.into_iter().map(|(_, subject)| subject).collect()
}

impl Summary {
    fn add(&mut self, subject: &Subject, result: Result<Report, Problem>) {
        self.looked_at += 1;
        let (object, id) = subject.name();
        let change = |outcome| ChangeBody {
            object,
            object_id: id.to_owned(),
            account_id: None,
            outcome,
            entries: Vec::new(),
            reasons: Vec::new(),
        };
        let change = match result {
            Ok(report) => {
                match report.disposition {
                    Disposition::Applied => self.applied += 1,
                    Disposition::Unchanged => self.unchanged += 1,
                    Disposition::Ignored => self.ignored += 1,
                    Disposition::Parked | Disposition::Retry => self.parked += 1,
                }
                if matches!(report.disposition, Disposition::Unchanged | Disposition::Ignored) {
                    return;
                }
                let entries = report.entries.iter().map(|entry| EntryBody {
                    kind: entry.event.kind(),
                    credits: entry.change,
                    balance: entry.account.balance,
                    reference: entry.reference.clone(),
                });
                ChangeBody {
                    account_id: report.account_id,
                    entries: entries.collect(),
                    reasons: report.reasons,
                    ..change(report.disposition.as_str())
                }
            }
            Err(problem) => {
                self.failed += 1;
                let (outcome, cause) = (problem.code().as_str(), problem.cause());
                tracing::error!(object, object_id = id, outcome, cause, "a payment couldn't be read");
                change(problem.code().as_str())
            }
        };
        if self.changes.len() < CHANGES_MAX {
            self.changes.push(change);
        }
    }
}

fn log_progress(summary: &Summary, total: usize) {
    tracing::info!(
        looked_at = summary.looked_at,
        of = total,
        applied = summary.applied,
        parked = summary.parked,
        failed = summary.failed,
        "recovering payments"
    );
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_runs_apply_every_subject_in_the_end() {
        let start: DateTime<Utc> = "2026-11-03T04:30:00Z".parse().unwrap();
        for subjects in [1_501, 2_000, 3_000, 4_500, 50_000] {
            for step in [TimeDelta::days(1), TimeDelta::minutes(15)] {
                let mut seen = vec![false; subjects];
                let mut now = start;
                for _ in 0..=subjects / SUBJECTS_OF_A_RUN {
                    let first = first_of_a_run(now, subjects);
                    for place in first..first + SUBJECTS_OF_A_RUN {
                        seen[place % subjects] = true;
                    }
                    now += step;
                }
                assert!(seen.iter().all(|seen| *seen), "{subjects} by {step}");
            }
        }
    }
}
