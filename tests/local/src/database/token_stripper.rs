//! A pipe to the database that takes the `ClientRequestToken` out of what passes.
//!
//! The SDK's clients give every transaction a token of its own, and the engine goes through all tokens of the last ten
//! minutes at each one: with 100,000 of them a write takes milliseconds more.
//!
//! Invariant: nothing else changes, not even a length. A token that two reads share stays, which only
//! costs time.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const FIELD: &[u8] = b"\"ClientRequestToken\":\"";
const NOTHING: &[u8] = b"null";
/// How much is read at once: more than any request of ours.
const READ_BYTES: usize = 64 * 1024;

/// Starts passing connections on, until the task is aborted.
pub(super) fn start(listener: TcpListener, database: SocketAddr) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // A connection that breaks is the client's to notice.
            tokio::spawn(async move { drop(pass(client, database).await) });
        }
    })
}

async fn pass(mut client: TcpStream, database: SocketAddr) -> io::Result<()> {
    let mut database = TcpStream::connect(database).await?;
    client.set_nodelay(true)?;
    database.set_nodelay(true)?;
    let (mut requests, mut answered) = client.split();
    let (mut answers, mut asked) = database.split();
    let asking = async {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = requests.read(&mut buffer).await?;
            if read == 0 {
                return asked.shutdown().await;
            }
            blank(&mut buffer[..read]);
            asked.write_all(&buffer[..read]).await?;
        }
    };
    let answering = async {
        copy(&mut answers, &mut answered).await?;
        answered.shutdown().await
    };
    tokio::try_join!(asking, answering).map(|_| ())
}

/// Puts `null` and spaces in the place of each token.
fn blank(bytes: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], FIELD) {
        // The opening quote is part of what is replaced.
        let value = from + at + FIELD.len() - 1;
        let Some(length) = find(&bytes[value + 1..], b"\"") else { return };
        let value = &mut bytes[value..value + length + 2];
        from += at + FIELD.len() + length;
        if value.len() >= NOTHING.len() {
            value.fill(b' ');
            value[..NOTHING.len()].copy_from_slice(NOTHING);
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::blank;

    #[test]
    fn a_token_becomes_null_and_nothing_else_changes() {
        for (before, after) in [
            (r#"{"a":1,"ClientRequestToken":"0123-45"}"#, r#"{"a":1,"ClientRequestToken":null     }"#),
            (
                r#"{"ClientRequestToken":"ab","b":"ClientRequestToken"}"#,
                r#"{"ClientRequestToken":null,"b":"ClientRequestToken"}"#,
            ),
            (r#"{"ClientRequestToken":"","b":2}"#, r#"{"ClientRequestToken":"","b":2}"#),
            (r#"{"ClientRequestToken":"cut off"#, r#"{"ClientRequestToken":"cut off"#),
            ("POST / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n"),
            (
                r#"{"ClientRequestToken":"abc"}{"ClientRequestToken":"def"}"#,
                r#"{"ClientRequestToken":null }{"ClientRequestToken":null }"#,
            ),
        ] {
            let mut bytes = before.as_bytes().to_vec();
            blank(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), after);
        }
    }
}
