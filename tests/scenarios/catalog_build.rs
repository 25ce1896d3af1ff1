//! A catalog that can't be right fails the build and says why. (What can't be right is a table in
//! `shared/pricing/tests`.)

use std::{
    fs,
    path::{Path, PathBuf},
};

use scrip_local::binaries::{self, BuildError};

const CATALOG: &str = "shared/pricing/catalog.toml";
const SQUARE: &str = "    { width = 1024, height = 1024, playground = [2, 4, 10] },\n";

/// The line that all crates of the workspace have their version of.
const VERSION: &str = "version = \"0.1.0\"";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The workspace again, with the pricing crate alone: the same versions, features and profile, so that what
/// is compiled is used again. It stays for the next run, which then only runs the build script. Its own version is another
/// one: cargo would take it for this workspace's crate, whose tests then found the other catalog.
fn workspace() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("catalog-build");
    for folder in ["shared/pricing", "shared/pricing/build", "shared/pricing/src"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                let text = fs::read_to_string(entry.path()).unwrap();
                // Dependencies of its tests alone aren't copied.
                let text = text.replace("scrip-test-support.workspace = true\n", "");
                write(&copy.join(folder).join(entry.file_name()), &text);
            }
        }
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lists = ["members = ", "default-members = "];
    let alone: String = manifest
        .lines()
        .map(|line| match lists.iter().find(|list| line.starts_with(*list)) {
            Some(list) => format!("{list}[\"shared/pricing\"]\n"),
            None if *line == *VERSION => "version = \"0.0.0\"\n".to_owned(),
            None => format!("{line}\n"),
        })
        .collect();
    assert_eq!(alone.matches("members = [\"shared/pricing\"]").count(), lists.len());
    assert!(alone.contains("version = \"0.0.0\"\n"));
    write(&copy.join("Cargo.toml"), &alone);
    fs::copy(root().join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    copy
}

/// Leaves a file alone that says this already: cargo goes by its time.
fn write(file: &Path, text: &str) {
    if fs::read_to_string(file).ok().as_deref() != Some(text) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

#[tokio::test]
async fn a_catalog_with_a_mistake_fails_the_build_and_says_which() {
    let workspace = workspace();
    let catalog = fs::read_to_string(root().join(CATALOG)).unwrap();
    for (from, to, says) in [
        (SQUARE, "", Some("tier 1024 × 1024 is missing; without it some sizes up to 1024 have no price")),
        ("monthly_price = 1900", "monthly_prize = 1900", Some("unknown field `monthly_prize`")),
        ("monthly_price = 1900", "monthly_price = 1901", None),
    ] {
        assert_eq!(catalog.matches(from).count(), 1, "{from}");
        write(&workspace.join(CATALOG), &catalog.replace(from, to));
        let built = binaries::build(&workspace, &["--package", "scrip-pricing", "--lib", "--offline"]).await;
        match (built, says) {
            (Ok(_), None) => {}
            (Err(BuildError::Failed(printed)), Some(says)) => {
                let first = printed.lines().find(|line| line.starts_with("error: scrip-pricing@"));
                assert!(first.is_some_and(|line| line.contains(": catalog.toml: ")), "{printed}");
                assert!(printed.contains(says), "{printed}");
            }
            (built, _) => panic!("{to}: {built:?}"),
        }
    }
}
