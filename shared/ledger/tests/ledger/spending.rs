//! What was spent on some days: the same as a naive sum over the whole history, for few requests.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chrono::{DateTime, Days as Count, NaiveDate, TimeDelta, Utc};
use scrip_accounts::{Days, Entry, Event, Spending, SpendingGroup, SpendingGrouping, SpendingTotals};
use scrip_ledger::{Error, SPENDING_ENTRIES_MAX, SpendingLimit, Usage, chain};
use serde_json::{Value, json};

use crate::{
    engine::is_metering,
    facts::pack,
    outcome::name,
    planted::{entry_key, playground},
    world::{NOW, World, reversal, time},
};
use scrip_test_support::faults::Fault;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(from: &str, to: &str) -> Days {
    Days::new(day(from), day(to)).unwrap()
}

impl World {
    async fn spent(
        &self,
        days: Days,
        by: SpendingGrouping,
    ) -> Result<Result<Spending, SpendingLimit>, Error> {
        self.ledger.spending(&self.account, days, by).await
    }

    /// Debits on a day, as a sum.
    async fn jobs(&self, from: &str, to: &str) -> u64 {
        let spending = self.spent(days(from, to), SpendingGrouping::Day).await.unwrap().unwrap();
        spending.total().unwrap().jobs
    }

    async fn reverse_at(&self, key: &str, debit: &str, credits: u64, now: &str) {
        let reversal = reversal(key, debit, credits);
        self.ledger.execute(&self.account, &reversal, time(now)).await.unwrap();
    }

    /// The whole history, oldest first.
    async fn history(&self) -> Vec<Entry> {
        let (ledger, mut entries, mut below) = (self.plain().ledger, Vec::new(), None);
        loop {
            let page = ledger.entries(&self.account, below, 100).await.unwrap();
            entries.extend(page.entries);
            below = page.next_below;
            if below.is_none() {
                entries.reverse();
                return entries;
            }
        }
    }

    /// Appends entries past the ledger, one at each of these times: debits of one credit for two operations in turn,
    /// and every fifth a reversal of the debit that is `back` entries below.
    async fn append_work(&self, times: &[DateTime<Utc>], back: u64) {
        let newest = self.plain().ledger.account(&self.account).await.unwrap().unwrap();
        let (first, mut balance) = (newest.sequence.get() + 1, newest.balance.playground().cast_signed());
        let mut template = self.row(&self.pk(), &entry_key(1)).await;
        template["pk"] = json!(self.pk());
        let mut rows = Vec::new();
        for (sequence, at) in (first..).zip(times) {
            let mut row = template.clone();
            let is_reversal = sequence % 5 == 0 && sequence > back + 1;
            let change = if is_reversal { 1 } else { -1 };
            balance += change;
            row["sk"] = json!(entry_key(sequence));
            row["sequence"] = json!(sequence);
            row["at"] = json!(at);
            row["credits"] = playground(change);
            row["balance"] = playground(balance);
            row["reference"] = json!(format!("w-{sequence}"));
            let what = if is_reversal {
                let offset = playground(i64::try_from(sequence % 3).unwrap());
                json!({"kind": "reversal", "debit_id": format!("w-{}", sequence - back), "offset": offset})
            } else {
                let operation = if sequence % 2 == 0 { "face_enhance" } else { "remove_background" };
                let operation = json!({"operation": operation, "images": 1});
                json!({
                    "kind": "debit", "operation": operation, "deferred_images": 0, "catalog_version": "2026-11-01",
                })
            };
            row.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
            rows.push(row);
            if is_reversal {
                // As the reversal's transaction leaves the debit's claim.
                let pk = format!("OPERATION#{}#debit#w-{}", self.account, sequence - back);
                let (from, debit) = (sequence - back - 1, sequence - back);
                rows.push(json!({
                    "pk": pk, "sk": "OPERATION", "from": from, "sequence": debit, "reversed": playground(1),
                }));
            }
        }
        for batch in rows.chunks(25) {
            let put = |row: &Value| {
                let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(row).unwrap();
                let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            };
            let batch: Vec<_> = batch.iter().map(put).collect();
            self.client.batch_write_item().request_items(&self.table, batch).send().await.unwrap();
        }
    }
}

