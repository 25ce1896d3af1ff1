//! Reads and checks `catalog.toml`. Only [`read`] makes a [`CatalogFile`], so whoever holds one holds a
//! catalog without a known mistake.
//!
//! Included by `build.rs`, which generates the catalog from it, and by the tests.

#[path = "check.rs"]
mod check;
#[path = "shape.rs"]
mod shape;

pub use shape::{Allowance, CatalogFile, Credits, Mark, Pack, Plan, Range, TextToImage, Tier, Tool, Upscale};

/// Reads and checks a catalog. The problems say what is wrong and where, all at once; a file that
/// is not of the right shape at all yields the first one only.
pub fn read(text: &str) -> Result<CatalogFile, Vec<String>> {
    let mut file: CatalogFile =
        toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().to_owned()])?;
    let problems = check::problems(&file);
    if !problems.is_empty() {
        return Err(problems);
    }
    // Pricing takes the first tier that contains a size, so the smallest comes first.
    file.text_to_image.tiers.sort_by_key(Tier::size);
    Ok(file)
}
