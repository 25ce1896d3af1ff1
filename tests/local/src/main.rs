//! `cargo local`: the whole service on this machine, until Ctrl-C.
//!
//! Invariant: it leaves no process and no listener behind, however it ends. If something fails, it prints the reason and
//! exits with code 1.

use clap::Parser;
use scrip_local::{
    Options, Stack, binaries, clock, demo,
    load::{self, Load},
    seed::{self, USER},
    shop::Shop,
};
use std::{env, error::Error, ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};
use tokio::signal;

/// The account that the printed lines buy for.
const BUYER: &str = "demo-none";

/// Runs Scrip on this machine: the real function binaries behind an HTTP API, an embedded database, and a
/// payment provider that takes no money.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version)]
struct Arguments {
    /// Port of the API on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Keeps the database in this file instead of in memory
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Processes for each function
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    instances: u8,
    /// Plays a month of one account, from purchase to refund, prints its statement and ends
    #[arg(long, conflicts_with_all = ["data", "port"])]
    demo: bool,
    /// Plays mixed traffic of so many callers at once (1 to 256), prints throughput, latencies, units and what a
    /// million debits would cost, and ends
    #[arg(
        long,
        value_name = "CALLERS",
        conflicts_with_all = ["data", "demo", "port"],
        value_parser = clap::value_parser!(u16).range(1..=256),
    )]
    load: Option<u16>,
    /// How long the load is played (1 to 600)
    #[arg(long, default_value_t = 30, requires = "load", value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// Does not show what the functions print
    #[arg(long)]
    quiet: bool,
    /// Builds the functions as the workspace's tests do, so that these build nothing twice
    #[arg(long, hide = true)]
    with_workspace: bool,
}

