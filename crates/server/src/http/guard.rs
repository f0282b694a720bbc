//! What every request passes before its route: the `Host` header, limits of size and time, and
//! headers that keep browsers from guessing.

use super::codes::{Answer, Code, Language};
use super::{MAX_BODY_BYTES, REQUEST_TIMEOUT};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who sent a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(#[allow(dead_code, reason = "for handlers that ask")] pub(super) SocketAddr);

/// Names by which the service may be called. A page on another site can make a browser send
/// requests here, but not with one of these names.
#[derive(Debug)]
pub(super) struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// The loopback names and these.
    pub(super) fn new(more: &[String]) -> Self {
        let mut names: Vec<String> =
            ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        names.extend(more.iter().map(|name| name.to_ascii_lowercase()));
        Hosts { names }
    }

    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &host,
        };
        self.names.iter().any(|known| known == name)
    }
}

/// Puts the guard around routes.
pub(super) fn around(routes: Router, hosts: Arc<Hosts>) -> Router {
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(within_time))
        .layer(from_fn_with_state(hosts, known_host))
        .layer(from_fn(plain_headers))
}

async fn known_host(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if host.is_some_and(|host| hosts.allow(host)) {
        return next.run(request).await;
    }
    let language = Language::of(request.headers());
    let detail = "this service is not called by that Host; start it with --http-host NAME to \
                  allow one more";
    Answer::failed(StatusCode::MISDIRECTED_REQUEST, Code::MalformedParameter, detail)
        .in_language(language)
}

async fn within_time(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = "the request did not arrive in time";
            Answer::failed(StatusCode::REQUEST_TIMEOUT, Code::MalformedParameter, detail)
                .in_language(language)
        }
    }
}

async fn plain_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_are_served() {
        let hosts = Hosts::new(&["Larder.example".to_owned()]);
        for known in ["localhost", "127.0.0.1:8379", "[::1]:8379", "larder.example:80"] {
            assert!(hosts.allow(known), "{known}");
        }
        for other in ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8379"] {
            assert!(!hosts.allow(other), "{other}");
        }
    }
}
