//! No crate has a circle of modules, and no package takes files of another.

mod circles;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use source::{Crate, given_path, normal};
use syn::{
    ItemMod,
    visit::{self, Visit},
};

/// The folders of the crates that are read; a folder that ends in `*` stands for each folder in it.
const CRATES: [&str; 5] = ["shared/*", "functions/*", "tests/local", "tests/stripe", "tests/support"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file as it is named from the root.
fn within(file: &Path) -> &Path {
    file.strip_prefix(root()).unwrap()
}

/// The entries of a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// The Rust files below a folder, but for those that were built.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in entries(folder) {
        if entry.is_dir() && !entry.ends_with("target") {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    let crates_of = |place: &str| match place.strip_suffix("/*") {
        Some(folder) => entries(&root().join(folder)),
        None => vec![root().join(place)],
    };
    let folders: Vec<_> = CRATES.into_iter().flat_map(crates_of).filter(|folder| folder.is_dir()).collect();
    assert!(folders.len() > CRATES.len(), "{folders:?}");
    let mut found = Vec::new();
    for folder in &folders {
        let source = |file: &Path| fs::read_to_string(root().join(file)).ok();
        let read = Crate::read(&within(folder).join("src/lib.rs"), &source);
        for circle in read.circles() {
            let made_by = circle.made_by.join("\n  ");
            found.push(format!("{}: {}\n  {made_by}", within(folder).display(), circle.modules));
        }
        // What isn't read can't be found to be a circle: the tests of a module, and what starts a program.
        let files = rust_files(&folder.join("src"));
        let unread = files.iter().filter(|file| !read.files().contains(within(file)));
        let is_test = |file: &Path| {
            let mut below = file.strip_prefix(folder).into_iter().flat_map(Path::components);
            file.ends_with("tests.rs") || below.any(|part| part.as_os_str() == "tests")
        };
        for file in unread.filter(|file| !is_test(file) && !file.ends_with("src/main.rs")) {
            found.push(format!("{} is no module of its crate", within(file).display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A crate's files, and the circles in it.
type Row = (&'static [(&'static str, &'static str)], &'static [&'static str]);

/// A crate in each way in which names can make a circle, or seem to.
const CIRCLES: &[Row] = &[
    // Through a name that the root hands on, by another name.
    (
        &[
            ("lib.rs", "mod a; mod b; pub use b::Bee as Hive;"),
            ("a.rs", "use crate::Hive; pub struct A(Hive);"),
            ("b.rs", "pub struct Bee(Option<Box<super::a::A>>);"),
        ],
        &["crate::a <-> crate::b"],
    ),
    // Through all names of a module, three modules long, with one that stands on the circle only.
    (
        &[
            ("lib.rs", "mod a; mod b; mod c; mod d; pub use c::*;"),
            ("a.rs", "use crate::b; pub fn f() { b::g(); }"),
            ("b.rs", "pub fn g() -> crate::Cee { todo!() }"),
            ("c.rs", "use super::{a::{self as first}}; pub struct Cee; impl Cee { fn h() { first::f() } }"),
            ("d.rs", "use crate::a::f;"),
        ],
        &["crate::a <-> crate::b <-> crate::c"],
    ),
    // In a macro's tokens, and in an attribute.
    (
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn f() -> String { format!(\"{}\", (1, crate::b::g())) }"),
            ("b.rs", "#[serde(with = \"crate::a::time\")] pub struct B; pub fn g() {}"),
        ],
        &["crate::a <-> crate::b"],
    ),
    // The root offers what is below it: a child that uses what the root defines stands on itself.
    (
        &[("lib.rs", "mod a; pub use a::A; pub struct Root;"), ("a.rs", "pub struct A(crate::Root);")],
        &["crate <-> crate::a"],
    ),
    // A module and its child, and what is below that; a parent that only hands on isn't one of a circle.
    (
        &[
            ("lib.rs", "mod n; mod p;"),
            ("n.rs", "mod x; pub struct N; fn f() { x::deep::g(); }"),
            ("n/x.rs", "pub mod deep;"),
            ("n/x/deep.rs", "use super::super::N; pub fn g() -> N { N }"),
            ("p.rs", "pub mod k; pub struct P; pub use k::K;"),
            ("p/k.rs", "use super::P; pub struct K(P);"),
        ],
        &["crate::n <-> crate::n::x"],
    ),
    // Modules within a file, a file by its path, and code for everything but tests.
    (
        &[
            ("lib.rs", "mod a { pub fn f() { super::b::g() } } #[path = \"other/c.rs\"] mod b;"),
            ("other/c.rs", "#[cfg(not(test))] use crate::a; pub fn g() { a::f() }"),
        ],
        &["crate::a <-> crate::b"],
    ),
    // Neither code for tests, nor texts and comments, nor another crate's names make one.
    (
        &[
            ("lib.rs", "//! crate::a\nmod a; mod b; pub use a::A; pub use b::B;"),
            (
                "a.rs",
                "pub struct A; impl A { #[cfg(test)] fn t() -> crate::B { crate::B } } #[cfg(test)] mod tests;",
            ),
            ("b.rs", "use crate::A; pub struct B(A); #[cfg(all(test, unix))] mod tests { use crate::b::B; }"),
            ("c.rs", "This isn't Rust, and no module of the crate."),
        ],
        &[],
    ),
    (
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "/// [`crate::b::B`]\npub struct A; const TEXT: &str = \"crate::b::B\"; fn f() { ::b::g(); b::h(); }",
            ),
            ("b.rs", "use crate::a::A; // crate::a\npub struct B(A);"),
        ],
        &[],
    ),
];

#[test]
fn a_circle_is_found_whatever_way_names_take() {
    for (files, expected) in CIRCLES {
        let files: BTreeMap<_, _> = files.iter().map(|(file, text)| (Path::new(file), *text)).collect();
        let source = |file: &Path| files.get(file).map(|text| (*text).to_owned());
        let circles = Crate::read(Path::new("lib.rs"), &source).circles();
        let found: Vec<_> = circles.iter().map(|circle| circle.modules.as_str()).collect();
        assert_eq!(found, *expected, "{files:?}: {circles:?}");
        assert!(circles.iter().all(|circle| !circle.made_by.is_empty()), "{circles:?}");
    }
}

/// The files that a file takes by `#[path]`.
struct TakenFiles<'a> {
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl Visit<'_> for TakenFiles<'_> {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        self.files.extend(given_path(&module.attrs).map(|given| normal(&self.folder.join(given))));
        visit::visit_item_mod(self, module);
    }
}

/// The files of other packages that a file takes by `#[path]`. A package is a folder with a manifest.
fn taken_from_others(file: &Path, text: &str, packages: &[PathBuf]) -> Vec<PathBuf> {
    let package = |file: &Path| {
        file.ancestors().find(|folder| packages.iter().any(|package| package == folder)).map(Path::to_owned)
    };
    let mut taken = TakenFiles { folder: file.parent().unwrap(), files: Vec::new() };
    taken.visit_file(&syn::parse_file(text).unwrap_or_else(|why| panic!("{}: {why}", file.display())));
    taken.files.retain(|taken| package(taken) != package(file));
    taken.files
}

#[test]
fn no_package_takes_files_of_another() {
    let folders = ["functions", "shared", "tests"].map(|folder| root().join(folder));
    let files: Vec<_> = folders.iter().flat_map(|folder| rust_files(folder)).collect();
    let folders =
        files.iter().flat_map(|file| file.ancestors()).filter(|folder| folder.join("Cargo.toml").is_file());
    let packages: Vec<_> = folders.map(Path::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
    let fuzz = root().join("tests/fuzz");
    assert!(packages.contains(&fuzz), "{packages:?}");
    let taken = |file: &PathBuf| taken_from_others(file, &fs::read_to_string(file).unwrap(), &packages);
    let found: Vec<_> =
        files.iter().map(|file| (file, taken(file))).filter(|(_, taken)| !taken.is_empty()).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_file_of_another_package_is_found_wherever_it_is_taken() {
    let packages = ["tests", "tests/fuzz", "shared/pricing"].map(PathBuf::from);
    for (file, text, expected) in [
        ("shared/pricing/src/lib.rs", r#"#[path = "../build/read.rs"] mod read; mod rates;"#, None),
        ("shared/pricing/build.rs", r#"#[path = "src/rates.rs"] mod rates;"#, None),
        (
            "tests/a.rs",
            r#"#[path = "../shared/pricing/src/rates.rs"] mod rates;"#,
            Some("shared/pricing/src/rates.rs"),
        ),
        ("tests/a.rs", r#"#[cfg(test)] #[path = "fuzz/seed.rs"] mod seed;"#, Some("tests/fuzz/seed.rs")),
        ("tests/fuzz/a.rs", r#"mod inner { #[path = "../b.rs"] mod b; }"#, Some("tests/b.rs")),
    ] {
        let taken = taken_from_others(Path::new(file), text, &packages);
        assert_eq!(taken, expected.map(PathBuf::from).into_iter().collect::<Vec<_>>(), "{file}: {text}");
    }
}
