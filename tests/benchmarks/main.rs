//! The benchmarks: what Scrip costs in time, memory and money, each as a ratio to something measured beside it in
//! the same run.
//!
//! Invariant: everything runs on this machine and ends by itself. The functions are the binaries that are deployed,
//! built with the release profile; the database is the embedded one.

mod canned;
mod cost;
mod cpu;
mod debits;
mod engine;
mod figure;
mod hot;
mod instance;
mod latency;
mod memory;
mod patterns;
mod plot;
mod quotes;
mod raw;
mod refill;
mod requests;
mod setting;
mod starts;
mod wire;

use std::{
    env,
    process::{Command, ExitCode, Stdio},
};

use clap::{Parser, ValueEnum};

use crate::{figure::Figure, setting::Setting};

/// Measures Scrip beside what it is compared with, and fails where a figure misses its bound.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --package scrip-benchmarks --")]
struct Arguments {
    /// The subjects to measure; all, if none is named.
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// The most accounts that are refilled; a million take about twenty minutes.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    accounts_max: u32,
    /// Cargo passes this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// From a process's start to its first request for work, beside a function that does nothing.
    Starts,
    /// A whole invocation without the database, beside a function that does nothing.
    Quotes,
    /// The memory of the debit function over 100,000 debits.
    Memory,
    /// The CPU time of a debit beside its three calls.
    Cpu,
    /// How long a debit waits for DynamoDB, beside the protocol before, and an idempotency table.
    Latency,
    /// Debits per second of 1 to 64 clients, beside the SDK's three calls alone, and an idempotency table.
    Debits,
    /// Debits, and a start, beside AWS Powertools in Python.
    Patterns,
    /// One account that 64 clients debit at once.
    Hot,
    /// A month's turn of ten thousand accounts up to a million.
    Refill,
    /// The DynamoDB requests of a debit, its refusal and its replay, and the cost of a million debits.
    Cost,
}

impl Subject {
    /// Whether it runs the functions' binaries, and not only their code.
    fn runs_binaries(self) -> bool {
        match self {
            Self::Starts | Self::Quotes | Self::Memory | Self::Patterns | Self::Refill => true,
            Self::Cpu | Self::Latency | Self::Debits | Self::Hot | Self::Cost => false,
        }
    }
}

/// Set for the process that measures, whose standard output takes the functions' log lines.
const INSIDE: &str = "SCRIP_BENCHMARKS_INSIDE";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if env::var_os(INSIDE).is_none() {
        return run_inside();
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads for a runtime");
    match runtime.block_on(measure(&arguments)) {
        Ok(figures) => figure::report(&figures),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Handlers that run in this process print a line for each call. They are written, as on Lambda, but not shown.
fn run_inside() -> ExitCode {
    let own = env::current_exe().expect("a path of its own");
    let mut command = Command::new(own);
    let status = command.args(env::args_os().skip(1)).env(INSIDE, "1").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("it can't be run again: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<Vec<Figure>, String> {
    let subjects = match &*arguments.subjects {
        [] => Subject::value_variants(),
        named => named,
    };
    let mut setting = Setting::read()?;
    if subjects.iter().any(|subject| subject.runs_binaries()) {
        setting.build().await?;
    }
    let mut figures = Vec::new();
    for subject in subjects {
        eprintln!("{subject:?} ...");
        figures.extend(match subject {
            Subject::Starts => starts::measure(&setting).await?,
            Subject::Quotes => quotes::measure(&setting).await?,
            Subject::Memory => memory::measure(&setting).await?,
            Subject::Cpu => cpu::measure(&setting).await?,
            Subject::Latency => latency::measure(&setting).await?,
            Subject::Debits => debits::measure(&setting).await?,
            Subject::Patterns => patterns::measure(&setting).await?,
            Subject::Hot => hot::measure(&setting).await?,
            Subject::Cost => cost::measure(&setting).await?,
            Subject::Refill => refill::measure(&setting, arguments.accounts_max).await?,
        });
    }
    Ok(figures)
}
