//! `verify`: checks the whole ledger, and rebuilds what can be rebuilt.

use std::process::ExitCode;

use clap::Parser;
use scrip_verify::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    scrip_verify::run(&Arguments::parse()).await
}