/// A row: what was spent, what came back, and how many jobs; of playground credits alone.
type Row = (u64, u64, u64);

/// The sum as anyone would write it, with all entries at hand.
fn naive(history: &[Entry], days: Days, by: SpendingGrouping) -> BTreeMap<String, Row> {
    let operation_of = |id: &str| {
        history.iter().find_map(|entry| match &entry.event {
            Event::Debit { operation, .. } if entry.reference == id => Some(operation.name().to_owned()),
            _ => None,
        })
    };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for entry in history {
        let on = entry.at.date_naive();
        if on < days.first() || on > days.last() {
            continue;
        }
        let key = |debit: &str| match by {
            SpendingGrouping::Day => on.to_string(),
            SpendingGrouping::Operation => operation_of(debit).unwrap(),
        };
        match &entry.event {
            Event::Debit { .. } => {
                let row = rows.entry(key(&entry.reference)).or_default();
                row.0 += entry.change.taken().playground();
                row.2 += 1;
            }
            Event::Reversal { debit_id, offset, .. } => {
                rows.entry(key(debit_id.as_str())).or_default().1 +=
                    entry.change.given().playground() + offset.playground();
            }
            _ => {}
        }
    }
    rows
}

fn rows(spending: &Spending) -> BTreeMap<String, Row> {
    let name = |of| match of {
        SpendingGroup::Day(day) => day.to_string(),
        SpendingGroup::Operation(name) => name.to_owned(),
    };
    let row = |row: SpendingTotals| (row.spent.playground(), row.returned.playground(), row.jobs);
    spending.rows().map(|(of, spent)| (name(of), row(spent))).collect()
}

/// So many times, every few hours from a moment on.
fn every(hours: i64, from: &str, count: i64) -> Vec<DateTime<Utc>> {
    (0..count).map(|number| time(from) + TimeDelta::hours(hours * number)).collect()
}

/// Every range of days of a small account, with days on which nothing happened before, between and after.
#[tokio::test]
async fn every_range_of_days_comes_to_the_naive_sum() {
    let world = World::new().await;
    world.append_work(&every(3, "2026-11-21T00:00:00Z", 40), 13).await;
    world.append_work(&every(1, "2026-12-01T12:30:00Z", 14), 13).await;
    let history = world.history().await;
    assert_eq!(history.len(), 55);
    let first = day("2026-11-18");
    for from in 0..18 {
        for to in from..18 {
            let days = Days::new(first + Count::new(from), first + Count::new(to)).unwrap();
            for by in [SpendingGrouping::Day, SpendingGrouping::Operation] {
                let spending = world.spent(days, by).await.unwrap().unwrap();
                assert_eq!(rows(&spending), naive(&history, days, by), "{days:?} {by:?}");
            }
        }
    }
}

/// Ten days in the middle of a hundred, of a thousand entries: a hundred of them.
#[tokio::test]
async fn a_range_in_the_middle_of_a_thousand_entries_takes_few_requests() {
    let world = World::new().await;
    world.enrich().await;
    let times: Vec<_> =
        (0..1_000).map(|number| time("2026-11-21T00:00:00Z") + TimeDelta::minutes(144 * number)).collect();
    world.append_work(&times, 204).await;
    let history = world.history().await;
    let days = days("2027-01-01", "2027-01-10");
    for (by, debits) in [(SpendingGrouping::Day, 0), (SpendingGrouping::Operation, 16)] {
        world.faults.asked();
        let _ = world.ledger.take_usage();
        let spending = world.spent(days, by).await.unwrap().unwrap();
        assert_eq!(rows(&spending), naive(&history, days, by));
        let total = spending.total().unwrap();
        assert_eq!((total.spent.playground(), total.returned.playground(), total.jobs), (80, 39, 80));
        let asked = world.faults.asked();
        let count = |operation| asked.iter().filter(|asked| *asked == operation).count();
        // The newest; halving a thousand; pages of 32, 64 and 128; and for each debit before these, its claim and its
        // entry.
        assert_eq!((count("Query"), count("GetItem")), (1 + 3, 10 + 2 * debits), "{asked:?}");
        let used = world.ledger.take_usage();
        // A unit for each item; of a page one for 4 KB.
        let (requests, read_half_units) = (asked.len() as u64, 64 + 4 * debits as u64);
        let expected = Usage { requests, read_half_units, write_half_units: 0 };
        assert!(used == expected || !is_metering(), "{used:?}");
    }
}

