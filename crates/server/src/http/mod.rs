//! The HTTP service: the document's app as JSON over HTTP, on the engine of the same process.
//!
//! [`codes`] what is answered, [`accounts`] who may ask, [`api`] the routes, [`guard`] what every
//! request passes before them. Users and tokens live in a store of their own that no RESP command
//! reaches. Knows the `larder` crate only; no engine type, no socket of the RESP side.

mod accounts;
mod api;
mod codes;
mod guard;
mod page;
mod request;

pub use accounts::{
    AccountError, Accounts, MAX_NAME_BYTES, MAX_TOKENS, MAX_TRIES, NewUser, PASSWORD_BYTES,
    TOKEN_TTL, TRIES_WINDOW, Unusable, User, UserChange,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use larder::Larder;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Largest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Largest head of a request, in bytes.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Connections served at the same time; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 1024;

/// How long open requests may go on after the service was told to stop.
pub const GRACE: Duration = Duration::from_secs(5);

/// Threads that the service may block at the same time.
pub const BLOCKING_THREADS: usize = api::HASHES_AT_ONCE;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a request's head to arrive whole; a connection without a request ends then, too.
    pub head: Duration,
    /// For a request's body to arrive and for its reply to be made.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { head: Duration::from_secs(10), request: Duration::from_secs(10) }
    }
}

/// The service.
#[derive(Debug, Clone)]
pub struct Service {
    state: api::Shared,
    hosts: Arc<guard::Hosts>,
    limits: Limits,
}

impl Service {
    /// A service over the store that everybody shares and the accounts that nobody else sees.
    ///
    /// It may be called by the loopback names, by the address that it listens on, and by `hosts`.
    #[must_use]
    pub fn new(
        store: &Larder,
        accounts: Arc<Accounts>,
        listens: Option<IpAddr>,
        hosts: &[String],
    ) -> Self {
        Service {
            state: api::Shared::new(store, accounts),
            hosts: Arc::new(guard::Hosts::new(listens, hosts)),
            limits: Limits::default(),
        }
    }

    /// The same service with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The routes with everything around them, for a server or a test.
    pub fn router(&self) -> Router {
        guard::around(api::routes(self.state.clone()), self.hosts.clone(), self.limits)
    }

    /// Serves connections until `stop` changes, then lets open requests end within [`GRACE`].
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let router = self.router();
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let (stream, place) = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                _ = stop.changed() => break,
            };
            let _ = stream.set_nodelay(true);
            let (router, stop, limits) = (router.clone(), stop.clone(), self.limits);
            tokio::spawn(async move {
                serve_one(stream, router, limits, stop).await;
                drop(place);
            });
        }
        drop(listener);
        let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(GRACE, places.acquire_many(all)).await;
        Ok(())
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<tokio::sync::OwnedSemaphorePermit>) {
    // The semaphore is never closed; if it were, nobody should wait for it.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            // Out of descriptors and the like: others will close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // A peer that breaks the protocol or goes away is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
