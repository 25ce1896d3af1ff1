//! Reads and checks `catalog.toml`. Only [`read`] makes a [`CatalogFile`], so every one has passed the checks.
//!
//! `build.rs` includes this file to generate the catalog; the tests include it too.

#[path = "check.rs"]
mod check;
#[path = "shape.rs"]
mod shape;

pub use shape::{Allowance, CatalogFile, Credits, Mark, Pack, Plan, Range, TextToImage, Tier, Tool, Upscale};

/// Reads and checks a catalog. It returns all problems with their places. If the file doesn't have the
/// right shape, it returns only the first problem.
pub fn read(text: &str) -> Result<CatalogFile, Vec<String>> {
    let mut file: CatalogFile =
        toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().to_owned()])?;
    let problems = check::problems(&file);
    if !problems.is_empty() {
        return Err(problems);
    }
    // Pricing uses the first tier that contains a size, so the smallest comes first.
    file.text_to_image.tiers.sort_by_key(Tier::size);
    Ok(file)
}
