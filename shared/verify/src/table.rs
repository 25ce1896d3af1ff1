//! Reading a table that may be in use.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use scrip_ledger::{
    Error, Ledger,
    audit::{Auditor, Finding, Item, Order, Report, Segment},
};
use tokio::sync::mpsc;

use crate::{Progress, Trouble};

/// How many parts of a table are read at once, if nothing else is asked for.
pub const SEGMENTS_DEFAULT: u16 = 4;
/// How many pages wait for the check, for each segment.
const PAGES_WAITING_MAX: usize = 2;
/// How many accounts are read again at once.
const RECHECKS_MAX: usize = 8;
/// How often a request is made again that was throttled or failed for all its own attempts: for some minutes.
const ROUNDS_MAX: u32 = 30;
const ROUND_WAIT: Duration = Duration::from_secs(5);

/// How a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableOptions {
    /// How many parts of it are read at once.
    pub segments: u16,
    /// What becomes of findings that can be mended.
    pub repairs: Repairs,
}

/// What becomes of findings that can be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repairs {
    /// They are mended.
    Carry,
    /// Nothing is written.
    Leave,
}

/// Reads all of a table and checks it. What is found may be of different moments.
pub(crate) async fn read(ledger: &Ledger, segments: u16, progress: &mut Progress) -> Result<Report, Trouble> {
    let (pages, mut read) = mpsc::channel(PAGES_WAITING_MAX * usize::from(segments));
    for number in 0..segments {
        let (ledger, pages) = (ledger.clone(), pages.clone());
        tokio::spawn(read_segment(ledger, Segment { number, total: segments }, pages));
    }
    drop(pages);
    let mut auditor = Auditor::new(Order::Sorted);
    while let Some(page) = read.recv().await {
        page.map_err(Trouble::Table)?.into_iter().for_each(|item| auditor.take(item));
        progress.show(&auditor.tally());
    }
    auditor.finish().map_err(Trouble::Table)
}

/// Sends a segment's pages, or the error that it ends with. It ends early if nobody takes them any more.
async fn read_segment(ledger: Ledger, segment: Segment, pages: mpsc::Sender<Result<Vec<Item>, Error>>) {
    let mut from = None;
    loop {
        let read = async || ledger.read_segment(segment, from.clone()).await;
        // If nothing can be read (no table, no credentials, no network), it fails at once.
        let read = if from.is_none() { read().await } else { patiently(read).await };
        let (page, next) = match read {
            Ok((items, next)) => (Ok(items), next),
            Err(error) => (Err(error), None),
        };
        if pages.send(page).await.is_err() || next.is_none() {
            return;
        }
        from = next;
    }
}

/// Reads again what was found, account by account: what is still so, as it becomes known.
pub(crate) fn recheck(
    ledger: &Ledger,
    findings: Vec<Finding>,
) -> impl Stream<Item = Result<Report, Error>> + use<'_> {
    let recheck = move |found: Vec<Finding>| async move { patiently(|| ledger.recheck(found.clone())).await };
    stream::iter(by_account(findings)).map(recheck).buffered(RECHECKS_MAX)
}

/// Findings of the same account together. They come in the order of accounts, those without one first and alone.
fn by_account(findings: Vec<Finding>) -> Vec<Vec<Finding>> {
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in findings {
        let of = |group: &Vec<Finding>| group.first().and_then(|first| first.account_id.clone());
        match groups.last_mut() {
            Some(group) if finding.account_id.is_some() && of(group) == finding.account_id => {
                group.push(finding);
            }
            _ => groups.push(vec![finding]),
        }
    }
    groups
}

/// Does something again after transient errors, for some minutes: a check of a whole table may take an hour.
pub(crate) async fn patiently<T, F>(act: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..ROUNDS_MAX {
        match act().await {
            Err(error) if error.is_transient() => tokio::time::sleep(ROUND_WAIT).await,
            done => return done,
        }
    }
    act().await
}
