//! The client's own way over the network, to a server on loopback that answers with given bytes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use scrip_stripe::{Client, Error, objects::Charge};
use tokio::time::Instant;

use crate::server;

/// A server that answers one request with these bytes and hangs up.
fn answering(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let read = connection.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
        }
        // A client that has read enough may hang up first.
        let _ = connection.write_all(&answer);
    });
    address
}

async fn charge(base_url: &str) -> Result<Charge, Error> {
    let client = Client::new(base_url);
    client.api("rk_test_1", Instant::now() + Duration::from_mins(1)).charge("ch_1").await
}

/// An answer whose body has that many bytes in all, and announces as many.
fn whole(bytes: usize) -> Vec<u8> {
    let mut body = server::charge("ch_1").to_string();
    body.push_str(&" ".repeat(bytes - body.len()));
    format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn an_answer_of_sixteen_mebibytes_is_read_and_a_larger_one_is_not() {
    const MAX: usize = 16 * 1024 * 1024;
    for (bytes, is_read) in [(1_000, true), (MAX, true), (MAX + 1, false)] {
        match charge(&format!("http://{}", answering(whole(bytes)))).await {
            Ok(charge) => assert!(is_read && charge.id == "ch_1", "{bytes}"),
            Err(error) => assert!(!is_read && matches!(error, Error::Unreachable), "{bytes}: {error}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unreachable() {
    let answer = whole(1_000);
    for bytes in [0, 10, 50, 500, answer.len() - 1] {
        let error = charge(&format!("http://{}", answering(answer[..bytes].to_vec()))).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable), "{bytes}: {error}");
    }
}

/// Nothing listens on the port, so the connection is refused at once.
#[tokio::test]
async fn an_address_without_a_server_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for base_url in [format!("http://{closed}"), "no url at all".to_owned(), String::new()] {
        let error = charge(&base_url).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable), "{base_url:?}: {error}");
    }
}
