//! Plots, as SVG.

use std::{fs, path::Path};

use plotters::prelude::*;

/// Where the README finds them.
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

/// A plot whose x axis is logarithmic.
#[derive(Debug)]
pub struct Plot {
    /// The file's name.
    pub name: &'static str,
    pub title: &'static str,
    pub x: &'static str,
    pub y: &'static str,
    pub lines: Vec<Line>,
}

impl Plot {
    /// Writes it into the workspace at `root`.
    pub fn draw(&self, root: &Path) -> Result<(), String> {
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|why| why.to_string())?;
        let file = folder.join(format!("{}.svg", self.name));
        self.draw_to(&file).map_err(|why| format!("{}: {why}", file.display()))
    }

    fn draw_to(&self, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let least = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let most = points().map(|(x, _)| *x).fold(0.0, f64::max);
        let highest = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.1;
        let area = SVGBackend::new(file, (720, 400)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d((least..most).log_scale(), 0.0..highest)?;
        chart.configure_mesh().x_desc(self.x).y_desc(self.y).light_line_style(WHITE).draw()?;
        for (number, line) in self.lines.iter().enumerate() {
            let color = Palette99::pick(number).to_rgba();
            let points = line.points.iter().copied();
            chart
                .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
                .label(line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
            chart.draw_series(points.map(|point| Circle::new(point, 3, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .draw()?;
        area.present()?;
        Ok(())
    }
}
