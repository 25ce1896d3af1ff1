//! What a debit function holds of memory while it works.

use std::fs;

use crate::{
    figure::{Bound, Figure, short},
    instance::Instance,
    requests::ApiRequest,
    setting::{Services, Setting, account},
};

const DEBITS: usize = 100_000;
/// Each has credits for 3,000.
const ACCOUNTS: usize = 50;
/// The most it may ever hold, in MB.
const PEAK_MAX: f64 = 20.0;
/// The most it may hold more after all debits than after the first tenth of them, in MB.
const GROWTH_MAX: f64 = 1.0;

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let services = Services::start(setting).await?;
    services.subscribe(ACCOUNTS).await?;
    let program = services.program(setting, "debit")?;
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let (mut instance, _) = Instance::start(&program)?;
        let mut held = vec![resident(instance.pid(), "VmRSS")?];
        for number in 0..DEBITS {
            let event = ApiRequest::debit(&account(number % ACCOUNTS), &format!("debit-{number}")).event();
            let invoked = instance.invoke(&event)?;
            if !invoked.answer.starts_with(br#"{"statusCode":201"#) {
                return Err(format!("it answered {}", String::from_utf8_lossy(&invoked.answer)));
            }
            if (number + 1) % (DEBITS / 10) == 0 {
                held.push(resident(instance.pid(), "VmRSS")?);
            }
        }
        Ok((held, resident(instance.pid(), "VmHWM")?))
    });
    let (held, peak) = measured.await.map_err(|why| why.to_string())??;
    services.stop().await;
    let sizes: Vec<_> = held.iter().map(|held| short(*held)).collect();
    let from = format!("MB at the start and after each {}: {}", DEBITS / 10, sizes.join(", "));
    let figure = |what: &str, value, bound| {
        let (what, unit, from) = (what.to_owned(), "MB", from.clone());
        Figure { what, value, unit, bound: Bound::AtMost(bound), from }
    };
    Ok(vec![
        figure("peak resident memory of debit over 100,000 debits", peak, PEAK_MAX),
        figure("growth of it after the first 10,000", held[10] - held[1], GROWTH_MAX),
    ])
}

/// The memory of a process, in MB: `VmRSS` now, `VmHWM` the peak.
pub fn resident(pid: u32, which: &str) -> Result<f64, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|why| why.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u32>().ok());
    Ok(f64::from(kilobytes.ok_or("the system doesn't tell what a process holds")?) / 1024.0)
}
