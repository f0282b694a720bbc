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

pub use accounts::{AccountError, Accounts, NewUser, User};

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use larder::Larder;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Largest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Time for a request's headers to arrive.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for a request's body to arrive and for its reply to be made.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections served at the same time; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 1024;

/// How long open requests may go on after the service was told to stop.
pub const GRACE: Duration = Duration::from_secs(5);

/// The service.
#[derive(Debug, Clone)]
pub struct Service {
    state: api::Shared,
    hosts: Arc<guard::Hosts>,
}

impl Service {
    /// A service over the store that everybody shares and the accounts that nobody else sees.
    ///
    /// `hosts` are the names that requests may use for it beside the loopback ones.
    #[must_use]
    pub fn new(store: &Larder, accounts: Arc<Accounts>, hosts: &[String]) -> Self {
        Service {
            state: api::Shared::new(store, accounts),
            hosts: Arc::new(guard::Hosts::new(hosts)),
        }
    }

    /// The routes with everything around them, for a server or a test.
    pub fn router(&self) -> Router {
        guard::around(api::routes(self.state.clone()), self.hosts.clone())
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
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    // Out of descriptors and the like: others will close theirs.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                _ = stop.changed() => break,
            };
            let _ = stream.set_nodelay(true);
            let router = router.clone();
            tokio::spawn(async move {
                serve_one(TokioIo::new(stream), router, peer).await;
                drop(place);
            });
        }
        let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(GRACE, places.acquire_many(all)).await;
        Ok(())
    }
}

async fn serve_one(stream: TokioIo<tokio::net::TcpStream>, router: Router, peer: SocketAddr) {
    let service = tower::ServiceBuilder::new()
        .map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(guard::Peer(peer));
            request
        })
        .service(router);
    let mut builder = Builder::new(hyper_util::rt::TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    // A peer that breaks the protocol or goes away is its own affair.
    let _ = builder.serve_connection(stream, TowerToHyperService::new(service)).await;
}
