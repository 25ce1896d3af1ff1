//! A debit against the same by AWS Powertools in Python, both as Lambda runs them, one invocation at a time in each
//! process, on the same database.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use scrip_local::instances::Program;

use crate::{
    figure::{Bound, Figure, median, middle, millis, short},
    instance::Instance,
    requests::ApiRequest,
    setting::{Services, Setting, account, text_of},
};

/// Processes of each kind, each with a client that waits for its answer.
const INSTANCES: usize = 8;
/// How often each kind is measured, in turns, and for how long.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
/// More than an instance gets through in that time; an account has credits for 3,000.
const EVENTS: usize = 1_500;
/// How often Python is started.
const STARTS: usize = 10;

/// Debits per second, and the start.
const PYTHON_MIN: f64 = 5.0;
const START_MIN: f64 = 10.0;

/// The code that is run, and its measurements.
struct Kind {
    name: &'static str,
    instances: Vec<Instance>,
    per_second: Vec<f64>,
}

pub async fn measure(setting: &Setting) -> Result<Vec<Figure>, String> {
    let python = python(setting).await?;
    let services = Services::start(setting).await?;
    // Others in each round: an account has credits for 3,000 debits.
    services.subscribe(INSTANCES * ROUNDS).await?;
    services.idempotency(INSTANCES * ROUNDS).await?;
    let ours = services.program(setting, "debit")?;
    let interpreted = Program { executable: python, ..ours.clone() };
    let root = setting.root.clone();
    let measured = tokio::task::spawn_blocking(move || -> Result<_, String> {
        let script = root.join("tests/peers");
        let starts = starts(&ours, &interpreted, &script)?;
        let mut kinds = [
            Kind::start("debit", || Instance::start(&ours))?,
            Kind::start("python", || start_python(&interpreted, &script))?,
        ];
        for round in 0..ROUNDS {
            for kind in &mut kinds {
                kind.run(round)?;
            }
        }
        Ok((starts, kinds))
    });
    let ((own_start, python_start), [ours, python]) = measured.await.map_err(|why| why.to_string())??;
    services.stop().await;
    let own = middle(&ours.per_second);
    let other = middle(&python.per_second);
    Ok(vec![
        Figure {
            what: "debits per second, against AWS Powertools in Python".to_owned(),
            value: own / other,
            unit: "×",
            bound: Bound::AtLeast(PYTHON_MIN),
            from: format!("{} against {}, {INSTANCES} instances each", short(own), short(other)),
        },
        Figure {
            what: "start to the first `/next` of AWS Powertools in Python, against debit's".to_owned(),
            value: python_start.as_secs_f64() / own_start.as_secs_f64(),
            unit: "×",
            bound: Bound::AtLeast(START_MIN),
            from: format!("p50 {} against {}", millis(python_start), millis(own_start)),
        },
    ])
}

/// A Python that has AWS Powertools; it is installed into the target directory once.
async fn python(setting: &Setting) -> Result<PathBuf, String> {
    let home = setting.root.join("target/benchmarks/python");
    let python = home.join("bin/python");
    let (root, installed) = (setting.root.clone(), home.join("installed.txt"));
    let installing = tokio::task::spawn_blocking(move || -> Result<(), String> {
        let wanted = fs::read(root.join("tests/peers/requirements.txt")).map_err(text_of)?;
        if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        eprintln!("Installing AWS Powertools ...");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        let pip = ["-m", "pip", "install", "--quiet", "--requirement", "tests/peers/requirements.txt"];
        run(Command::new(home.join("bin/python")).args(pip).current_dir(&root))?;
        fs::write(&installed, wanted).map_err(text_of)
    });
    installing.await.map_err(text_of)??;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|why| format!("{}: {why}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)))
}

impl Kind {
    fn start(
        name: &'static str,
        start: impl Fn() -> Result<(Instance, Duration), String>,
    ) -> Result<Self, String> {
        let instances =
            (0..INSTANCES).map(|_| start().map(|(instance, _)| instance)).collect::<Result<_, _>>()?;
        Ok(Self { name, instances, per_second: Vec::new() })
    }

    /// Has each instance make debits of an account of its own for a while.
    fn run(&mut self, round: usize) -> Result<(), String> {
        let name = self.name;
        let events = |number: usize| -> Vec<_> {
            let account = account(INSTANCES * round + number);
            (0..EVENTS).map(|key| ApiRequest::debit(&account, &format!("{name}-{key}")).event()).collect()
        };
        let prepared: Vec<_> = (0..INSTANCES).map(events).collect();
        let started = Instant::now();
        let counts = thread::scope(|scope| {
            let instances = self.instances.iter_mut().zip(prepared);
            let clients: Vec<_> = instances
                .map(|(instance, events)| {
                    scope.spawn(move || {
                        let mut count = 0_u32;
                        for event in events {
                            if started.elapsed() > ROUND {
                                break;
                            }
                            let answer = instance.invoke(&event)?.answer;
                            // Python writes a space after the colon.
                            if !answer.starts_with(br#"{"statusCode":201"#)
                                && !answer.starts_with(br#"{"statusCode": 201"#)
                            {
                                return Err(format!("{name} answered {}", String::from_utf8_lossy(&answer)));
                            }
                            count += 1;
                        }
                        Ok(count)
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().expect("a client")).collect::<Result<Vec<_>, _>>()
        })?;
        self.per_second.push(f64::from(counts.iter().sum::<u32>()) / started.elapsed().as_secs_f64());
        Ok(())
    }
}

/// How long ours takes to ask for its first invocation, and Python.
fn starts(ours: &Program, python: &Program, script: &Path) -> Result<(Duration, Duration), String> {
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        own.push(Instance::start(ours)?.1);
        other.push(start_python(python, script)?.1);
    }
    Ok((median(&own), median(&other)))
}

fn start_python(python: &Program, script: &Path) -> Result<(Instance, Duration), String> {
    let mut command = Command::new(&python.executable);
    command.args(["-m", "awslambdaric", "powertools.handler"]).current_dir(script);
    command.env_clear().envs(&python.environment);
    // Nothing is written into the workspace, and nothing is compiled at each start but at the first.
    command.env("PYTHONPYCACHEPREFIX", std::env::temp_dir().join("scrip-benchmarks-pycache"));
    command.env("AWS_EXECUTION_ENV", "AWS_Lambda_python3.11").env("POWERTOOLS_SERVICE_NAME", "debit");
    Instance::start_command(command)
}