/// What a dashboard asks first: the last days of an account that has a page of entries at most.
#[tokio::test]
async fn the_last_days_take_two_requests() {
    let world = World::new().await;
    for number in 0..8 {
        world.take(&format!("d-{number}"), 1).await.unwrap();
    }
    world.reverse("r", "d-0", 1).await.unwrap();
    world.faults.asked();
    let _ = world.ledger.take_usage();
    for by in [SpendingGrouping::Day, SpendingGrouping::Operation] {
        let spending = world.spent(days("2026-11-01", "2026-11-30"), by).await.unwrap().unwrap();
        assert_eq!(rows(&spending).into_values().collect::<Vec<_>>(), [(8, 1, 8)]);
        assert_eq!(world.faults.asked(), ["Query", "Query"]);
        let used = Usage { requests: 2, read_half_units: 4, write_half_units: 0 };
        assert!(world.ledger.take_usage() == used || !is_metering());
    }
    // An account without entries takes one request.
    let bob = world.of("bob");
    assert_eq!(bob.jobs("2026-11-22", "2026-11-22").await, 0);
    assert_eq!(world.faults.asked(), ["Query"]);
    // All entries are later: the search ends before the first.
    assert_eq!(world.jobs("2026-11-01", "2026-11-19").await, 0);
    assert_eq!(world.faults.asked(), ["Query", "GetItem", "GetItem", "GetItem"]);
}

#[tokio::test]
async fn a_day_begins_and_ends_at_midnight_utc() {
    let world = World::new().await;
    for (key, at) in [
        ("a", "2026-11-21T23:59:59.999999999Z"),
        ("b", "2026-11-22T00:00:00Z"),
        ("c", "2026-11-22T23:59:59.999999999Z"),
        ("d", "2026-11-23T00:00:00Z"),
    ] {
        assert_eq!(name(&world.take_at(key, 1, at).await).0, "appended");
    }
    for (from, to, jobs) in [
        ("2026-11-20", "2026-11-20", 0),
        ("2026-11-21", "2026-11-21", 1),
        ("2026-11-22", "2026-11-22", 2),
        ("2026-11-23", "2026-11-23", 1),
        ("2026-11-24", "2026-11-30", 0),
        ("2026-11-21", "2026-11-22", 3),
        ("2026-11-22", "2026-11-23", 3),
        ("2026-09-01", "2026-11-23", 4),
    ] {
        assert_eq!(world.jobs(from, to).await, jobs, "{from} to {to}");
    }
}

/// Other entries are no work: purchases, refunds, the month's turn.
#[tokio::test]
async fn entries_other_than_work_are_not_counted() {
    let world = World::new().await;
    world.take("d", 10).await.unwrap();
    world.buy(&pack("pi_1")).await.unwrap();
    world.add_refund(None, "pi_1", "re_1").await.unwrap();
    world.turn_month("2026-12-01T00:00:00Z").await.unwrap();
    for by in [SpendingGrouping::Day, SpendingGrouping::Operation] {
        let spending = world.spent(days("2026-11-01", "2026-12-01"), by).await.unwrap().unwrap();
        assert_eq!(rows(&spending).into_values().collect::<Vec<_>>(), [(10, 0, 1)]);
    }
}

/// A debit that is older than the days is in the page that holds the first of them, or is looked up by its claim.
#[tokio::test]
async fn an_older_debit_gives_its_reversal_an_operation() {
    let world = World::new().await;
    for number in 0..40 {
        world.take(&format!("d-{number}"), 1).await.unwrap();
    }
    world.reverse_at("r-39", "d-39", 1, "2026-11-23T00:00:00Z").await;
    let on_the_23rd = days("2026-11-23", "2026-11-23");
    let expected = BTreeMap::from([("upscale".to_owned(), (0, 1, 0))]);
    world.faults.asked();
    let spending = world.spent(on_the_23rd, SpendingGrouping::Operation).await.unwrap().unwrap();
    assert_eq!((rows(&spending), world.faults.asked().len()), (expected, 2));
    for debit in [0, 1] {
        world.reverse_at(&format!("r-{debit}"), &format!("d-{debit}"), 1, "2026-11-23T00:00:00Z").await;
    }
    world.faults.asked();
    let _ = world.ledger.take_usage();
    let spending = world.spent(on_the_23rd, SpendingGrouping::Operation).await.unwrap().unwrap();
    assert_eq!(rows(&spending), BTreeMap::from([("upscale".to_owned(), (0, 3, 0))]));
    assert_eq!(world.faults.asked(), ["Query", "Query", "GetItem", "GetItem", "GetItem", "GetItem"]);
}

