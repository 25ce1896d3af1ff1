//! The rules are pure: their crates can't do I/O, sleep or tell the time, because nothing they are built
//! with can.

use std::{path::Path, process::Command};

#[test]
fn pricing_and_credits_pull_in_no_aws_no_tokio_and_no_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for package in ["pricing", "credits"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--package",
                package,
                "--edges",
                "normal,features",
                "--prefix",
                "none",
                "--offline",
            ])
            .current_dir(root)
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.starts_with(package), "{}", String::from_utf8_lossy(&output.stderr));
        for line in tree.lines() {
            let name = line.split(' ').next().unwrap();
            let is_async = ["tokio", "futures", "hyper", "lambda_runtime", "lambda_http"].contains(&name);
            assert!(!name.starts_with("aws") && !is_async, "{package} pulls in {line}");
            // chrono's clock is the feature "now" or "clock".
            let tells_time =
                line.starts_with("chrono feature \"now\"") || line.starts_with("chrono feature \"clock\"");
            assert!(!tells_time, "{package} pulls in {line}");
        }
    }
}
