//! `kill -9` of the real binaries under load, two hundred times: whatever each was doing, each request that is
//! repeated until it is answered is carried out once.
//!
//! Several clients debit, reverse, buy, take their money back, ask for prices and turn the months, all through
//! real HTTP, while instances are killed at any moment of their work. With each kill half a day passes, so four
//! months turn. A client asks again with the same key, as often as it takes; the provider sends its events
//! until they are taken. At the end every ledger is compared with the answers of its clients.
//!
//! It prints its seed, and `SCRIP_KILLS_SEED` draws the same choices again: the requests of each client, and the time
//! until the next kill. Which call a kill interrupts depends on the machine's speed and can't be drawn again.

mod book;
mod client;
mod reaper;
mod world;

use std::{env, sync::Arc, time::Duration};

use fastrand::Rng;
use futures_util::future::join_all;
use tokio::{task::JoinSet, time::timeout};

use client::Client;
use world::World;

/// How many instances are killed.
const KILLS: u32 = 200;
/// How many of them must have held an invocation.
const IN_FLIGHT_MIN: u32 = 100;
/// The plan that each account is on.
const PLANS: [&str; 4] = ["basic_monthly", "standard_annual", "business_monthly", "basic_annual"];
/// How many clients act on each account.
const CLIENTS_PER_ACCOUNT: usize = 2;
/// Far more than it takes.
const TIME_MAX: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let seed = env::var("SCRIP_KILLS_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SCRIP_KILLS_SEED={seed}");
    let world = Arc::new(World::start(seed).await);
    timeout(TIME_MAX, under_load(&world, &mut Rng::with_seed(seed))).await.expect("it comes to an end");

    let accounts = &world.accounts;
    join_all(accounts.iter().map(|account| Box::pin(account.adds_up(&world)))).await;
    world.paid_back_once();
    println!("{}", world.tally);
    let in_flight = world.tally.in_flight();
    assert!(in_flight >= IN_FLIGHT_MIN, "only {in_flight} kills interrupted an invocation");
    Arc::into_inner(world).expect("every client has ended").stop().await;
}

/// Clients, the provider and the schedule go on until the last kill, and then to the end of what they began.
async fn under_load(world: &Arc<World>, rng: &mut Rng) {
    let mut acting = JoinSet::new();
    for account in 0..PLANS.len() {
        for number in 0..CLIENTS_PER_ACCOUNT {
            let client = Client::new(Arc::clone(world), (account, number), Rng::with_seed(rng.u64(..)));
            acting.spawn(client.act());
        }
    }
    acting.spawn(client::provider(Arc::clone(world), Rng::with_seed(rng.u64(..))));
    acting.spawn(client::schedule(Arc::clone(world)));
    tokio::select! {
        () = reaper::kill(world, KILLS, rng) => world.last_kill(),
        Some(ended) = acting.join_next() => panic!("a client gave up: {ended:?}"),
    }
    while let Some(ended) = acting.join_next().await {
        ended.expect("a client converges");
    }
    // The events that the last calls caused at the provider, and the accounts that are still to be settled.
    world.deliver(&world.take_events(), rng).await;
    world.settle_month().await;
}
