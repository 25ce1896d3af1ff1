//! What a debit, its refusal and its replay ask of DynamoDB, and what a million debits cost at its list prices, by the
//! consumed capacity that DynamoDB's answers report.

use scrip_local::seed;

use crate::{
    engine::{Debits, Kind},
    figure::{Bound, Figure},
    setting::{Services, Setting, account},
    wire::Recorder,
};

/// Dollars for a million units, on demand, in us-east-1 (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
const WRITE_DOLLARS: f64 = 0.625;
const READ_DOLLARS: f64 = 0.125;

const RATIO_MAX: f64 = 0.56;

/// The most requests, write units and read units.
const DEBIT_MAX: [f64; 3] = [3.0, 2.0, 1.0];
const REPLAY_MAX: [f64; 3] = [3.0, 1.0, 2.0];
const REFUSAL_MAX: [f64; 3] = [2.0, 0.0, 5.0];

/// The requests and capacity units that a debit consumed.
#[derive(Debug, Default)]
struct Consumption {
    requests: f64,
    read: f64,
    written: f64,
}

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    services.subscribe(2).await?;
    services.idempotency(1).await?;
    let recorder = Recorder::default();
    let config = seed::aws_config_over(services.database.endpoint(), recorder.http_client());
    let debits = |kind| Debits::new(kind, &config, &services.table);
    let [ours, before, pattern] = [Kind::Ours, Kind::Before, Kind::IdempotencyTable].map(debits);
    let made = consumed(201, &ours, 0, &recorder).await?;
    let replayed = consumed(201, &ours, 0, &recorder).await?;
    // The account was never seen.
    let refused = consumed(402, &ours, 2, &recorder).await?;
    let made_before = consumed(201, &before, 1, &recorder).await?;
    let pattern = consumed(201, &pattern, 0, &recorder).await?;
    services.stop().await;
    if [&made, &made_before, &pattern].iter().any(|consumed| consumed.written == 0.0) {
        return Err("the database doesn't report what was consumed".to_owned());
    }
    let against = |other: &Consumption, what: &str, bound| Figure {
        what: format!("DynamoDB for a million debits, against {what}"),
        value: made.dollars() / other.dollars(),
        unit: "×",
        bound,
        from: format!("{}; {}", made.working(), other.working()),
    };
    let pattern = against(&pattern, "an idempotency table, balance and ledger row", Bound::AtMost(RATIO_MAX));
    let before = against(&made_before, "the protocol before", Bound::None);
    let units = [
        made.figures("an ordinary debit", DEBIT_MAX),
        replayed.figures("the replay of an ordinary debit", REPLAY_MAX),
        refused.figures("a debit that is refused", REFUSAL_MAX),
    ];
    Ok([pattern, before].into_iter().chain(units.into_iter().flatten()).collect())
}

impl Consumption {
    fn dollars(&self) -> f64 {
        self.written * WRITE_DOLLARS + self.read * READ_DOLLARS
    }

    fn working(&self) -> String {
        format!(
            "{} requests, {} × ${WRITE_DOLLARS} + {} × ${READ_DOLLARS} = ${:.3}",
            self.requests,
            self.written,
            self.read,
            self.dollars()
        )
    }

    fn figures(&self, what: &str, most: [f64; 3]) -> [Figure; 3] {
        let measured = [("requests", self.requests), ("WCU", self.written), ("RCU", self.read)];
        std::array::from_fn(|place| {
            let (unit, value) = measured[place];
            let (what, from) = (format!("{what}: {unit}"), String::new());
            Figure { what, value, unit: "", bound: Bound::AtMost(most[place]), from }
        })
    }
}

/// What a debit consumes, as the database's answers report it. A put whose condition failed reports nothing, and costs
/// a unit for an item of up to 1 KB.
async fn consumed(
    expected: u16,
    debits: &Debits,
    number: usize,
    recorder: &Recorder,
) -> Result<Consumption, String> {
    recorder.take();
    let status = debits.make(&account(number), "debit").await;
    if status != expected {
        return Err(format!("a debit was answered {status}"));
    }
    let mut consumed = Consumption::default();
    for (operation, answer) in recorder.take() {
        consumed.requests += 1.0;
        let kind = answer["__type"].as_str().unwrap_or_default();
        if kind.ends_with("#ConditionalCheckFailedException") {
            consumed.written += 1.0;
        }
        let reported = &answer["ConsumedCapacity"];
        let reported = reported.as_array().map_or_else(|| vec![reported], |tables| tables.iter().collect());
        let units: f64 = reported.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        match operation.as_str() {
            "Query" | "GetItem" | "TransactGetItems" => consumed.read += units,
            _ => consumed.written += units,
        }
    }
    Ok(consumed)
}
