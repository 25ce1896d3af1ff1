//! From a process's start to its first request for work, with all that a function does before it: reading its
//! environment, and the first request to the database.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    canned,
    figure::{Bound, Figure, median, millis, percentile},
    instance::Instance,
    setting::{Setting, text_of},
};

/// How often each is started, in turns.
const ROUNDS: usize = 200;
/// How much longer than a function as a user would write it with the same parts.
const RATIO_MAX: f64 = 1.25;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    // What a function's first request is answered: nothing is there. Secrets are read by the first call that needs one.
    let database = canned::start(r#"{"Count":0,"Items":[],"ScannedCount":0}"#).map_err(text_of)?;
    let names: Vec<_> = ["hello", "sdk"].into_iter().chain(setting.functions()).collect();
    let programs: Vec<_> =
        names.iter().map(|name| setting.program(name, &database, &database)).collect::<Result<_, _>>()?;
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (name, program) in names.iter().zip(&programs) {
            let program = program.clone();
            let started = tokio::task::spawn_blocking(move || Instance::start(&program));
            let (_, took) = started.await.map_err(|why| why.to_string())??;
            times.entry(name).or_default().push(took);
        }
    }
    let figures = setting.functions().into_iter().flat_map(|name| {
        [
            ("sdk", "the SDK's client alone", Bound::AtMost(RATIO_MAX)),
            ("hello", "a hello-world function without AWS", Bound::None),
        ]
        .map(|(other, what, bound)| ratio(&times, name, (other, what), bound))
    });
    Ok(figures.collect())
}

fn ratio(
    times: &BTreeMap<&str, Vec<Duration>>,
    name: &str,
    (other, what): (&str, &str),
    bound: Bound,
) -> Figure {
    let (own, others) = (&times[name], &times[other]);
    Figure {
        what: format!("start of {name} to its first `/next`, against {what}"),
        value: median(own).as_secs_f64() / median(others).as_secs_f64(),
        unit: "×",
        bound,
        from: format!(
            "p50 {} against {}, p95 {} against {}",
            millis(median(own)),
            millis(median(others)),
            millis(percentile(own, 95)),
            millis(percentile(others, 95)),
        ),
    }
}
