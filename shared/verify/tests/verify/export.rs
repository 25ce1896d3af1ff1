//! Exports: the files as DynamoDB writes them to S3.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use flate2::{Compression, write::GzEncoder};
use scrip_verify::{Form, Printer, Progress, Trouble, Verdict, check_export};
use serde_json::{Value, json};

use crate::{
    damage::{damage, owned, table},
    world::{Found, World, findings, read_lines, wire_item},
};

/// A folder that is deleted in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let name = format!("verify-{}-{}", process::id(), FOLDERS.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(folder.join("data")).unwrap();
        Self(folder)
    }

    /// Writes a file of the export's data.
    pub fn data(&self, name: &str, items: &[Value]) {
        let lines: Vec<_> = items.iter().map(|item| json!({"Item": item}).to_string() + "\n").collect();
        self.write(&format!("data/{name}"), &lines.concat());
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        let mut file = File::create(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut encoder = GzEncoder::new(file, Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap();
        } else {
            file.write_all(text.as_bytes()).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A table as an export: in three files, the items of an account in no order.
pub async fn export(world: &World) -> Folder {
    let folder = Folder::new();
    let items: Vec<_> = world.items().await.into_iter().map(wire_item).collect();
    let count = items.len();
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    for (number, item) in items.into_iter().enumerate() {
        files[number % 3].push(item);
    }
    files[1].reverse();
    let [one, other, third] = files;
    folder.data("bdsl6jvvm4z4xd3gjqqtkqvk4y.json.gz", &one);
    folder.data("a2ez5d2lpq4upa3j6yqwvmx2bq.json.gz", &other);
    folder.data("by-hand.json", &third);
    folder.data("empty.json.gz", &[]);
    folder.write("_started", "");
    folder.write("manifest-files.json", r#"{"itemCount":1,"dataFileS3Key":"data/empty.json.gz"}"#);
    folder.write("manifest-summary.json", &json!({"itemCount": count}).to_string());
    folder
}

fn check(path: &Path) -> Result<(Verdict, Vec<Value>), Trouble> {
    let mut output = Vec::new();
    let mut printer = Printer::new(&mut output, Form::Json);
    let verdict = check_export(path, &mut printer, &mut Progress::hidden())?;
    Ok((verdict, read_lines(&output)))
}

fn found(path: &Path) -> Vec<Found> {
    let (verdict, lines) = check(path).unwrap();
    let found = findings(&lines);
    assert_eq!(verdict == Verdict::Clean, found.is_empty(), "{lines:?}");
    found
}

#[tokio::test]
async fn an_export_shows_the_same_as_its_table() {
    let world = World::used().await;
    assert_eq!(found(&export(&world).await.0), []);
    for (edits, expected) in table() {
        let world = World::used().await;
        damage(&world, &edits).await;
        assert_eq!(found(&export(&world).await.0), owned(&expected));
    }
}

#[tokio::test]
async fn one_file_is_an_export_too() {
    let world = World::used().await;
    let folder = Folder::new();
    let items: Vec<_> = world.items().await.into_iter().map(wire_item).collect();
    folder.data("all.json.gz", &items);
    assert_eq!(found(&folder.0.join("data/all.json.gz")), []);
    // A file that was copied twice.
    folder.data("again.json", &items);
    let twice = found(&folder.0);
    assert!(twice.contains(&("ACCOUNT#alice ENTRY#000000000001".into(), "repeated".into())), "{twice:?}");
}

#[tokio::test]
async fn an_incomplete_export_is_refused() {
    let world = World::used().await;
    let part = export(&world).await;
    fs::remove_file(part.0.join("data/by-hand.json")).unwrap();
    let two = export(&world).await;
    fs::create_dir(two.0.join("other")).unwrap();
    two.write("other/manifest-summary.json", "{}");
    let uncounted = export(&world).await;
    uncounted.write("manifest-summary.json", "{}");
    let incremental = Folder::new();
    incremental.write("data/new.json", "{\"Keys\":{},\"NewImage\":{}}\n");
    let cut = export(&world).await;
    let file = cut.0.join("data/bdsl6jvvm4z4xd3gjqqtkqvk4y.json.gz");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let absent = Folder::new();
    for (folder, part) in [
        (&part, "files of it are missing"),
        (&two, "several exports"),
        (&uncounted, "itemCount"),
        (&incremental, "new.json, line 1: no item of a full export"),
        (&cut, "bdsl6jvvm4z4xd3gjqqtkqvk4y.json.gz: "),
        (&absent, "holds no .json or .json.gz files"),
    ] {
        let trouble = check(&folder.0).unwrap_err().to_string();
        assert!(trouble.contains(part), "{trouble}");
    }
    assert!(check(&absent.0.join("nowhere")).unwrap_err().to_string().contains("nowhere"));
}
