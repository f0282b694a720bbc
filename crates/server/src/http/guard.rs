//! What every request passes before its route: the `Host` and `Origin` headers, limits of size and
//! time, and headers that keep browsers from guessing.

use super::codes::{Answer, Code, Language, Sentence};
use super::{Limits, MAX_BODY_BYTES};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Names by which the service may be called. A page of another site can make a browser send
/// requests here, but not with one of these names.
#[derive(Debug)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// Addresses other than loopback ones, which no page can pretend to be.
    addresses: Addresses,
}

#[derive(Debug)]
enum Addresses {
    None,
    One(IpAddr),
    All,
}

impl Hosts {
    /// The loopback names, the address that is listened on, and these.
    pub(super) fn new(listens: Option<IpAddr>, more: &[String]) -> Self {
        let mut names = vec!["localhost".to_owned()];
        names.extend(more.iter().map(|name| name.to_ascii_lowercase()));
        let addresses = match listens {
            Some(ip) if ip.is_unspecified() => Addresses::All,
            Some(ip) => Addresses::One(ip),
            None => Addresses::None,
        };
        Hosts { names, addresses }
    }

    /// `host` is a name or an address, with a port or without.
    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &host,
        };
        let address = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(inner) => inner.parse().ok().map(IpAddr::V6),
            None => name.parse().ok().map(IpAddr::V4),
        };
        match (address, &self.addresses) {
            (None, _) => self.names.iter().any(|known| known == name),
            (Some(ip), _) if ip.is_loopback() => true,
            (Some(ip), Addresses::One(own)) => ip == *own,
            (Some(_), Addresses::All) => true,
            (Some(_), Addresses::None) => false,
        }
    }

    /// Whether a request may come from a page of this `Origin`.
    fn allow_origin(&self, origin: &str) -> bool {
        origin.split_once("://").is_some_and(|(_, host)| self.allow(host))
    }
}

/// Puts the guard around routes.
pub(super) fn around(routes: Router, hosts: Arc<Hosts>, limits: Limits) -> Router {
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(small_body))
        .layer(from_fn_with_state(limits.request, within_time))
        .layer(from_fn_with_state(hosts, known_host))
        .layer(from_fn(plain_headers))
}

async fn known_host(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
    let detail = if !host.is_some_and(|host| hosts.allow(host)) {
        Sentence::new(
            "本服务不接受该 Host；启动时用 --http-host 可再允许一个名称",
            "this service is not called by that Host; start it with --http-host NAME to allow one \
             more",
        )
    } else if headers.contains_key(header::ORIGIN)
        && !text(headers, header::ORIGIN).is_some_and(|origin| hosts.allow_origin(origin))
    {
        Sentence::new(
            "本服务不接受来自该 Origin 的请求",
            "this service does not answer pages of that Origin",
        )
    } else {
        return next.run(request).await;
    };
    let language = Language::of(headers);
    Answer::failed(StatusCode::MISDIRECTED_REQUEST, Code::MalformedParameter, detail)
        .in_language(language)
}

/// Refuses what announces itself as too big, without waiting for it.
async fn small_body(request: Request, next: Next) -> Response {
    let length = text(request.headers(), header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return too_big().in_language(Language::of(request.headers()));
    }
    next.run(request).await
}

/// The answer to a body above [`MAX_BODY_BYTES`].
pub(super) fn too_big() -> Answer {
    Answer::malformed(Sentence::new(
        format!("请求体最多 {MAX_BODY_BYTES} 字节"),
        format!("a body has at most {MAX_BODY_BYTES} bytes"),
    ))
}

async fn within_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = Sentence::new("请求未能及时到达", "the request did not arrive in time");
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
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    );
    response
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_are_served() {
        let more = ["Larder.example".to_owned()];
        let here = Hosts::new(Some("127.0.0.1".parse().unwrap()), &more);
        let wide = Hosts::new(Some("0.0.0.0".parse().unwrap()), &[]);
        let one = Hosts::new(Some("fe80::1".parse().unwrap()), &[]);
        for known in ["localhost", "LOCALHOST:1", "127.0.0.1:8379", "[::1]:8379", "127.9.9.9"] {
            assert!(here.allow(known) && wide.allow(known) && one.allow(known), "{known}");
        }
        assert!(here.allow("larder.example:80"));
        for other in ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8379", ":1"] {
            assert!(!here.allow(other) && !wide.allow(other), "{other}");
        }
        assert!(wide.allow("10.0.0.1:8379") && wide.allow("[2001:db8::1]"));
        assert!(!here.allow("10.0.0.1:8379") && !one.allow("10.0.0.1"));
        assert!(one.allow("[FE80::1]:8379"));
    }

    #[test]
    fn pages_of_other_sites_are_not_answered() {
        let hosts = Hosts::new(None, &["larder.example".to_owned()]);
        for known in ["http://localhost:8379", "https://larder.example"] {
            assert!(hosts.allow_origin(known), "{known}");
        }
        for other in ["null", "https://evil.example", "localhost", "file://"] {
            assert!(!hosts.allow_origin(other), "{other}");
        }
    }
}
