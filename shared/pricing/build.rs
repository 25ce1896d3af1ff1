//! Turns `catalog.toml` into Rust, or fails the build. So a catalog with a mistake can't be deployed, and
//! no TOML is read at run time.

#![allow(clippy::disallowed_methods, reason = "a build script reads the catalog and writes the source of it")]

use std::{env, error::Error, fs, path::Path};

#[path = "build/catalog_file.rs"]
mod catalog_file;
#[path = "src/defaults.rs"]
mod defaults;
#[path = "build/generate.rs"]
mod generate;

const CATALOG: &str = "catalog.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CATALOG}");
    println!("cargo::rerun-if-changed=build");
    let text = fs::read_to_string(CATALOG).map_err(|error| format!("{CATALOG}: {error}"))?;
    match catalog_file::read(&text) {
        Ok(file) => {
            let out = env::var("OUT_DIR")?;
            fs::write(Path::new(&out).join("catalog.rs"), generate::source(&file))?;
        }
        // An error that is reported like this fails the build and has no backtrace.
        Err(problems) => {
            for line in problems.iter().flat_map(|problem| problem.lines()) {
                println!("cargo::error={CATALOG}: {line}");
            }
        }
    }
    Ok(())
}
