//! A whole invocation without the database: a quote, against a function that does nothing.

use std::time::Duration;

use crate::{
    figure::{Bound, Figure, median, micros, percentile},
    instance::Instance,
    requests::Asked,
    setting::{Services, Setting},
};

/// How many each gets, in turns.
const INVOCATIONS: usize = 20_000;
/// How much longer than a function that does nothing.
const RATIO_MAX: f64 = 1.3;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    let programs = [services.program(setting, "hello")?, services.program(setting, "quote")?];
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let event = Asked::quote().event();
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
        Ok(times)
    });
    let [hello, quote]: [Vec<Duration>; 2] = measured.await.map_err(|why| why.to_string())??;
    services.stop().await;
    let (own, other) = (median(&quote), median(&hello));
    Ok(vec![Figure {
        what: "invocation of quote, against a hello-world function's".to_owned(),
        value: own.as_secs_f64() / other.as_secs_f64(),
        unit: "×",
        bound: Bound::AtMost(RATIO_MAX),
        from: format!(
            "p50 {} against {}, p99 {} against {}",
            micros(own),
            micros(other),
            micros(percentile(&quote, 99)),
            micros(percentile(&hello, 99)),
        ),
    }])
}
