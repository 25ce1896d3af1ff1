//! Plays many histories, in as many processes as there are cores: what the functions log goes nowhere, and a
//! history that breaks its process is known by it.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use crate::{
    faults::{Counts, Fault},
    history::play,
    plan::Name,
};

/// The seeds that a worker plays: every so many from the first.
const SEEDS: &str = "SCRIP_SIMULATION_SEEDS";
/// How often progress is shown.
const PROGRESS: Duration = Duration::from_secs(10);

/// What came of many histories.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were played.
    pub histories: u64,
    /// What went wrong in them.
    pub counts: Counts,
    /// How often something was asked, and asked again, and how many entries were written.
    pub totals: [u64; 3],
    /// The first that failed, and why.
    pub failure: Option<(Name, String)>,
}

/// Plays histories of consecutive seeds, until one fails.
pub fn play_all(first: u64, histories: u64) -> Report {
    let workers = available_parallelism().map_or(1, |cores| cores.get() as u64);
    let (lines, said) = channel();
    let mut children = Vec::new();
    for worker in 0..workers.min(histories) {
        let mut child = start(first + worker, first + histories, workers);
        let (lines, output) = (lines.clone(), child.stderr.take().expect("it is piped"));
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Once one has failed nobody listens.
                drop(lines.send(line));
            }
        });
        children.push(child);
    }
    drop(lines);
    let (mut report, mut shown, started) = (Report::default(), Instant::now(), Instant::now());
    for line in said {
        report.read(&line);
        if report.failure.is_some() {
            break;
        }
        if shown.elapsed() > PROGRESS {
            shown = Instant::now();
            eprintln!("{} of {histories} histories, {:?}", report.histories, started.elapsed());
        }
    }
    for mut child in children {
        if report.failure.is_some() {
            // It may have ended by itself.
            drop(child.kill());
        }
        let ended = child.wait().expect("a worker that was started");
        assert!(ended.success() || report.failure.is_some(), "a worker broke: {ended}");
    }
    report
}

fn start(first: u64, end: u64, step: u64) -> Child {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command
        .args(["--ignored", "--exact", "worker", "--nocapture"])
        .env(SEEDS, format!("{first} {end} {step}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("this program starts")
}

/// A worker's part: one line for each history, on standard error.
pub fn work() {
    let seeds = env::var(SEEDS).expect("a worker is told its seeds");
    let [first, end, step] = seeds.split(' ').map(number).collect::<Vec<_>>()[..] else {
        panic!("{seeds:?}")
    };
    for seed in (first..end).step_by(usize::try_from(step).expect("it is small")) {
        let name = Name { seed, ..Name::default() };
        let played = play(&name);
        let faults = Fault::ALL.iter().map(|fault| played.counts.of(*fault).to_string());
        let totals = [played.asked.0, played.asked.1, played.entries].map(|total| total.to_string());
        let counts: Vec<_> = totals.into_iter().chain(faults).collect();
        match played.failure {
            None => eprintln!("played {}", counts.join(" ")),
            Some(why) => {
                eprintln!("failed {name} {}", why.replace('\n', " "));
                return;
            }
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

impl Report {
    fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("played ") {
            let counts: Vec<_> = counts.split(' ').map(number).collect();
            let (totals, faults) = counts.split_at(self.totals.len());
            for (total, more) in self.totals.iter_mut().zip(totals) {
                *total += more;
            }
            for (fault, more) in Fault::ALL.iter().zip(faults) {
                self.counts.merge(*fault, *more);
            }
            self.histories += 1;
        } else if let Some((name, why)) = line.strip_prefix("failed ").and_then(|rest| rest.split_once(' ')) {
            self.failure = Some((name.parse().expect("a worker names its history"), why.to_owned()));
        }
    }
}
