//! Stops a program at one of its calls: before the call arrives, or after it was carried out and before
//! its answer is seen. What it had in memory is gone then, as when its process is killed.
//!
//! A [`Crash`] stands before the services that the program calls and counts the calls to all of them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use scrip_stripe_model::server::{self, Server};
use tokio::sync::Notify;

/// On which side of a call the program stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The call never arrives.
    Before,
    /// It is carried out, and its answer never arrives.
    After,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// A program's end, at one of its calls.
#[derive(Debug, Clone)]
pub struct Crash {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    call: usize,
    side: Side,
    calls: AtomicUsize,
    reached: Notify,
}

#[derive(Clone)]
struct Front {
    crash: Crash,
    http: reqwest::Client,
    url: String,
}

impl Crash {
    /// At that call, counted from zero.
    #[must_use]
    pub fn at(call: usize, side: Side) -> Self {
        let shared = Shared { call, side, calls: AtomicUsize::new(0), reached: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Stands before a service; the program is given the server's address in the place of the service's.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(&self, url: &str) -> io::Result<Server> {
        let front = Front { crash: self.clone(), http: reqwest::Client::new(), url: url.to_owned() };
        Server::start(server::loopback(0).await?, Router::new().fallback(pass).with_state(front))
    }

    /// Runs the program until its end or its crash; `None` where it crashed.
    pub async fn run<T>(&self, program: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            ended = program => Some(ended),
            () = self.shared.reached.notified() => None,
        }
    }
}

async fn pass(
    State(front): State<Front>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shared = &front.crash.shared;
    let is_last = shared.calls.fetch_add(1, Ordering::SeqCst) == shared.call;
    let stop = async || {
        shared.reached.notify_one();
        std::future::pending::<()>().await;
    };
    if is_last && shared.side == Side::Before {
        stop().await;
    }
    let answer = match forward(&front, method, &uri, headers, body).await {
        Ok(answer) => answer,
        Err(why) => (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    };
    if is_last {
        stop().await;
    }
    answer
}

async fn forward(
    front: &Front,
    method: Method,
    uri: &Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> reqwest::Result<Response> {
    // The client names the host it asks.
    headers.remove(header::HOST);
    let url = format!("{}{uri}", front.url);
    let answer = front.http.request(method, url).headers(headers).body(body).send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    Ok((status, headers, answer.bytes().await?).into_response())
}
