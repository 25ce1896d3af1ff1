//! The function processes of a stack: replaced when they die, gone when it stops.

use reqwest::{Client, StatusCode};
use scrip_local::{Options, Stack, StartError};
use std::{env, fs, net::TcpListener, path::Path, process::Command, time::Duration};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(10);

async fn one_each() -> Stack {
    Stack::start(Options { instances: 1, ..Options::default() }).await.unwrap()
}

/// How many functions the template has.
pub const FUNCTIONS: usize = 5;

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_dies_is_replaced_and_none_outlives_the_stack() {
    let stack = one_each().await;
    let before = stack.instance_pids();
    assert_eq!(before.len(), FUNCTIONS);
    for pid in &before {
        assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    }
    let replaced = async {
        while stack.instance_pids().len() < FUNCTIONS
            || stack.instance_pids().iter().any(|pid| before.contains(pid))
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, replaced).await.expect("every process is replaced");
    let catalog = Client::new().get(format!("{}/v1/catalog", stack.base_url())).send().await.unwrap();
    assert_eq!(catalog.status(), StatusCode::OK);

    let pids = stack.instance_pids();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    let address = stack.base_url().strip_prefix("http://").unwrap().to_owned();
    stack.stop().await;
    assert!(!pids.iter().any(|pid| is_alive(*pid)), "{pids:?}");
    TcpListener::bind(&address).expect("the port is free again");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let why = Stack::start(Options { port, ..Options::default() }).await.unwrap_err();
    assert!(matches!(why, StartError::PortTaken(_)));
    assert_eq!(why.to_string(), format!("port {port} is taken: stop what uses it or pass --port"));
}

#[tokio::test]
async fn a_data_file_that_cannot_be_used_is_named() {
    let file = env::temp_dir().join(format!("scrip-not-a-database-{}", std::process::id()));
    fs::write(&file, "This is a text that no database would start with. ".repeat(100)).unwrap();
    let missing = env::temp_dir().join("scrip-no-such-directory/data.db");
    for (data, says) in [(&file, "can't be used"), (&missing, "can't be written")] {
        let options = Options { data: Some(data.clone()), ..Options::default() };
        let why = Stack::start(options).await.unwrap_err().to_string();
        assert!(why.starts_with(&format!("the data file {} {says}", data.display())), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
    fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_missing_template_is_named() {
    let root = env::temp_dir();
    let why =
        Stack::start(Options { root: root.clone(), ..Options::default() }).await.unwrap_err().to_string();
    assert!(why.starts_with(&root.join("template.yaml").display().to_string()), "{why}");
}

#[tokio::test]
async fn a_failing_build_is_quoted() {
    let root = env::temp_dir().join(format!("scrip-broken-workspace-{}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("template.yaml"), include_str!("../../template.yaml")).unwrap();
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = 7\n").unwrap();
    let why =
        Stack::start(Options { root: root.clone(), ..Options::default() }).await.unwrap_err().to_string();
    assert!(why.starts_with("the functions don't build:\n") && why.contains("members = 7"), "{why}");
    fs::remove_dir_all(&root).unwrap();
}
