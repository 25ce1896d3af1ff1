//! Reads a table that may be in use.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use scrip_ledger::{
    Error, Ledger,
    audit::{Auditor, Finding, Item, Order, Report, Segment},
};
use tokio::sync::mpsc;

use crate::{Progress, Trouble};

/// The default number of segments that are read in parallel.
pub const SEGMENTS_DEFAULT: u16 = 4;
/// The most pages of each segment that wait for the check.
const PAGES_WAITING_MAX: usize = 2;
/// The most accounts that are read again in parallel.
const RECHECKS_MAX: usize = 8;
/// The most rounds of a request that was throttled or failed in all its own attempts. They take some minutes.
const ROUNDS_MAX: u32 = 30;
const ROUND_WAIT: Duration = Duration::from_secs(5);

/// The options for checking a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableOptions {
    /// The number of segments that are read in parallel.
    pub segments: u16,
    /// Whether findings are repaired.
    pub repairs: RepairMode,
}

/// Whether findings are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairMode {
    /// Findings that can be repaired are.
    Apply,
    /// Nothing is written.
    ReportOnly,
}

/// Reads a whole table and checks it. The rows of a finding may be of different moments.
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

/// Sends a segment's pages, or the error at which it ends. It ends early if the receiver is gone.
async fn read_segment(ledger: Ledger, segment: Segment, pages: mpsc::Sender<Result<Vec<Item>, Error>>) {
    let mut from = None;
    loop {
        let read = async || ledger.read_segment(segment, from.clone()).await;
        // The first page gets no further rounds: without a table, credentials or a network, it fails at once.
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

/// Reads the rows of findings again, account by account, and streams the findings that remain.
pub(crate) fn recheck(
    ledger: &Ledger,
    findings: Vec<Finding>,
) -> impl Stream<Item = Result<Report, Error>> + use<'_> {
    let recheck = move |found: Vec<Finding>| async move { patiently(|| ledger.recheck(found.clone())).await };
    stream::iter(by_account(findings)).map(recheck).buffered(RECHECKS_MAX)
}

/// Groups the findings by account. They come in the order of accounts; those without an account come first, each alone.
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

/// Repeats an action after transient errors, for some minutes, because the check of a whole table may take an hour.
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
