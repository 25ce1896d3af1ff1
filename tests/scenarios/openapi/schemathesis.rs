//! Schemathesis reads the document and sends what fits it and what doesn't: no 5xx, no status, header or body
//! that isn't documented, no bad input that is taken, no good input that isn't. Ignored, since it takes minutes
//! and Python:
//!
//! ```sh
//! pip install schemathesis
//! cargo test --package scrip-tests --test scenarios -- --ignored --nocapture schemathesis
//! ```
//!
//! `SCHEMATHESIS` names the program where it isn't on the path. `.ci/run` installs the version
//! that it names, and runs it.

use std::{env, io, process::Command};

use chrono::{Months, TimeDelta};
use scrip_local::{Options, clock, seed, shop::Shop};
use tokio::task::spawn_blocking;

/// The account that the examples of the document name, which is also the one in `schemathesis.toml`.
const ACCOUNT: &str = "demo-standard";
/// Everything, on every account.
const SCOPES: [&str; 6] = [
    "credits:read",
    "credits:debit",
    "credits:settle",
    "credits:any-account",
    "credits:refund",
    "credits:adjust",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and Python"]
async fn schemathesis_finds_nothing() {
    let program = env::var("SCHEMATHESIS");
    let is_asked_for = program.is_ok();
    let (stack, shop) = Shop::start(Options::default(), "schemathesis").await.unwrap();
    // What it may try to refund, the provider knows (or nothing was paid for it).
    let now = clock::now();
    let next_year = now.checked_add_months(Months::new(12)).unwrap();
    let pack = (ACCOUNT, "seed-tune-pack");
    seed::buy(&seed::ledger(&stack), pack, "tune_pack", next_year, now).await.unwrap();
    shop.buy(ACCOUNT, "standard_monthly").await.unwrap();
    shop.buy(ACCOUNT, "avatar_pack").await.unwrap();
    let token = stack.tokens().issue("schemathesis", &SCOPES, TimeDelta::hours(1));
    let root = Options::default().root;
    let mut command = Command::new(program.unwrap_or_else(|_| "schemathesis".to_owned()));
    command.arg("--config-file").arg(root.join("tests/schemathesis.toml")).arg("run");
    command.arg(root.join("shared/openapi.yaml")).args(["--url", stack.base_url()]);
    command.env("SCRIP_TOKEN", token).current_dir(env!("CARGO_TARGET_TMPDIR"));
    let run = spawn_blocking(move || command.status()).await.unwrap();
    shop.stop().await;
    stack.stop().await;
    match run {
        Ok(status) => assert!(status.success(), "it found something: see above"),
        Err(why) if why.kind() == io::ErrorKind::NotFound && !is_asked_for => {
            eprintln!("Skipped: no program `schemathesis`. Install it: pip install schemathesis");
        }
        Err(why) => panic!("schemathesis does not start: {why}"),
    }
}
