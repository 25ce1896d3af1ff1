//! The program: its arguments, what it prints, and its exit codes.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::json;

use crate::{
    export::export,
    world::{World, engine},
};

/// The program with an environment of its own.
fn verify(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verify"));
    command.args(arguments).env_clear();
    command.envs([("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")]);
    command.env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap()
}

fn on_engine<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--endpoint-url", &engine().endpoint]].concat()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_distinguish_clean_found_and_failed() {
    let world = World::used().await;
    let table = ["--table", &world.table];
    let clean = verify(&on_engine(&table));
    let printed = text(&clean.stdout);
    assert_eq!(clean.status.code(), Some(0), "{printed}{}", text(&clean.stderr));
    assert!(
        printed.contains("3 accounts, 28 entries, 22 claims (1 without an entry, which is ordinary)"),
        "{printed}"
    );
    assert!(printed.contains("Nothing is wrong."), "{printed}");
    // Nothing on a pipe, unless it is asked for.
    assert_eq!(text(&clean.stderr), "");

    world.delete("OPERATION#alice#debit#d-2", "OPERATION").await;
    let found = verify(&on_engine(&table));
    assert_eq!(found.status.code(), Some(1));
    let line = "alice: ACCOUNT#alice ENTRY#000000000003: no_claim: it has no claim of its key; a retry would be \
                carried out again [--repair rebuilds it]\n";
    assert!(text(&found.stdout).starts_with(line), "{}", text(&found.stdout));
    let json_lines = verify(&on_engine(&["--table", &world.table, "--json", "--segments", "7"]));
    assert_eq!(json_lines.status.code(), Some(1));
    let first = text(&json_lines.stdout).lines().next().unwrap().to_owned();
    let expected = json!({"finding": {
        "account_id": "alice", "pk": "ACCOUNT#alice", "sk": "ENTRY#000000000003", "code": "no_claim",
        "problem": "has no claim of its key", "meaning": "a retry would be carried out again", "repairable": true,
    }});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&first).unwrap(), expected);

    let repaired = verify(&on_engine(&["--table", &world.table, "--repair", "--progress"]));
    assert_eq!(repaired.status.code(), Some(1));
    let line = "alice: ACCOUNT#alice ENTRY#000000000003: repaired: claim rebuilt from the entry\n";
    assert!(text(&repaired.stdout).contains(line), "{}", text(&repaired.stdout));
    assert_eq!(text(&repaired.stderr), "1 rows to be read again\n");
    assert_eq!(verify(&on_engine(&table)).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_checked_and_never_repaired() {
    let world = World::used().await;
    let folder = export(&world).await;
    let path = folder.0.to_str().unwrap();
    assert_eq!(verify(&["--export", path]).status.code(), Some(0));
    let refused = verify(&["--export", path, "--repair"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("an export is a copy"), "{}", text(&refused.stderr));
}

#[test]
fn a_run_that_fails_reports_the_reason() {
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    for (arguments, part) in [
        (vec![], "--table"),
        (vec!["--table", "a", "--export", "b"], "cannot be used with"),
        (vec!["--table", "a", "--segments", "0"], "--segments"),
        (vec!["--export", nowhere.to_str().unwrap()], "nowhere: No such file"),
        (vec!["--table", "a"], "no region: set AWS_REGION"),
        (on_engine(&["--table", "absent"]), "could not read the table"),
    ] {
        let failed = verify(&arguments);
        assert_eq!(failed.status.code(), Some(2), "{arguments:?}");
        assert!(text(&failed.stderr).contains(part), "{arguments:?}: {}", text(&failed.stderr));
    }
    let help = text(&verify(&["--help"]).stdout);
    for part in ["Exit codes:", "200 MB", "dynamodb:Scan", "--repair"] {
        assert!(help.contains(part), "{help}");
    }
}
