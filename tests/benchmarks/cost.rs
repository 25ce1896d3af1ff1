//! What a million debits cost at DynamoDB's list prices, by the capacity that a real one is told to have consumed.

use scrip_debit::DebitFunction;
use scrip_local::seed;
use scrip_peers::powertools::Debits;

use crate::{
    figure::{Bound, Figure},
    requests::Asked,
    setting::{Services, Setting, account},
    wire::Recorder,
};

/// Dollars for a million units, on demand, in us-east-1 (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
const WRITE_DOLLARS: f64 = 0.625;
const READ_DOLLARS: f64 = 0.125;

const RATIO_MAX: f64 = 1.06;

/// What a debit consumed.
#[derive(Debug, Default)]
struct Consumed {
    requests: usize,
    read: f64,
    written: f64,
}

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    services.subscribe(1).await?;
    services.idempotency(1).await?;
    let recorder = Recorder::default();
    let config = seed::aws_config_over(services.database.endpoint(), recorder.http_client());
    let ledger = services.ledger_through(recorder.http_client());
    let pattern = Debits::new(&config, services.table.clone());
    let asked = || Asked::debit(&account(0), "debit").request();
    let ours = (DebitFunction::new(ledger.clone()).handle(asked()).await.status(), consumed(&recorder));
    let theirs = (pattern.handle(asked()).await.status(), consumed(&recorder));
    services.stop().await;
    if ours.0 != 201 || theirs.0 != 201 {
        return Err(format!("a debit was answered {} or {}", ours.0, theirs.0));
    }
    if ours.1.written == 0.0 || theirs.1.written == 0.0 {
        return Err("the database doesn't tell what was consumed".to_owned());
    }
    let (own, other) = (ours.1.dollars(), theirs.1.dollars());
    Ok(vec![Figure {
        what: "DynamoDB for a million debits, against an idempotency table, balance and ledger row"
            .to_owned(),
        value: own / other,
        unit: "×",
        bound: Bound::AtMost(RATIO_MAX),
        from: format!("{}; {}", ours.1.working(), theirs.1.working()),
    }])
}

impl Consumed {
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
}

/// What the answers since the last look say was consumed.
fn consumed(recorder: &Recorder) -> Consumed {
    let mut consumed = Consumed::default();
    for (operation, answer) in recorder.take() {
        consumed.requests += 1;
        let told = &answer["ConsumedCapacity"];
        let told = told.as_array().map_or_else(|| vec![told], |tables| tables.iter().collect());
        let units: f64 = told.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        match operation.as_str() {
            "Query" | "GetItem" | "TransactGetItems" => consumed.read += units,
            _ => consumed.written += units,
        }
    }
    consumed
}
