//! Plays many histories, in as many processes as there are cores: what the functions log goes nowhere, and a
//! history that breaks its process is known by it.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use crate::{
    cases::Case,
    faults::{Counts, Fault},
    history::play,
    plan::Name,
};

/// The seeds that a worker plays: every so many from the first.
const SEEDS: &str = "SCRIP_SIMULATION_SEEDS";
/// If a worker prints nothing for so long, its history has no end.
const SILENCE_MAX: Duration = Duration::from_mins(3);
/// How often progress is shown.
const PROGRESS: Duration = Duration::from_secs(10);

/// The results of many histories.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were played.
    pub histories: u64,
    /// How often each fault happened in them.
    pub counts: Counts<Fault>,
    /// How often each case came up in them.
    pub cases: Counts<Case>,
    /// How often something was asked, and asked again, and how many entries were written.
    pub totals: [u64; 3],
    /// The first that failed, and why.
    pub failure: Option<(Name, String)>,
    /// Those that began and haven't reported their end.
    playing: Vec<Name>,
}

/// Plays histories of consecutive seeds, until one fails.
pub fn play_all(first: u64, histories: u64) -> Report {
    let workers = available_parallelism().map_or(1, |cores| cores.get() as u64);
    let (lines, received) = channel();
    let mut children = Vec::new();
    for worker in 0..workers.min(histories) {
        let mut child = start(first + worker, first + histories, workers);
        let (lines, output) = (lines.clone(), child.stderr.take().expect("it is piped"));
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Once a history has failed, no one receives.
                drop(lines.send(line));
            }
        });
        children.push(child);
    }
    drop(lines);
    let (mut report, mut shown, started) = (Report::default(), Instant::now(), Instant::now());
    loop {
        match received.recv_timeout(SILENCE_MAX) {
            Ok(line) => report.read(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => report.break_off("it goes on for ever"),
        }
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
        if !ended.success() && report.failure.is_none() {
            report.break_off(&format!("its process broke: {ended}"));
        }
    }
    assert!(report.failure.is_some() || report.histories == histories, "{} played", report.histories);
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
    let seeds = env::var(SEEDS).expect("a worker gets its seeds");
    let [first, end, step] = seeds.split(' ').map(number).collect::<Vec<_>>()[..] else {
        panic!("{seeds:?}")
    };
    for seed in (first..end).step_by(usize::try_from(step).expect("it is small")) {
        let name = Name { seed, ..Name::default() };
        eprintln!("playing {name}");
        let played = play(&name);
        let faults = Fault::ALL.iter().map(|fault| played.counts.of(*fault).to_string());
        let totals = [played.asked.0, played.asked.1, played.entries].map(|total| total.to_string());
        let cases = Case::ALL.iter().map(|case| played.cases.of(*case).to_string());
        let counts: Vec<_> = totals.into_iter().chain(faults).chain(cases).collect();
        match played.failure {
            None => eprintln!("played {name} {}", counts.join(" ")),
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
        let after =
            |word: &str| line.strip_prefix(word).map(|rest| rest.split_once(' ').unwrap_or((rest, "")));
        if let Some((name, _)) = after("playing ") {
            self.playing.push(name.parse().expect("a worker names its history"));
        } else if let Some((name, counts)) = after("played ") {
            self.playing.retain(|playing| playing.to_string() != name);
            let counts: Vec<_> = counts.split(' ').map(number).collect();
            let (totals, counts) = counts.split_at(self.totals.len());
            let (faults, cases) = counts.split_at(Fault::ALL.len());
            for (total, more) in self.totals.iter_mut().zip(totals) {
                *total += more;
            }
            for (fault, more) in Fault::ALL.iter().zip(faults) {
                self.counts.merge(*fault, *more);
            }
            for (case, more) in Case::ALL.iter().zip(cases) {
                self.cases.merge(*case, *more);
            }
            self.histories += 1;
        } else if let Some((name, why)) = after("failed ") {
            self.failure = Some((name.parse().expect("a worker names its history"), why.to_owned()));
        }
    }
    /// Reports the first history that is still being played as the failed one.
    fn break_off(&mut self, why: &str) {
        let playing: Vec<_> = self.playing.iter().map(Name::to_string).collect();
        let name = self.playing.first().cloned().unwrap_or_default();
        self.failure = Some((name, format!("{why} (one of {})", playing.join(", "))));
    }
}
