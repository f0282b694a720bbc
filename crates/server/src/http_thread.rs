//! The thread on which the HTTP service and the socket for `larder user` run: an async runtime of
//! its own, so that the RESP loops know nothing of it.

use crate::cli::ServeOptions;
use crate::http::{Accounts, BLOCKING_THREADS, Service};
use crate::logging::Log;
use crate::redis_conf::{plain, report};
use crate::sockets::free_port_above;
use crate::user_socket::UserSocket;
use larder::Larder;
use larder_engine::config::{Id, Profile};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The running service; dropping it ends it.
#[derive(Debug)]
pub struct HttpThread {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpThread {
    /// Listens and serves, if the settings name an address.
    ///
    /// # Errors
    /// Why it cannot, in a sentence.
    pub fn start(
        options: &ServeOptions,
        dir: &Path,
        store: &Larder,
        log: &Log,
    ) -> Result<Option<HttpThread>, String> {
        let Some(address) = options.http else { return Ok(None) };
        let listener = std::net::TcpListener::bind(address).map_err(|error| {
            let other = SocketAddr::new(address.ip(), free_port_above(address).unwrap_or(0));
            let problem = options.settings.problem(
                Id::HttpListen,
                format!("the HTTP service cannot listen on {address}: {}", plain(&error)),
                &format!(
                    "choose another address with --http-listen {other}, or none with \
                     --http-listen \"\"",
                ),
            );
            // The setting is well-formed: this is no fault of the file's.
            report(&[problem], Profile::Larder)
        })?;
        let sentence =
            |what: &str, error: &dyn std::fmt::Display| format!("larder: {what}: {error}\n");
        let address = listener.local_addr().map_err(|e| sentence("the HTTP service", &e))?;
        listener.set_nonblocking(true).map_err(|e| sentence("the HTTP service", &e))?;
        let private = Larder::open("memory:").map_err(|e| sentence("the users' store", &e))?;
        let accounts = Accounts::new(private).map_err(|e| sentence("the users' store", &e))?;
        let accounts = Arc::new(accounts);
        let socket = UserSocket::bind(dir).map_err(|error| format!("larder: {error}\n"))?;
        let hosts: Vec<String> = options.config().string(Id::HttpHost).into_iter().collect();
        let service = Service::new(store, accounts.clone(), Some(address.ip()), &hosts);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // One more for `larder user add`.
            .max_blocking_threads(BLOCKING_THREADS + 1)
            .build()
            .map_err(|error| sentence("the HTTP service has no runtime", &error))?;
        let (stop, stopped) = watch::channel(false);
        let log = log.clone();
        let thread = std::thread::Builder::new().name("larder-http".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let listener = match TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => {
                        log.warning(&format!("the HTTP service has ended: {error}"));
                        return;
                    }
                };
                tokio::join!(
                    async {
                        if let Err(error) = service.serve(listener, stopped.clone()).await {
                            log.warning(&format!("the HTTP service has ended: {error}"));
                        }
                    },
                    socket.serve(accounts, stopped.clone()),
                );
            });
        });
        let thread = thread.map_err(|error| sentence("the HTTP service has no thread", &error))?;
        Ok(Some(HttpThread { address, stop, thread: Some(thread) }))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpThread {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported where it happened.
            let _ = thread.join();
        }
    }
}
