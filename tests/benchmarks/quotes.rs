//! A whole invocation without the database: a quote, against a function that does nothing.

use std::time::Duration;

use scrip_local::instances::Program;

use crate::{
    figure::{Bound, Figure, median, micros, middle, percentile},
    instance::Instance,
    requests::ApiRequest,
    setting::{Services, Setting},
};

/// How often both are started again: the speed of calls to a process depends on the core that it runs on.
const ROUNDS: usize = 100;
/// How many each gets in a round, in turns.
const INVOCATIONS: usize = 200;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    let programs = [services.program(setting, "hello")?, services.program(setting, "quote")?];
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let event = ApiRequest::quote().event();
        (0..ROUNDS).map(|_| round(&programs, &event)).collect::<Result<Vec<_>, String>>()
    });
    let rounds = measured.await.map_err(|why| why.to_string())??;
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
        bound: Bound::None,
        from: format!(
            "p50 of {ROUNDS} rounds; p50 {} against {}, p99 {} against {}",
            micros(median(&quote)),
            micros(median(&hello)),
            micros(percentile(&quote, 99)),
            micros(percentile(&hello, 99)),
        ),
    }])
}

/// How long each of two new processes takes for its invocations.
fn round(programs: &[Program; 2], event: &str) -> Result<[Vec<Duration>; 2], String> {
    let mut instances = [Instance::start(&programs[0])?.0, Instance::start(&programs[1])?.0];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..INVOCATIONS {
        for (instance, times) in instances.iter_mut().zip(&mut times) {
            let invoked = instance.invoke(event)?;
            if !invoked.answer.starts_with(br#"{"statusCode":200"#) {
                return Err(format!("it answered {}", String::from_utf8_lossy(&invoked.answer)));
            }
            times.push(invoked.took);
        }
    }
    Ok(times)
}
