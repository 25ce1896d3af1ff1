//! `cargo local` itself: the demo, the lines it prints to paste, the data it keeps, and its end.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use reqwest::{Client, Method, RequestBuilder};
use scrip_local::{Options, binaries};
use serde_json::{Value, json};

use crate::{
    api::{Reply, enhance, send},
    processes::FUNCTIONS,
};

/// The last of the lines to paste has this in it.
const LAST_TO_PASTE: &str = "2030-01-01";

async fn executable() -> PathBuf {
    let local = ["--workspace", "--bins"];
    let mut built = binaries::build(&Options::default().root, &local).await.unwrap();
    built.remove("local").expect("the program is built")
}

/// A `cargo local` that runs.
struct Local {
    process: Child,
    /// Held until it ends, so that it can go on printing.
    _output: BufReader<ChildStdout>,
    /// The lines to paste that it printed.
    to_paste: String,
}

impl Local {
    async fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(executable().await)
            .args(["--port", "0", "--instances", "1", "--quiet", "--with-workspace"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut to_paste = String::new();
        while !to_paste.contains(LAST_TO_PASTE) {
            assert_ne!(output.read_line(&mut to_paste).unwrap(), 0, "it ended: {to_paste}");
        }
        // Above are lines for people.
        let first = to_paste.find("# Paste").unwrap();
        Self { process, _output: output, to_paste: to_paste.split_off(first) }
    }

    fn exported(&self, name: &str) -> &str {
        let export = format!("export {name}=");
        self.to_paste.lines().find_map(|line| line.strip_prefix(&export)).unwrap()
    }

    /// A request of the user whose token is printed.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1/accounts/demo-standard{path}", self.exported("SCRIP"));
        Client::new().request(method, url).bearer_auth(self.exported("TOKEN"))
    }

    async fn debit(&self) -> Reply {
        let debit = self.request(Method::POST, "/debits").header("idempotency-key", "kept");
        send(debit.json(&enhance(7))).await
    }

    async fn entries(&self) -> Reply {
        send(self.request(Method::GET, "/entries")).await
    }

    /// Ctrl-C: it ends well, and so does everything that it started.
    fn interrupt(mut self) {
        let children = children(self.process.id());
        if cfg!(target_os = "linux") {
            assert_eq!(children.len(), FUNCTIONS, "an instance of each: {children:?}");
        }
        self.signal("-INT");
        assert!(self.process.wait().unwrap().success());
        let mut printed = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        assert!(printed.ends_with("\nStopping ...\nStopped.\n"), "{printed}");
        for child in children {
            assert!(!Path::new(&format!("/proc/{child}")).exists(), "{child} is left");
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Local {
    /// Also a test that fails leaves nothing behind.
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            self.signal("-TERM");
            let _ = self.process.wait();
        }
    }
}

/// The processes that a process started, where the system lists them.
fn children(pid: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    // A thread may end meanwhile.
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).ok();
    let listed: Vec<_> = threads.filter_map(|thread| of_thread(thread.ok()?)).collect();
    listed.iter().flat_map(|pids| pids.split_whitespace()).map(str::to_owned).collect()
}

async fn run(arguments: &[&str]) -> Output {
    Command::new(executable().await).args(arguments).arg("--with-workspace").output().unwrap()
}

#[tokio::test]
async fn the_demo_plays_a_month_that_adds_up() {
    // The second as `cargo local -- --demo` gives it: the alias has a `--` of its own.
    for arguments in [&["--demo"][..], &["--", "--demo"]] {
        let output = run(arguments).await;
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains("It adds up"), "{printed}");
        for kind in ["expiry", "refill", "capture", "release"] {
            assert!(printed.contains(kind), "{kind}: {printed}");
        }
    }
}

#[tokio::test]
async fn what_it_cannot_do_it_says() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let says = format!("cargo local: port {port} is taken: stop what uses it or pass --port\n");
    let output = run(&["--port", &port]).await;
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), &*says));
    for arguments in [&["--demo", "--data", "file"][..], &["--instances", "0"], &["--", "--", "--demo"]] {
        assert_eq!(run(arguments).await.status.code(), Some(2), "{arguments:?}");
    }
}

/// The printed lines, run by a shell whose `curl` prints its arguments: each in a line, an
/// empty line after the last.
fn given_to_curl(to_paste: &str) -> Vec<Vec<String>> {
    let curl = r#"curl() { for each in "$@"; do printf '%s\n' "$each"; done; echo; }"#;
    let mut shell =
        Command::new("sh").arg("-eu").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    write!(shell.stdin.take().unwrap(), "{curl}\n{to_paste}").unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.split_terminator("\n\n").map(|call| call.lines().map(str::to_owned).collect()).collect()
}

/// Sends the request that `curl` would send with these arguments.
async fn call(arguments: &[String]) -> Reply {
    let after = |option: &'static str| {
        let pairs = arguments.windows(2).filter(move |pair| pair[0] == option);
        pairs.map(|pair| pair[1].clone())
    };
    let url = arguments.iter().find(|argument| argument.starts_with("http://")).unwrap();
    let body = after("-d").next();
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = Client::new().request(method, url).body(body.unwrap_or_default());
    for header in after("-H") {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    send(request).await
}

/// The first block of code after a heading of the README.
fn readme_block(heading: &str, language: &str) -> &'static str {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0
}

#[tokio::test]
async fn the_debit_of_the_readme_is_answered_as_it_shows() {
    let local = Local::start(&[]).await;
    let exports = local.to_paste.lines().filter(|line| line.starts_with("export "));
    let lines: Vec<_> = exports.chain(readme_block("One debit", "sh").lines()).collect();
    let calls = given_to_curl(&lines.join("\n"));
    let mut shown: Value = serde_json::from_str(readme_block("One debit", "json")).unwrap();
    for is_replayed in [false, true] {
        let reply = call(&calls[0]).await;
        shown["created_at"] = reply.is(201).json["created_at"].clone();
        assert_eq!((&reply.json, reply.header("idempotent-replayed").is_some()), (&shown, is_replayed));
    }
    local.interrupt();
}

#[tokio::test]
async fn the_lines_to_paste_are_answered_and_ctrl_c_ends_it_all() {
    let local = Local::start(&[]).await;
    let mut statuses = Vec::new();
    for arguments in &given_to_curl(&local.to_paste) {
        let reply = call(arguments).await;
        statuses.push((reply.status, reply.header("idempotent-replayed").is_some()));
    }
    let (ok, created, again) = ((200, false), (201, false), (201, true));
    assert_eq!(statuses, [ok, ok, ok, ok, created, again, created, ok, created, ok, ok]);
    local.interrupt();
}

#[tokio::test]
async fn a_data_file_keeps_accounts_and_answers() {
    let file = std::env::temp_dir().join(format!("scrip-kept-{}.db", std::process::id()));
    let data = ["--data", file.to_str().unwrap()];
    let first = Local::start(&data).await;
    let taken = first.debit().await;
    assert_eq!(taken.is(201).json["balance"]["playground"], json!(2493));
    let before = first.entries().await;
    first.interrupt();

    let second = Local::start(&data).await;
    let again = second.debit().await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.text, taken.text);
    // Nothing was bought, nor taken, a second time.
    let after = second.entries().await;
    assert_eq!(after.is(200).text, before.text);
    assert_eq!(after.json["entries"].as_array().unwrap().len(), 4);
    second.interrupt();
    assert!(File::open(&file).is_ok_and(|kept| kept.metadata().unwrap().len() > 0));
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", file.display()));
    }
}
