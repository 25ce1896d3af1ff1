//! One history: played from its name, to its end or its failure.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use scrip_local::{
    stack::prices,
    template::{Table, Template},
    tokens,
};
use tokio::time::timeout;

use crate::{
    cases::Case,
    engine::Engine,
    faults::{Counts, Fault},
    plan::{Name, Plan},
    scheduler::lock,
    world::World,
};

/// No history takes longer, by its own clock: what hasn't ended by then waits for something that never comes.
const LONGEST: Duration = Duration::from_hours(60 * 24);

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let given = [("JwtIssuer", tokens::ISSUER), ("JwtAudience", tokens::AUDIENCE)];
    let prices = prices();
    let given = given.into_iter().chain([("StripePrices", prices.as_str())]).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    Template::read(&root.join("template.yaml"), &given).expect("the template").table
});

/// The result of a history.
#[derive(Debug, Clone, Default)]
pub struct HistoryResult {
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// How often each fault happened in it.
    pub counts: Counts<Fault>,
    /// How often each case came up in it.
    pub cases: Counts<Case>,
    /// A digest of everything that happened.
    pub trace: u64,
    /// How often something was asked, and asked again.
    pub asked: (u64, u64),
    /// How many entries were written.
    pub entries: u64,
}

/// Plays a history.
pub fn play(name: &Name) -> HistoryResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    // For the jitter of retries.
    fastrand::seed(name.seed);
    let world = runtime.block_on(async { World::new(Plan::of(name), Engine::start(&TABLE, &table())) });
    let failure =
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(&world)))).err().map(|panic| why(&*panic));
    let (asked, entries) = {
        let (memory, audit) = (lock(&world.memory), lock(&world.audit));
        let entries = world.plan.accounts.iter().map(|account| audit.book(account).entries.len() as u64);
        ((memory.asked, memory.asked_again), entries.sum())
    };
    let (counts, cases) = (lock(&world.counts).clone(), lock(&world.cases).clone());
    HistoryResult { failure, counts, cases, trace: world.trace(), asked, entries }
}

async fn run(world: &Arc<World>) {
    for timed in world.plan.actions.clone() {
        let actor = Arc::clone(world);
        world.scheduler.spawn(async move { actor.act(&timed).await });
    }
    let bookkeeper = Arc::clone(world);
    world.scheduler.spawn(async move { bookkeeper.keep_books().await });
    let schedule = Arc::clone(world);
    world.scheduler.spawn(async move { schedule.make_up_daily().await });
    to_rest(world).await;
    let operator = Arc::clone(world);
    world.scheduler.spawn(async move { operator.tidy_up().await });
    to_rest(world).await;
    let caller = Arc::clone(world);
    world.scheduler.spawn(async move {
        caller.ask_again().await;
        caller.look_again().await;
        caller.read_all().await;
    });
    to_rest(world).await;
    world.check_ending();
}

/// Goes on until no task is left.
async fn to_rest(world: &Arc<World>) {
    let rng = Rng::with_seed(world.draw(u64::MAX));
    let ended = timeout(LONGEST, world.scheduler.run(rng)).await;
    assert!(ended.is_ok(), "something waits for ever");
}

/// A name that no other history's table has, in this process or another.
fn table() -> String {
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    format!("simulation-{}-{}", std::process::id(), PLAYED.fetch_add(1, Ordering::SeqCst))
}

fn why(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
