//! The documents' tables name what there is: routes, problems with their statuses, crates.
//! (`template/deployment.rs` holds their parameters to the template, `template/metrics.rs` their metrics to the functions.)

use std::{collections::BTreeSet, fs, path::Path};

use regex_lite::Regex;
use scrip_api::Code;
use scrip_local::{Options, template::Template};

const API: &str = include_str!("../../docs/api.md");
const CRATES: &str = include_str!("../../shared/README.md");

/// The cells of each table row of a document, without the rows that only draw lines.
pub fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(str::trim).collect())
}

#[test]
fn the_api_document_lists_each_route_once() {
    let root = Options::default().root;
    let given = [("JwtIssuer", "https://login.example.com/"), ("JwtAudience", "scrip")];
    let template = Template::read(&root.join("template.yaml"), &given.into_iter().collect()).unwrap();
    let served: BTreeSet<String> = template.routes.iter().map(scrip_local::template::Route::key).collect();

    let route = Regex::new("^`((?:GET|POST) [^`]+)`$").unwrap();
    let documented: Vec<String> = rows(API)
        .filter_map(|row| Some(route.captures(row.first()?)?[1].replace('…', "/v1/accounts/{account_id}")))
        .collect();
    assert_eq!(documented.len(), served.len(), "a route is listed twice or not at all");
    assert_eq!(documented.into_iter().collect::<BTreeSet<_>>(), served);
}

#[test]
fn the_api_document_lists_each_problem_with_its_status() {
    let missing: Vec<_> = Code::ALL
        .into_iter()
        .filter(|code| {
            let (status, name) = (code.status().to_string(), format!("`{}`", code.as_str()));
            let is_of_status = |row: &Vec<&str>| row[0].split(", ").any(|each| each == status);
            !rows(API).any(|row| is_of_status(&row) && row[1].contains(&name))
        })
        .map(|code| format!("{} {}", code.status(), code.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/api.md lacks {missing:?}");
}

#[test]
fn the_map_of_the_crates_has_a_row_for_each() {
    let root = Options::default().root;
    let crates_in = |folder: &'static str| {
        let folders = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let crates = folders.filter(|path| path.join("Cargo.toml").exists());
        crates.map(move |path| format!("{folder}/{}", file_name(&path)))
    };
    let there: BTreeSet<String> = ["shared", "functions"].into_iter().flat_map(crates_in).collect();

    let name = Regex::new("^(?:\\[)?`((?:shared|functions)/[a-z-]+)`").unwrap();
    let mapped: Vec<String> =
        rows(CRATES).filter_map(|row| Some(name.captures(row.first()?)?[1].to_owned())).collect();
    assert_eq!(mapped.len(), there.len(), "each crate has one row");
    assert_eq!(mapped.into_iter().collect::<BTreeSet<_>>(), there);
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}
