//! A whole invocation without the database: a quote, against a function that does nothing.

use std::time::Duration;

use crate::{
    figure::{Bound, Figure, median, micros, middle, percentile},
    instance::Instance,
    requests::Asked,
    setting::{Services, Setting},
};

/// How often both are started anew: how fast a process is called depends on which core it came to be on.
const ROUNDS: usize = 100;
/// How many each gets in a round, in turns.
const INVOCATIONS: usize = 200;
/// How much longer than a function that does nothing.
const RATIO_MAX: f64 = 1.3;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    let programs = [services.program(setting, "hello")?, services.program(setting, "quote")?];
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let event = Asked::quote().event();
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (mut hello, _) = Instance::start(&programs[0])?;
            let (mut quote, _) = Instance::start(&programs[1])?;
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..INVOCATIONS {
                for (instance, times) in [&mut hello, &mut quote].into_iter().zip(&mut times) {
                    let invoked = instance.invoke(&event)?;
                    if !invoked.answer.starts_with(br#"{"statusCode":200"#) {
                        return Err(format!("it answered {}", String::from_utf8_lossy(&invoked.answer)));
                    }
                    times.push(invoked.took);
                }
            }
            rounds.push(times);
        }
        Ok(rounds)
    });
    let rounds: Vec<[Vec<Duration>; 2]> = measured.await.map_err(|why| why.to_string())??;
    services.stop().await;
    let ratios: Vec<_> = rounds
        .iter()
        .map(|[hello, quote]| median(quote).as_secs_f64() / median(hello).as_secs_f64())
        .collect();
    let all = |place: usize| rounds.iter().flat_map(|times| times[place].iter().copied()).collect::<Vec<_>>();
    let (hello, quote) = (all(0), all(1));
    Ok(vec![Figure {
        what: "invocation of quote, against a hello-world function's".to_owned(),
        value: middle(&ratios),
        unit: "×",
        bound: Bound::AtMost(RATIO_MAX),
        from: format!(
            "p50 of {ROUNDS} rounds; p50 {} against {}, p99 {} against {}",
            micros(median(&quote)),
            micros(median(&hello)),
            micros(percentile(&quote, 99)),
            micros(percentile(&hello, 99)),
        ),
    }])
}
