//! A world in which a history happens: a database, a provider, a clock, and the wires between them and the
//! functions, on which things go wrong.
//!
//! Invariant: whatever is drawn is drawn from the seed. Every write that takes effect passes the audit.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use scrip_stripe_model::Stripe;
use tokio::time::Instant;

use crate::{
    audit::Audit,
    cases::Case,
    engine::Engine,
    faults::{Counts, Fault},
    functions::{Function, Instance},
    memory::Memory,
    offers,
    plan::Plan,
    scheduler::{Scheduler, lock},
};

/// A world in which a history is played.
pub struct World {
    /// Its accounts, what is to happen, and what isn't.
    pub plan: Plan,
    /// Runs its tasks.
    pub scheduler: Scheduler,
    /// The payment provider.
    pub stripe: Stripe,
    /// The database.
    pub engine: Engine,
    /// How often each fault has happened so far.
    pub counts: Mutex<Counts<Fault>>,
    /// How often each case has come up so far.
    pub cases: Mutex<Counts<Case>>,
    /// Every write so far, checked.
    pub audit: Mutex<Audit>,
    /// The functions that are warm.
    pub instances: Mutex<BTreeMap<Function, Arc<Instance>>>,
    /// The memory of callers and of the merchant.
    pub memory: Mutex<Memory>,
    /// The messages that wait in the refill's queue.
    pub queued: Mutex<Vec<String>>,
    rng: Mutex<Rng>,
    began: Instant,
    skews: BTreeMap<Function, TimeDelta>,
    is_calm: AtomicBool,
    steps: AtomicU64,
    /// The last answer of the due index to each query.
    pub index: Mutex<BTreeMap<String, String>>,
    trace: Mutex<DefaultHasher>,
}

impl World {
    /// The world of a plan, before anything happens.
    pub fn new(plan: Plan, engine: Engine) -> Arc<Self> {
        let mut rng = Rng::with_seed(plan.seed ^ 0x5712_1b07_0c2d_fea5);
        let stripe = Stripe::new(&plan.seed.to_string(), plan.generation, plan.start);
        offers::list(&stripe);
        let skews = Function::ALL.iter().map(|function| (*function, skew(&mut rng, *function))).collect();
        let audit = Mutex::new(Audit::new(&plan));
        Arc::new(Self {
            plan,
            scheduler: Scheduler::new(),
            stripe,
            engine,
            counts: Mutex::default(),
            cases: Mutex::default(),
            audit,
            instances: Mutex::default(),
            memory: Mutex::default(),
            queued: Mutex::default(),
            rng: Mutex::new(rng),
            began: Instant::now(),
            skews,
            is_calm: AtomicBool::new(false),
            steps: AtomicU64::new(0),
            index: Mutex::default(),
            trace: Mutex::default(),
        })
    }

    /// The true time.
    pub fn now(&self) -> DateTime<Utc> {
        self.plan.start + TimeDelta::from_std(self.began.elapsed()).expect("a history is short")
    }

    /// The time as the clock before a function has it.
    pub fn now_at(&self, function: Function) -> DateTime<Utc> {
        let is_skewed = !self.is_calm() && !self.plan.without.contains(&Fault::ClockSkew);
        self.now() + if is_skewed { self.skews[&function] } else { TimeDelta::zero() }
    }

    /// From now on nothing goes wrong any more.
    pub fn calm_down(&self) {
        self.is_calm.store(true, Ordering::SeqCst);
    }

    pub fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::SeqCst)
    }

    /// Draws whether a fault happens now.
    pub fn happens(&self, fault: Fault) -> bool {
        let happens = self.is_drawn(fault);
        if happens {
            self.happened(fault);
        }
        happens
    }

    /// Whether something is to go wrong now. Whether it does is seen later, and counted then.
    pub fn is_drawn(&self, fault: Fault) -> bool {
        let is_drawn = lock(&self.rng).u32(..1000) < fault.per_mille();
        is_drawn && !self.is_calm() && !self.plan.without.contains(&fault)
    }

    /// Counts what went wrong.
    pub fn happened(&self, fault: Fault) {
        lock(&self.counts).add(fault);
    }

    /// Counts what came up.
    pub fn came_up(&self, case: Case) {
        lock(&self.cases).add(case);
    }

    /// A number below a bound.
    pub fn draw(&self, below: u64) -> u64 {
        lock(&self.rng).u64(..below)
    }

    /// Counts the moments at which something was written or answered.
    pub fn step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::SeqCst)
    }

    /// A digest of everything that happened so far: equal for equal histories.
    pub fn trace(&self) -> u64 {
        lock(&self.trace).finish()
    }

    /// Adds to what happened.
    pub fn note(&self, what: impl Hash) {
        what.hash(&mut *lock(&self.trace));
    }
}

/// How far a function's clock is off. Two may be ten minutes apart; the webhook's stays within the five minutes
/// by which a signature may be.
fn skew(rng: &mut Rng, function: Function) -> TimeDelta {
    let most = if function == Function::Webhook { 240_000 } else { 300_000 };
    if rng.u32(..1000) < Fault::ClockSkew.per_mille() {
        TimeDelta::milliseconds(rng.i64(-most..=most))
    } else {
        TimeDelta::zero()
    }
}

/// The faults that don't happen in a history.
pub type SkippedFaults = BTreeSet<Fault>;
