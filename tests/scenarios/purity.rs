//! The rules are pure: their crates can't do I/O, sleep or tell the time.
//!
//! Two guards. What they are built with can't, which is checked here. What std itself offers is disallowed
//! by the `clippy.toml` of each crate, for which `.ci/run` fails; that no code lifts it is checked here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PURE: [&str; 2] = ["accounts", "pricing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn the_rules_pull_in_no_aws_no_tokio_and_no_clock() {
    for package in PURE.map(|name| format!("scrip-{name}")) {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--package",
                &package,
                "--edges",
                "normal,features",
                "--prefix",
                "none",
                "--offline",
            ])
            .current_dir(root())
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.starts_with(&package), "{}", String::from_utf8_lossy(&output.stderr));
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

#[test]
fn the_rules_keep_out_the_part_of_std_that_does_io() {
    for package in PURE {
        let package = root().join("shared").join(package);
        let disallowed = fs::read_to_string(package.join("clippy.toml")).unwrap();
        for path in ["time::SystemTime", "time::Instant", "env::var", "fs::read", "fs::File", "thread::sleep"]
        {
            assert!(disallowed.contains(&format!("\"std::{path}\"")), "{package:?}: {path}");
        }
        for file in sources(&package.join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("clippy::disallowed"), "{file:?} lifts the ban");
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
