//! One HTTP server on the loopback interface, with an orderly end.

use axum::Router;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

/// How long requests that are running when the server is stopped may take to finish.
pub const DRAIN_MAX: Duration = Duration::from_secs(3);

/// A server that accepts requests until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts answering on `listener`.
    ///
    /// # Errors
    /// When the listener has no local address any more.
    pub fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // A dropped sender ends the server as well.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async {
            // The accept loop retries by itself; it has no error to return.
            let _ = serving.await;
        });
        Ok(Self { address, stop, task })
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets running requests finish (up to [`DRAIN_MAX`]) and frees the port.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let aborting = self.task.abort_handle();
        if timeout(DRAIN_MAX, self.task).await.is_err() {
            aborting.abort();
        }
    }
}

/// A listener on the loopback interface; port 0 takes any free one.
///
/// # Errors
/// When the port is taken or may not be used.
pub async fn loopback(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}
