//! Reads an export of the table to S3, from a local copy.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use scrip_ledger::audit::{Auditor, Order, Report, read_export_line};
use serde_json::Value;

use crate::{Progress, Trouble};

/// The file with the number of an export's items.
const SUMMARY: &str = "manifest-summary.json";
/// The prefix of an export's files that aren't data.
const MANIFEST_PREFIX: &str = "manifest-";

/// Reads all of an export and checks it.
pub(crate) fn read(path: &Path, progress: &mut Progress) -> Result<Report, Trouble> {
    let mut files = Vec::new();
    add_files(path, &mut files)?;
    files.sort();
    let (summaries, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_named(file, SUMMARY));
    let data: Vec<_> = files.into_iter().filter(|file| is_data(file)).collect();
    let refused = |why: String| Trouble::NotAnExport { path: path.to_owned(), why };
    if summaries.len() > 1 {
        return Err(refused("holds several exports; name the folder of one".to_owned()));
    }
    if data.is_empty() {
        return Err(refused("holds no .json or .json.gz files".to_owned()));
    }
    let mut auditor = Auditor::new(Order::Any);
    for file in &data {
        read_file(file, &mut auditor, progress)?;
    }
    let rows = auditor.tally().rows;
    for summary in &summaries {
        let expected = item_count(summary)?;
        if expected != rows {
            return Err(refused(format!("has {rows} items of {expected}: files of it are missing")));
        }
    }
    auditor.finish().map_err(Trouble::Table)
}

fn read_file(path: &Path, auditor: &mut Auditor, progress: &mut Progress) -> Result<(), Trouble> {
    let failed = |why| Trouble::File { path: path.to_owned(), why };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    let mut reader: Box<dyn BufRead> = if has_suffix(path, ".gz") {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let (mut text, mut line) = (String::new(), 0);
    while reader.read_line(&mut text).map_err(failed)? > 0 {
        line += 1;
        if !text.trim().is_empty() {
            let item = read_export_line(&text);
            auditor.take(item.map_err(|why| Trouble::Line { path: path.to_owned(), line, why })?);
            progress.show(&auditor.tally());
        }
        text.clear();
    }
    Ok(())
}

/// All files below a folder, or the file itself.
fn add_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Trouble> {
    let failed = |why| Trouble::File { path: path.to_owned(), why };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        add_files(&entry.map_err(failed)?.path(), files)?;
    }
    Ok(())
}

/// The number of items in an export's own summary.
fn item_count(summary: &Path) -> Result<u64, Trouble> {
    let text = fs::read(summary).map_err(|why| Trouble::File { path: summary.to_owned(), why })?;
    let summary_json: Option<Value> = serde_json::from_slice(&text).ok();
    let count = summary_json.and_then(|summary| summary["itemCount"].as_u64());
    let why = "doesn't say how many items there are (itemCount)".to_owned();
    count.ok_or(Trouble::NotAnExport { path: summary.to_owned(), why })
}

fn is_data(file: &Path) -> bool {
    let is_manifest = name(file).starts_with(MANIFEST_PREFIX);
    !is_manifest && (has_suffix(file, ".json") || has_suffix(file, ".json.gz"))
}

fn is_named(file: &Path, wanted: &str) -> bool {
    name(file) == wanted
}

fn has_suffix(file: &Path, suffix: &str) -> bool {
    name(file).ends_with(suffix)
}

fn name(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
