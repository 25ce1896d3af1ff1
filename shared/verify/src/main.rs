//! `verify`: checks the whole ledger, and repairs rows on request.

use std::process::ExitCode;

use clap::Parser;
use scrip_verify::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    scrip_verify::run(&Arguments::parse()).await
}
