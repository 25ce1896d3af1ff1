//! Histories in a simulated world: the real handlers down to their requests, an embedded DynamoDB and the provider's fake,
//! on one thread whose every turn is drawn from a seed, with everything going wrong that can.
//!
//! `SCRIP_SIMULATION_HISTORIES` says how many are played, `SCRIP_SIMULATION_FIRST` from which seed on.
//! `SCRIP_SIMULATION=17-3..5+Throttled` plays one: seed 17 without its actions 3 to 5, with no other fault than
//! throttling.

mod account_at;
mod action;
mod actors;
mod audit;
mod busy_account;
mod callers;
mod cases;
mod deliveries;
mod ending;
mod engine;
mod entitlement;
mod entitlement_check;
mod entry;
mod faults;
mod functions;
mod history;
mod holders;
mod holds;
mod jobs;
mod memory;
mod name;
mod network;
mod offers;
mod plan;
mod provider;
mod readers;
mod request;
mod scheduler;
mod shop;
mod shrink;
mod workers;
mod world;

use std::env;

use cases::Case;
use faults::Fault;
use history::play;
use plan::{Name, Plan};

/// The number of histories if `SCRIP_SIMULATION_HISTORIES` is not set.
const HISTORIES: u64 = 500;
/// With at least so many histories, each fault and each case must come up so often; with fewer, chance decides.
const HISTORIES_THAT_TELL: u64 = 10_000;
const FAULTS_MIN: u64 = 1_000;
const CASES_MIN: u64 = 100;

fn variable(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn every_history_ends_well() {
    if let Ok(name) = env::var("SCRIP_SIMULATION") {
        return replay(&name.parse().unwrap());
    }
    let first = variable("SCRIP_SIMULATION_FIRST", 0);
    let report = workers::play_all(first, variable("SCRIP_SIMULATION_HISTORIES", HISTORIES));
    if let Some((name, why)) = report.failure {
        eprintln!("history {name} failed: {why}");
        let smallest = shrink::shrink(&name);
        let actions = Plan::of(&smallest).actions.len();
        panic!(
            "history {name} failed: {why}\nThe smallest that fails has {actions} actions:\n\
             SCRIP_SIMULATION={smallest} cargo test --package scrip-tests --test simulation -- --nocapture"
        );
    }
    let [asked, again, entries] = report.totals;
    println!("{} histories: {asked} requests, {again} of them retries, {entries} entries", report.histories);
    for fault in Fault::ALL {
        println!("{:>8} {fault}", report.counts.of(*fault));
    }
    for case in Case::ALL {
        println!("{:>8} {case}", report.cases.of(*case));
    }
    if report.histories < HISTORIES_THAT_TELL {
        return;
    }
    let rare: Vec<_> = Fault::ALL.iter().filter(|fault| report.counts.of(**fault) < FAULTS_MIN).collect();
    assert!(rare.is_empty(), "less than {FAULTS_MIN} times: {rare:?}");
    let rare: Vec<_> = Case::ALL.iter().filter(|case| report.cases.of(**case) < CASES_MIN).collect();
    assert!(rare.is_empty(), "less than {CASES_MIN} times: {rare:?}");
}

/// Plays one history and says what happens in it.
fn replay(name: &Name) {
    for timed in Plan::of(name).actions {
        eprintln!("{:>4} {} account {}: {:?}", timed.number, timed.at, timed.account, timed.action);
    }
    let played = play(name);
    assert_eq!(played.failure, None);
}

#[test]
fn a_history_replays_identically() {
    for seed in 0..10 {
        let name = Name { seed, ..Name::default() };
        let (first, second) = (play(&name), play(&name));
        assert_eq!((first.trace, first.asked, first.entries), (second.trace, second.asked, second.entries));
        assert_eq!(first.failure, second.failure);
    }
}

/// Histories that failed once, by a fault that was in the code or was planted there, as small as they got.
#[test]
fn histories_that_failed_once_end_well() {
    let kept = include_str!("kept.txt").lines().filter(|line| !line.starts_with('#'));
    for line in kept {
        let (name, found) = line.split_once(' ').unwrap();
        assert_eq!(play(&name.parse().unwrap()).failure, None, "{name}, which found: {found}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for name in ["17", "17-3-5", "17-0-3..5-9", "17+", "17+AnswerLost", "17-3..5+Throttled+CrashAfter"] {
        assert_eq!(name.parse::<Name>().unwrap().to_string(), name);
    }
    for none in ["", "x", "17-x", "-1", "17-1..x", "17+Nothing"] {
        none.parse::<Name>().unwrap_err();
    }
}

#[test]
#[ignore = "plays the histories that another test names to it"]
fn worker() {
    workers::work();
}
