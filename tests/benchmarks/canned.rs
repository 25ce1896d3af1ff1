//! A service that always answers the same, as fast as there can be answered: what is measured is who asks.

use std::{
    io::{self, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use crate::instance::read_request;

/// How many are answered at once.
const CONNECTIONS: usize = 4;

/// Answers every request with that body, on a port of its own, for as long as this process runs; its URL.
pub fn start(body: &str) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // A thread already waits for each connection.
    for _ in 0..CONNECTIONS {
        let (listener, answer) = (listener.try_clone()?, answer.clone());
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // A connection that breaks is the caller's to notice.
                drop(serve(stream, &answer));
            }
        });
    }
    Ok(format!("http://{address}"))
}

fn serve(mut stream: TcpStream, answer: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while read_request(&mut reader)?.is_some() {
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}