/// DynamoDB may show a transaction in part: an entry that is there is waited for.
#[tokio::test]
async fn a_half_visible_transaction_is_read_again() {
    let world = World::new().await;
    for number in 0..4 {
        world.take_at(&format!("d-{number}"), 1, &format!("2026-11-2{number}T10:00:00Z")).await.unwrap();
    }
    let unseen = || Fault::Answer(200, "{}".to_owned());
    // A page without its first entries: the last two alone.
    let raw = world.raw_entries().await;
    world.faults.next("Query", Fault::None);
    world.faults.next("Query", Fault::Answer(200, json!({"Items": raw[3..]}).to_string()));
    world.faults.next("Query", unseen());
    assert_eq!(world.jobs("2026-11-20", "2026-11-23").await, 4);
    world.faults.asked();
    world.faults.next("GetItem", unseen());
    assert_eq!(world.jobs("2026-11-20", "2026-11-21").await, 2);
    assert_eq!(world.faults.asked(), ["Query", "GetItem", "GetItem", "GetItem", "GetItem", "Query"]);
}

#[tokio::test]
async fn more_entries_than_are_added_up_are_refused_before_they_are_read() {
    let world = World::new().await;
    world.enrich().await;
    world.take("d", 1).await.unwrap();
    world.append_copies(SPENDING_ENTRIES_MAX - 1).await;
    // The first is of another day.
    assert_eq!(world.jobs("2026-11-22", "2026-11-22").await, SPENDING_ENTRIES_MAX);
    world.take("one-more", 1).await.unwrap();
    world.faults.asked();
    for by in [SpendingGrouping::Day, SpendingGrouping::Operation] {
        assert_eq!(
            world.spent(days("2026-11-22", "2026-11-22"), by).await.unwrap(),
            Err(SpendingLimit::Entries)
        );
        assert_eq!(world.faults.asked(), ["Query", "GetItem"]);
    }
    // Of other days there may be as many.
    assert_eq!(world.jobs("2026-11-23", "2026-11-30").await, 0);
}

/// Reversals whose debits are none, which the ledger never writes.
#[tokio::test]
async fn reversals_of_too_many_earlier_debits_are_refused_and_of_a_missing_one_fail() {
    for (count, is_refused) in [(250, false), (251, true)] {
        let world = World::new().await;
        let mut row = world.row(&world.pk(), &entry_key(1)).await;
        for number in 0..count {
            let sequence = 2 + number;
            let what = json!({
                "sequence": sequence, "kind": "reversal", "debit_id": format!("nothing-{number}"), "at": NOW,
                "offset": playground(1), "credits": playground(0), "reference": format!("r-{number}"),
            });
            row.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
            world.plant(&world.pk(), &entry_key(sequence), row.clone()).await;
        }
        let spent = world.spent(days("2026-11-22", "2026-11-22"), SpendingGrouping::Operation).await;
        match spent {
            Ok(spent) => assert!(is_refused && spent == Err(SpendingLimit::EarlierDebits), "{count}"),
            Err(error) => {
                assert!(!is_refused && matches!(error, Error::Internal { .. }), "{count}: {error:?}");
                let why = "could not add up what was spent: a debit that was reversed is missing";
                assert_eq!(chain(&error), why);
            }
        }
        // By day no debits are looked up.
        let spent =
            world.spent(days("2026-11-22", "2026-11-22"), SpendingGrouping::Day).await.unwrap().unwrap();
        assert_eq!(spent.total().unwrap().returned.playground(), count);
    }
}
