//! What is plotted: the points that were measured, which `tests/benchmarks/plots/draw.py` draws.

use std::{fs, path::Path};

use serde_json::json;

/// The folder of the points.
const FOLDER: &str = "tests/benchmarks/plots";

/// A line of a plot.
#[derive(Debug)]
pub struct Line {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

impl Line {
    /// A line without points yet.
    pub fn new(name: &'static str) -> Self {
        Self { name, points: Vec::new() }
    }
}

/// The lines of a plot.
#[derive(Debug)]
pub struct Plot {
    /// The file's name.
    pub name: &'static str,
    pub lines: Vec<Line>,
}

impl Plot {
    /// Writes the points into the workspace at `root`, a line of the file for each line of the plot.
    pub fn save(&self, root: &Path) -> Result<(), String> {
        let file = root.join(FOLDER).join(format!("{}.json", self.name));
        let line = |line: &Line| {
            let points: Vec<_> = line.points.iter().map(|(x, y)| [*x, rounded(*y)]).collect();
            format!("  {}: {}", json!(line.name), json!(points))
        };
        let lines: Vec<_> = self.lines.iter().map(line).collect();
        let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
        fs::write(&file, text).map_err(|why| format!("{}: {why}", file.display()))
    }
}

/// To thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
