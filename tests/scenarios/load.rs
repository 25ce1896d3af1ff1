//! `cargo local -- --load`: a short load, whose counts add up, and what its arguments may be.

use std::{process::Command, time::Duration};

use scrip_local::{
    Options, Stack, binaries,
    load::{self, Load, Operation},
};

const OPERATIONS: [Operation; 10] = [
    Operation::Quote,
    Operation::Debit,
    Operation::Replay,
    Operation::Refusal,
    Operation::Hold,
    Operation::Capture,
    Operation::Release,
    Operation::Reversal,
    Operation::Balance,
    Operation::Statement,
];

#[tokio::test]
async fn a_short_load_is_answered_rightly_and_its_counts_add_up() {
    let options = Options::default();
    let root = options.root.clone();
    let stack = Stack::start(options).await.unwrap();
    let played = load::play(&stack, &Load { callers: 4, time: Duration::from_secs(2), root }).await;
    let report = played.unwrap_or_else(|why| panic!("{why}"));
    stack.stop().await;
    assert!(report.wrong().is_empty(), "{report}");
    let of = |operation| report.of(operation);
    assert!(OPERATIONS.into_iter().all(|operation| of(operation) > 0), "{report}");
    assert_eq!(OPERATIONS.into_iter().map(of).sum::<u64>(), report.requests(), "{report}");
    assert_eq!(of(Operation::Hold), of(Operation::Capture) + of(Operation::Release), "{report}");
    assert!(of(Operation::Replay) + of(Operation::Reversal) <= 2 * of(Operation::Debit), "{report}");
    // Each request has its line, and so its units: a refusal writes nothing, a debit two items, and one more for each
    // write that another's came before.
    assert_eq!(report.unlogged(), 0, "{report}");
    let writes = |operation| report.units_of(operation).unwrap().0;
    assert!((0.0..0.1).contains(&writes(Operation::Refusal)), "{report}");
    assert!((2.0..3.0).contains(&writes(Operation::Debit)), "{report}");
    let text = report.to_string();
    assert!(text.contains("a million debits"), "{text}");
}

#[tokio::test]
async fn what_a_load_cannot_be_is_refused_and_help_lists_it() {
    let mut built = binaries::build(&Options::default().root, binaries::WORKSPACE).await.unwrap();
    let local = built.remove("local").unwrap();
    let run = |arguments: &[&str]| Command::new(&local).args(arguments).output().unwrap();
    for (arguments, reason) in [
        (&["--load", "0"][..], "0 is not in 1..=256"),
        (&["--load", "257"], "257 is not in 1..=256"),
        (&["--load", "many"], "invalid digit"),
        (&["--load"], "a value is required"),
        (&["--load", "1", "--seconds", "0"], "0 is not in 1..=600"),
        (&["--load", "1", "--seconds", "601"], "601 is not in 1..=600"),
        (&["--seconds", "5"], "--load <CALLERS>"),
        (&["--load", "1", "--demo"], "cannot be used with"),
        (&["--load", "1", "--data", "file"], "cannot be used with"),
    ] {
        let output = run(arguments);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains(reason), "{arguments:?}: {printed}");
    }
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(help.contains("--load <CALLERS>") && help.contains("--seconds <SECONDS>"), "{help}");
}
