//! What the scenarios share: one stack for the whole test process.
//!
//! Invariant: the stack lives on a thread and a runtime of its own, so that it outlives each test's
//! runtime. Tests must use accounts of their own, and must not stop its processes.

use crate::providers::Providers;
use scrip_local::{Options, Stack, seed};
use scrip_stripe_model::Stripe;
use std::{
    sync::{LazyLock, OnceLock},
    thread,
};
use tokio::sync::OnceCell;

/// How many processes run for each function, so that requests meet each other.
const INSTANCES: usize = 4;

static PROVIDERS: LazyLock<Providers> = LazyLock::new(Providers::default);

/// Shows a Stripe account to the stack's functions.
pub fn show(stripe: &Stripe) {
    PROVIDERS.add(stripe);
}

/// The stack; the first test that asks starts it. It ends with the test process.
///
/// # Panics
/// When it does not start, and then for every test that asks.
pub fn stack() -> &'static Stack {
    static STACK: OnceLock<Result<Stack, String>> = OnceLock::new();
    let stack = STACK.get_or_init(|| {
        let (started, starting) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            runtime.expect("a runtime for the stack").block_on(async {
                let api = PROVIDERS.serve().await;
                let stripe_api_base = Some(format!("http://{}", api.address()));
                let options = Options { instances: INSTANCES, stripe_api_base, ..Options::default() };
                let stack = Stack::start(options).await.map_err(|why| why.to_string());
                started.send(stack).expect("the first test waits");
                std::future::pending::<()>().await;
            });
        });
        starting.recv().unwrap_or_else(|_| Err("the stack's thread ended".to_owned()))
    });
    stack.as_ref().unwrap_or_else(|why| panic!("the local stack does not start: {why}"))
}

/// The stack with the demo accounts in it; the first test that asks adds them.
///
/// # Panics
/// When an account can't be added.
pub async fn seeded_stack() -> &'static Stack {
    static SEEDED: OnceCell<()> = OnceCell::const_new();
    let seed = async || {
        seed::demo_accounts(stack()).await.expect("demo accounts");
    };
    SEEDED.get_or_init(seed).await;
    stack()
}
