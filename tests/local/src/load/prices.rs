//! What a million requests cost, by the repository's own list of prices and measurements: the files that
//! `tests/costs/compute.py` draws `docs/costs.md` from.

use serde::{Deserialize, de::DeserializeOwned};
use std::{fs, path::Path};

const PRICES: &str = "tests/costs/prices.toml";
const MEASURED: &str = "tests/costs/measured.toml";
const MILLION: f64 = 1e6;
const GB: f64 = 1e9;

/// Why there are no prices.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// A file can't be read.
    #[error("{0} can't be read: {1}")]
    File(&'static str, std::io::Error),
    /// A file lacks a figure.
    #[error("{0}: {1}")]
    Figure(&'static str, toml::de::Error),
}

/// Dollars for an amount.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Price {
    usd: f64,
    per: f64,
}

impl Price {
    fn of(self, amount: f64) -> f64 {
        self.usd / self.per * amount
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct List {
    http_api_request: Price,
    internet_out_gb: Price,
    lambda_request: Price,
    /// The template's default architecture.
    lambda_gb_second_arm64: Price,
    dynamodb_write_unit: Price,
    dynamodb_read_unit: Price,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Measured {
    debit: MeasuredDebit,
}

/// What can't be measured on one machine.
#[derive(Debug, Clone, Copy, Deserialize)]
struct MeasuredDebit {
    billed_ms: f64,
    memory_gb: f64,
    answer_bytes: f64,
}

/// The list prices, and what a debit uses of API Gateway and Lambda.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    list: List,
    debit: MeasuredDebit,
}

/// DynamoDB's units of one request, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Units {
    pub(super) write: f64,
    pub(super) read: f64,
}

/// A part of what a million debits cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CostLine {
    pub(super) part: &'static str,
    /// How much of it.
    pub(super) amount: String,
    pub(super) usd: f64,
}

impl Prices {
    /// Reads the files of the workspace at `root`.
    pub(super) fn read(root: &Path) -> Result<Self, PriceError> {
        let list = read(root, PRICES)?;
        let Measured { debit } = read(root, MEASURED)?;
        Ok(Self { list, debit })
    }

    /// DynamoDB's part of a million requests, in dollars.
    pub(super) fn dynamodb_usd(&self, units: Units) -> f64 {
        self.list.dynamodb_write_unit.of(units.write * MILLION)
            + self.list.dynamodb_read_unit.of(units.read * MILLION)
    }

    /// A million debits that take these units.
    pub(super) fn million_debits(&self, units: Units) -> [CostLine; 3] {
        let MeasuredDebit { billed_ms, memory_gb, answer_bytes } = self.debit;
        let gb_seconds = billed_ms / 1e3 * memory_gb * MILLION;
        let api = self.list.http_api_request.of(MILLION)
            + self.list.internet_out_gb.of(answer_bytes * MILLION / GB);
        let lambda = self.list.lambda_request.of(MILLION) + self.list.lambda_gb_second_arm64.of(gb_seconds);
        let units_text =
            format!("{:.2} write units, {:.2} read units: measured here", units.write, units.read);
        let api_text = format!("requests, {answer_bytes} bytes out to the internet");
        let lambda_text = format!("requests, {billed_ms} ms of {} MB: {MEASURED}", memory_gb * 1024.0);
        [
            CostLine { part: "DynamoDB", amount: units_text, usd: self.dynamodb_usd(units) },
            CostLine { part: "API Gateway", amount: api_text, usd: api },
            CostLine { part: "Lambda", amount: lambda_text, usd: lambda },
        ]
    }
}

fn read<T: DeserializeOwned>(root: &Path, file: &'static str) -> Result<T, PriceError> {
    let text = fs::read_to_string(root.join(file)).map_err(|why| PriceError::File(file, why))?;
    toml::from_str(&text).map_err(|why| PriceError::Figure(file, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
    }

    #[test]
    fn an_ordinary_debit_costs_what_the_document_says() {
        let lines = Prices::read(root()).unwrap().million_debits(Units { write: 2.0, read: 1.0 });
        let document = fs::read_to_string(root().join("docs/costs.md")).unwrap();
        let usd = |row: &&str| -> f64 {
            let line = document.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("{row}"));
            line.rsplit('$').next().unwrap().trim_end_matches(" |").parse().unwrap()
        };
        for (line, rows) in lines.iter().zip([
            &["| DynamoDB |"][..],
            &["| API | requests |", "|  | 700 bytes out"],
            &["| Lambda | requests, 25 ms of 256 MB |"],
        ]) {
            // The document rounds each row to cents.
            let written: f64 = rows.iter().map(usd).sum();
            assert!((line.usd - written).abs() < 0.01, "{line:?}: {written}");
        }
    }

    #[test]
    fn a_file_that_lacks_a_figure_is_named() {
        let why = Prices::read(Path::new("/nowhere")).unwrap_err();
        assert!(why.to_string().starts_with("tests/costs/prices.toml can't be read"), "{why}");
    }
}
