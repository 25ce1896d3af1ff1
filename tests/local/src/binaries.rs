//! Builds the function binaries, or other targets of a workspace, and finds them.
//!
//! Invariant: the stack always runs what the sources say now, built with the profile and into the
//! target directory of the running test or example, so that the build is shared and takes no time
//! when nothing changed.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::sleep};

/// Every binary of the workspace, the functions among them, as a test of the workspace builds them.
pub const WORKSPACE: &[&str] = &["--workspace", "--bins"];
/// The functions beside the local stack itself, which shares their dependencies' features: none is built twice.
pub const LOCAL: &[&str] = &[
    "--package=scrip-local",
    "--package=scrip-debit",
    "--package=scrip-monthly-refill",
    "--package=scrip-purchase-webhook",
    "--package=scrip-quote",
    "--package=scrip-refund",
    "--bins",
];

/// A build that takes longer than this says that it is running.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo could not be run.
    #[error("cargo can't be run: {0}")]
    Cargo(std::io::Error),
    /// The build failed; this is what cargo printed.
    #[error("the functions don't build:\n{}", .0.trim_end())]
    Failed(String),
}

/// Builds targets of the workspace at `root`, as cargo's arguments name them; returns the path of each
/// executable by its name.
///
/// # Errors
/// When cargo can't be run or the build fails.
pub async fn build(root: &Path, targets: &[&str]) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root)
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(targets)
        .args(own_profile())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    // Cargo describes the package of the running binary to it. Handed on, this looks like a change of
    // the environment to build scripts that ask for it (ring's does), and they would run each time.
    let description = |name: &str| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(description)) {
        command.env_remove(name);
    }
    let building = command.output();
    tokio::pin!(building);
    let output = tokio::select! {
        output = &mut building => output,
        () = sleep(SILENCE_MAX) => {
            eprintln!("Building the functions ...");
            building.await
        }
    };
    let output = output.map_err(BuildError::Cargo)?;
    if !output.status.success() {
        return Err(BuildError::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).collect())
}

/// The name and path in one of cargo's messages, if it speaks of a binary.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let name = message["target"]["name"].as_str()?;
    let path = message["executable"].as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}

/// The arguments that make cargo build as the running binary was built:
/// `<target directory>/[<triple>/]<profile>/[deps/]<binary>`.
fn own_profile() -> Vec<PathBuf> {
    let Some(own) = env::current_exe().ok() else { return Vec::new() };
    let Some(folder) = own.parent() else { return Vec::new() };
    let profile = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let Some(name) = profile.file_name().map(PathBuf::from) else { return Vec::new() };
    // `target/debug` is the one directory that is not called like its profile.
    let name = if name == Path::new("debug") { PathBuf::from("dev") } else { name };
    let mut arguments = vec![PathBuf::from("--profile"), name];
    // Cargo marks the target directory with this file.
    if let Some(target) = profile.ancestors().find(|directory| directory.join("CACHEDIR.TAG").is_file()) {
        arguments.extend([PathBuf::from("--target-dir"), target.to_owned()]);
        if let Some(triple) = profile.parent().filter(|parent| *parent != target).and_then(Path::file_name) {
            arguments.extend([PathBuf::from("--target"), PathBuf::from(triple)]);
        }
    }
    arguments
}