impl Arguments {
    /// Whether it ends without Ctrl-C.
    fn ends_by_itself(&self) -> bool {
        self.demo || self.load.is_some()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse_from(given())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cargo local: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What was given on the command line. The alias ends in `--`, so the one of `cargo local -- --demo` comes
/// through; it says nothing.
fn given() -> impl Iterator<Item = OsString> {
    let mut given = env::args_os().peekable();
    let program = given.next();
    given.next_if(|first| first == "--");
    program.into_iter().chain(given)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let options = Options {
        port: if arguments.ends_by_itself() { 0 } else { arguments.port },
        data: arguments.data.clone(),
        instances: usize::from(arguments.instances),
        show_logs: !arguments.quiet && !arguments.ends_by_itself(),
        targets: if arguments.with_workspace { binaries::WORKSPACE } else { binaries::LOCAL },
        ..Options::default()
    };
    let mut interrupt = Box::pin(interrupted());
    // The ids of what is bought: the same in each demo, never those that a data file has already.
    let seed = if arguments.demo { "demo".to_owned() } else { format!("local {}", clock::now()) };
    // Dropping a stack that is about to start kills what it has started so far.
    let (stack, shop) = tokio::select! {
        started = Shop::start(options, &seed) => started?,
        () = &mut interrupt => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = serve(&stack, &shop, &arguments) => outcome,
        () = interrupt => {
            eprintln!("\nStopping ...");
            Ok(())
        }
    };
    shop.stop().await;
    stack.stop().await;
    if outcome.is_ok() && !arguments.ends_by_itself() {
        eprintln!("Stopped.");
    }
    outcome
}

/// Plays the demo or the load, or seeds the accounts, says what there is, and delivers the provider's events.
async fn serve(
    stack: &Stack,
    shop: &Shop,
    arguments: &Arguments,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if arguments.demo {
        return Ok(demo::play(stack, shop).await?);
    }
    if let Some(callers) = arguments.load {
        return play_load(stack, callers, Duration::from_secs(arguments.seconds.into())).await;
    }
    let accounts = seed::demo_accounts(stack).await?;
    let data = arguments.data.as_ref().map_or("in memory".to_owned(), |file| file.display().to_string());
    println!("Scrip is running at {} (data: {data}). Ctrl-C stops it.\n", stack.base_url());
    println!("To see it and play with it: {}/", stack.base_url());
    println!("To read about the API and try it: {}/docs\n", stack.base_url());
    println!("Demo accounts: {}\n", accounts.join(", "));
    println!("{}", to_paste(stack, shop));
    shop.watch(!arguments.quiet).await
}

/// Plays the load and prints what it came to.
async fn play_load(stack: &Stack, callers: u16, time: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let report = load::play(stack, &Load { callers, time, root: Options::default().root }).await?;
    println!("{report}");
    match report.wrong().len() {
        0 => Ok(()),
        count => Err(format!("{count} answers or accounts are not what they must be").into()),
    }
}

/// Lines for a shell: the tokens as variables, then a tour of the API.
fn to_paste(stack: &Stack, shop: &Shop) -> String {
    let (url, shop_url) = (stack.base_url(), shop.url());
    let seed::Callers { user, backend, support } = seed::callers(stack.tokens());
    let json = "-H 'Content-Type: application/json'";
    let bearer = r#"-H "Authorization: Bearer $TOKEN""#;
    let backends = r#"-H "Authorization: Bearer $BACKEND_TOKEN""#;
    let operation = r#"'{"operation":"text_to_image","width":768,"height":512,"steps":80,"images":2}'"#;
    let account = format!(r#""$SCRIP/v1/accounts/{USER}"#);
    let debit = format!(
        r#"curl -sSi -w '\n' {account}/debits" {bearer} {json} -H 'Idempotency-Key: first-debit' -d {operation}"#
    );
    format!(
        r#"# Paste this first: the URL, a token of {USER}, of a backend (any account), of support.
export SCRIP={url}
export TOKEN={user}
export BACKEND_TOKEN={backend}
export SUPPORT_TOKEN={support}
export SHOP={shop_url}

# The catalog, and what an operation costs
curl -sS -w '\n' "$SCRIP/v1/catalog"
curl -sS -w '\n' "$SCRIP/v1/quotes" {json} -d {operation}

# The account: can it afford the operation?
curl -sS -w '\n' {account}" {bearer}
curl -sS -w '\n' {account}/quotes" {bearer} {json} -d {operation}

# Debit it. The same line again gets the same answer, and takes nothing.
{debit}
{debit}

# Hold the credits of work that takes time. One of four images failed: the backend captures three.
curl -sSi -w '\n' {account}/holds" {bearer} {json} -H 'Idempotency-Key: first-hold' -d '{{"operation":"upscale","factor":4,"images":4}}'
curl -sS -w '\n' {account}/holds/first-hold/capture" {backends} {json} -d '{{"images":3}}'

# One of the two images failed: the backend gives its credits back. Then look at the ledger.
curl -sSi -w '\n' {account}/debits/first-debit/reversals" {backends} {json} -H 'Idempotency-Key: first-reversal' -d '{{"credits":{{"playground":2,"tune":0,"tune_image":0}},"reason":"one image failed"}}'
curl -sS -w '\n' {account}/entries" {bearer}

# The same as the backend sees it, at a time of your choice
curl -sS -w '\n' {account}" {backends} -H 'Local-Time: 2030-01-01T00:00:00Z'

# Buy a plan, a dearer one and a pack. $SHOP is on this machine only: it stands for Stripe and its checkout,
# and Scrip hears of the purchase by Stripe's signed webhooks.
curl -sS -w '\n' "$SHOP/local/buy" -d '{{"account_id":"{BUYER}","sku":"basic_monthly"}}'
curl -sS -w '\n' "$SHOP/local/buy" -d '{{"account_id":"{BUYER}","sku":"standard_monthly"}}'
curl -sS -w '\n' "$SHOP/local/buy" -d '{{"account_id":"{BUYER}","sku":"tune_pack"}}'
curl -sS -w '\n' "$SCRIP/v1/accounts/{BUYER}/entries" {backends}

# The money back: put in a purchase_id of the answers above. $SHOP then tells of it as Stripe does.
export PURCHASE=pi_...
curl -sS -w '\n' "$SCRIP/v1/accounts/{BUYER}/purchases/$PURCHASE/refund" -H "Authorization: Bearer $SUPPORT_TOKEN" {json} -d '{{"reason":"changed their mind"}}'
"#
    )
}

/// Resolves on Ctrl-C or when the process is asked to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}
