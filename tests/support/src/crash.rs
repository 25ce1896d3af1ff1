//! Stops a program at one of its calls: before the call arrives, or after it was carried out and before its answer arrives.
//! The program's memory is lost then, as when its process is killed.
//!
//! A [`Crash`] is a proxy of the services that the program calls, and counts the calls to all of them.

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

/// A crash of a program at one of its calls.
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
struct Proxy {
    crash: Crash,
    http: reqwest::Client,
    url: String,
}

impl Crash {
    /// Makes a crash at that call, counted from zero.
    #[must_use]
    pub fn at(call: usize, side: Side) -> Self {
        let shared = Shared { call, side, calls: AtomicUsize::new(0), reached: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a proxy of a service. The program is to call the returned server instead of the service.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn before(&self, url: &str) -> io::Result<Server> {
        let proxy = Proxy { crash: self.clone(), http: reqwest::Client::new(), url: url.to_owned() };
        Server::start(server::loopback(0).await?, Router::new().fallback(pass).with_state(proxy))
    }

    /// Runs the program until its end or its crash; `None` if it crashed.
    pub async fn run<T>(&self, program: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            ended = program => Some(ended),
            () = self.shared.reached.notified() => None,
        }
    }
}

async fn pass(
    State(proxy): State<Proxy>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shared = &proxy.crash.shared;
    let is_last = shared.calls.fetch_add(1, Ordering::SeqCst) == shared.call;
    let stop = async || {
        shared.reached.notify_one();
        std::future::pending::<()>().await;
    };
    if is_last && shared.side == Side::Before {
        stop().await;
    }
    let answer = match forward(&proxy, method, &uri, headers, body).await {
        Ok(answer) => answer,
        Err(why) => (StatusCode::BAD_GATEWAY, why.to_string()).into_response(),
    };
    if is_last {
        stop().await;
    }
    answer
}

async fn forward(
    proxy: &Proxy,
    method: Method,
    uri: &Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> reqwest::Result<Response> {
    // The client names the host it asks.
    headers.remove(header::HOST);
    let url = format!("{}{uri}", proxy.url);
    let answer = proxy.http.request(method, url).headers(headers).body(body).send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    Ok((status, headers, answer.bytes().await?).into_response())
}
