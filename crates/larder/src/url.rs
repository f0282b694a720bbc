//! URLs of stores: `memory:`, `larder:` folders, Redis and Valkey servers and clusters.
//!
//! [`Target::parse`] takes a URL apart; it connects to nothing and knows no option's meaning.
//! A password that was pasted into a URL without escaping (the usual accident with base64) gets an
//! error that shows the URL as it should be.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// The port that a URL without one means.
pub const DEFAULT_PORT: u16 = 6379;

/// What a URL points to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `memory:`: a store of its own in this process, gone with it.
    Memory {
        /// Settings, as written behind `?`.
        options: Options,
    },
    /// `larder:./data`: a store in a folder, shared by the processes that open it.
    Folder {
        /// The folder, as written.
        path: PathBuf,
        /// Settings, as written behind `?`.
        options: Options,
    },
    /// `redis://` and `rediss://`: a server over TCP.
    Server {
        /// Where it listens.
        address: Address,
        /// Whether the connection is encrypted (`rediss:`).
        tls: bool,
        /// Who connects.
        login: Login,
        /// Number of the database.
        db: u32,
        /// Everything else behind `?`.
        options: Options,
    },
    /// `redis+unix://` and `unix://`: a server on this machine.
    Socket {
        /// The socket.
        path: PathBuf,
        /// Who connects.
        login: Login,
        /// Number of the database.
        db: u32,
        /// Everything else behind `?`.
        options: Options,
    },
    /// `redis-cluster://` and `rediss-cluster://`: a cluster, by some of its nodes.
    Cluster {
        /// Nodes to ask for the others; at least one.
        nodes: Vec<Address>,
        /// Whether connections are encrypted.
        tls: bool,
        /// Who connects.
        login: Login,
        /// Everything else behind `?`.
        options: Options,
    },
}

/// Names and values behind `?`, unescaped, in their order.
pub type Options = Vec<(String, String)>;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or address, an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A user and a password, unescaped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// User name, if there is one.
    pub user: Option<String>,
    /// Password, if there is one.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "(not shown)");
        f.debug_struct("Login").field("user", &self.user).field("password", &password).finish()
    }
}

/// Why a URL was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// No known scheme.
    Scheme {
        /// What stands where the scheme should be.
        found: String,
    },
    /// User or password hold a character that has a meaning in URLs.
    Unescaped {
        /// The character.
        character: char,
        /// The URL with the password escaped.
        escaped: String,
    },
    /// The URL is fine, but this build has no such stores.
    Unsupported {
        /// What the URL names.
        kind: &'static str,
    },
    /// A part is malformed.
    Malformed {
        /// Which part.
        part: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme { found } => write!(
                f,
                "'{found}' is no scheme of a store: use memory:, larder:, redis://, rediss://, \
                 redis+unix://, unix://, redis-cluster:// or rediss-cluster://"
            ),
            Self::Unescaped { character, escaped } => write!(
                f,
                "the password holds an unescaped '{character}', which ends it there; write the \
                 URL as {escaped}"
            ),
            Self::Unsupported { kind } => write!(f, "{kind} is not among what this build opens"),
            Self::Malformed { part, found, expected } => {
                write!(f, "the URL's {part} is '{found}', but must be {expected}")
            }
        }
    }
}

impl Error for UrlError {}

impl Target {
    /// Takes a URL apart.
    ///
    /// ```
    /// use larder::url::Target;
    /// let Target::Server { address, login, db, .. } = Target::parse("redis://:pw@localhost/2")?
    /// else { panic!() };
    /// assert_eq!((address.host.as_str(), address.port, db), ("localhost", 6379, 2));
    /// assert_eq!(login.password.as_deref(), Some("pw"));
    /// # Ok::<(), larder::url::UrlError>(())
    /// ```
    ///
    /// # Errors
    /// [`UrlError`]; its text says what to write instead.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let scheme_end = url.find(':').ok_or_else(|| scheme_error(url))?;
        let (scheme, rest) = (url[..scheme_end].to_ascii_lowercase(), &url[scheme_end + 1..]);
        match scheme.as_str() {
            "memory" => memory(rest),
            "larder" => folder(rest),
            "redis" | "rediss" => remote(url, rest, |parts| server(parts, scheme == "rediss")),
            "redis-cluster" | "rediss-cluster" => {
                remote(url, rest, |parts| cluster(parts, scheme == "rediss-cluster"))
            }
            "redis+unix" | "unix" => remote(url, rest, socket),
            _ => Err(scheme_error(&url[..scheme_end])),
        }
    }

    /// Why a store of this kind cannot be opened by this build.
    pub(crate) fn unsupported(&self) -> UrlError {
        UrlError::Unsupported {
            kind: match self {
                Self::Memory { .. } => "a store in memory with options",
                Self::Folder { .. } => "a store in a folder",
                Self::Server { tls: true, .. } => "a server over TLS",
                Self::Server { .. } | Self::Socket { .. } => "a server (feature remote)",
                Self::Cluster { .. } => "a cluster",
            },
        }
    }
}

/// What a folder's options say of `fsync`.
pub(crate) fn folder_options(options: &Options) -> Result<Option<&str>, UrlError> {
    let mut fsync = None;
    for (name, value) in options {
        match (name.as_str(), value.as_str()) {
            ("fsync", "always" | "everysec" | "no") => fsync = Some(value.as_str()),
            ("fsync", _) => {
                return Err(malformed("fsync", value, "always, everysec or no"));
            }
            _ => return Err(malformed("option", name, "fsync, which a folder's store knows")),
        }
    }
    Ok(fsync)
}

fn memory(rest: &str) -> Result<Target, UrlError> {
    let (path, query) = split_query(rest);
    if !path.trim_start_matches('/').is_empty() {
        return Err(malformed("path", path, "empty: a store in memory has no name"));
    }
    Ok(Target::Memory { options: options(query)? })
}

fn folder(rest: &str) -> Result<Target, UrlError> {
    let (path, query) = split_query(rest);
    // Both larder:/data and larder:///data mean the folder /data.
    let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
    if path.is_empty() || path.starts_with("//") {
        return Err(malformed("path", path, "a folder, such as larder:./data or larder:/data"));
    }
    Ok(Target::Folder { path: unescape(path)?.into(), options: options(query)? })
}

/// The parts of a URL with an authority: `//[login@]hosts[/path][?query]`.
struct Parts<'a> {
    login: Login,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

/// Takes the parts apart and builds a target of them. Where that fails and an `@` further on shows
/// that the password ended too early, the error says so.
fn remote(
    url: &str,
    rest: &str,
    build: impl Fn(Parts<'_>) -> Result<Target, UrlError>,
) -> Result<Target, UrlError> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(malformed("beginning", url, "a scheme with two slashes, such as redis://"));
    };
    let result = parts(rest).and_then(build);
    match (result, rest.rsplit_once('@')) {
        (Ok(target), _) => Ok(target),
        (Err(error), Some((login, after))) => {
            let start = &url[..url.len() - rest.len()];
            Err(unescaped(start, login, after).unwrap_or(error))
        }
        (Err(error), None) => Err(error),
    }
}

fn parts(rest: &str) -> Result<Parts<'_>, UrlError> {
    if let Some((_, fragment)) = rest.split_once('#') {
        return Err(malformed("fragment", fragment, "absent"));
    }
    let (before, query) = split_query(rest);
    let (authority, path) = match before.find('/') {
        Some(at) => before.split_at(at),
        None => (before, ""),
    };
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    Ok(Parts { login: login.map(parse_login).transpose()?.unwrap_or_default(), hosts, path, query })
}

fn server(parts: Parts<'_>, tls: bool) -> Result<Target, UrlError> {
    let mut options = options(parts.query)?;
    let db = database(parts.path.strip_prefix('/').unwrap_or(parts.path), &mut options)?;
    Ok(Target::Server { address: address(parts.hosts)?, tls, login: parts.login, db, options })
}

fn cluster(parts: Parts<'_>, tls: bool) -> Result<Target, UrlError> {
    if !matches!(parts.path, "" | "/" | "/0") {
        return Err(malformed("path", parts.path, "empty: a cluster has one database"));
    }
    let nodes = parts.hosts.split(',').map(address).collect::<Result<Vec<_>, _>>()?;
    Ok(Target::Cluster { nodes, tls, login: parts.login, options: options(parts.query)? })
}

fn socket(parts: Parts<'_>) -> Result<Target, UrlError> {
    if !parts.hosts.is_empty() {
        return Err(malformed("host", parts.hosts, "empty: a path follows as in unix:///run/x"));
    }
    if parts.path.len() < 2 {
        return Err(malformed("path", parts.path, "that of a socket, as in unix:///run/x.sock"));
    }
    let mut options = options(parts.query)?;
    let db = database("", &mut options)?;
    let mut login = parts.login;
    if let Some(password) = take(&mut options, "password") {
        login.password = Some(password);
    }
    if let Some(user) = take(&mut options, "username") {
        login.user = Some(user);
    }
    Ok(Target::Socket { path: unescape(parts.path)?.into(), login, db, options })
}

/// The number of the database: the path, or `db=` behind `?`, which wins as in redis-py.
fn database(path: &str, options: &mut Options) -> Result<u32, UrlError> {
    let expected = "the number of a database, such as 0";
    let in_path = match path.trim_end_matches('/') {
        "" => 0,
        text => text.parse().map_err(|_| malformed("path", text, expected))?,
    };
    match take(options, "db") {
        Some(text) => text.parse().map_err(|_| malformed("db", &text, expected)),
        None => Ok(in_path),
    }
}

fn address(text: &str) -> Result<Address, UrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let closed = rest.split_once(']');
            let (host, after) = closed.ok_or_else(|| malformed("host", text, "closed by ]"))?;
            (host, after.strip_prefix(':').or(after.is_empty().then_some("")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("")),
        },
    };
    let port = match port {
        Some("") => Some(DEFAULT_PORT),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok(),
        _ => None,
    };
    let port = port.ok_or_else(|| malformed("port", text, "a number up to 65535 behind a host"))?;
    // redis-py means this machine when no host is named.
    let host = if host.is_empty() { "localhost".into() } else { unescape(host)? };
    Ok(Address { host, port })
}

fn parse_login(text: &str) -> Result<Login, UrlError> {
    if text.contains('@') {
        return Err(malformed("user and password", "@", "escaped"));
    }
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let filled = |text: &str| (!text.is_empty()).then(|| unescape(text)).transpose();
    Ok(Login { user: filled(user)?, password: password.map_or(Ok(None), filled)? })
}

fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn options(query: &str) -> Result<Options, UrlError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((unescape(name)?, unescape(value)?))
    });
    pairs.collect()
}

fn take(options: &mut Options, name: &str) -> Option<String> {
    let at = options.iter().rposition(|(other, _)| other == name)?;
    let (_, value) = options.swap_remove(at);
    options.retain(|(other, _)| other != name);
    Some(value)
}

/// The error of a login that ends too early, with the login escaped; `None` if nothing in it needs
/// escaping, so that something else is wrong.
fn unescaped(start: &str, login: &str, after: &str) -> Option<UrlError> {
    let character = login.chars().find(|letter| "/@#?".contains(*letter))?;
    let escaped = match login.split_once(':') {
        Some((user, password)) => format!("{}:{}", escape(user), escape(password)),
        None => escape(login),
    };
    Some(UrlError::Unescaped { character, escaped: format!("{start}{escaped}@{after}") })
}

/// Escapes what has a meaning in a URL; an escape that is there already stays.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let is_escape = byte == b'%' && hex_pair(text.as_bytes().get(at + 1..at + 3)).is_some();
        if is_escape || byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn unescape(text: &str) -> Result<String, UrlError> {
    let expected = "UTF-8 with % only before two hexadecimal digits (a plain % is %25)";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'%' {
            let pair = hex_pair(rest.get(..2));
            bytes.push(pair.ok_or_else(|| malformed("escape", text, expected))?);
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("escape", text, expected))
}

fn hex_pair(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = digits? else { return None };
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    u8::try_from(value(high)? << 4 | value(low)?).ok()
}

fn scheme_error(found: &str) -> UrlError {
    UrlError::Scheme { found: found.into() }
}

fn malformed(part: &'static str, found: &str, expected: &'static str) -> UrlError {
    UrlError::Malformed { part, found: found.into(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, UrlError> {
        Target::parse(url)
    }

    fn server_of(url: &str) -> (String, u16, bool, Login, u32, Options) {
        match parse(url) {
            Ok(Target::Server { address, tls, login, db, options }) => {
                (address.host, address.port, tls, login, db, options)
            }
            other => panic!("{url}: {other:?}"),
        }
    }

    fn login(user: Option<&str>, password: Option<&str>) -> Login {
        Login { user: user.map(Into::into), password: password.map(Into::into) }
    }

    #[test]
    fn servers_over_tcp() {
        let (host, port, tls, who, db, options) = server_of("redis://:password@localhost:6379/0");
        assert_eq!((host.as_str(), port, tls, db), ("localhost", 6379, false, 0));
        assert_eq!(who, login(None, Some("password")));
        assert!(options.is_empty());
        let (host, port, tls, who, db, options) =
            server_of("rediss://ann:p%2Fw%40@[::1]:7000/3?protocol=3&client_name=a%20b");
        assert_eq!((host.as_str(), port, tls, db), ("::1", 7000, true, 3));
        assert_eq!(who, login(Some("ann"), Some("p/w@")));
        assert_eq!(options[1], ("client_name".into(), "a b".into()));
        let (host, port, _, who, db, _) = server_of("redis://");
        assert_eq!((host.as_str(), port, who, db), ("localhost", 6379, Login::default(), 0));
        assert_eq!(server_of("REDIS://h/1?db=2").4, 2);
        assert_eq!(server_of("redis://h?client_name=a@b").5[0].1, "a@b");
        assert_eq!(server_of("redis://:a+b=@h").3, login(None, Some("a+b=")));
        assert_eq!(server_of("redis://:6380").1, 6380);
    }

    #[test]
    fn sockets_and_clusters() {
        for url in ["redis+unix:///run/l.sock?db=2&x=y", "unix:///run/l.sock?db=2&x=y"] {
            let Ok(Target::Socket { path, db, options, .. }) = parse(url) else { panic!("{url}") };
            assert_eq!((path, db), ("/run/l.sock".into(), 2));
            assert_eq!(options, [("x".to_string(), "y".to_string())]);
        }
        let Ok(Target::Socket { login: who, .. }) = parse("unix://ann:pw@/run/l.sock") else {
            panic!()
        };
        assert_eq!(who, login(Some("ann"), Some("pw")));
        let Ok(Target::Socket { login: who, .. }) = parse("unix:///s?password=p") else { panic!() };
        assert_eq!(who, login(None, Some("p")));
        let Ok(Target::Cluster { nodes, tls, .. }) = parse("rediss-cluster://a:1,b,[::1]:3") else {
            panic!()
        };
        let nodes: Vec<_> = nodes.iter().map(|node| (node.host.as_str(), node.port)).collect();
        assert_eq!((nodes, tls), (vec![("a", 1), ("b", 6379), ("::1", 3)], true));
    }

    #[test]
    fn stores_in_this_process() {
        for url in ["memory:", "memory://"] {
            assert_eq!(parse(url), Ok(Target::Memory { options: vec![] }));
        }
        for (url, folder) in [
            ("larder:./data", "./data"),
            ("larder:/var/lib/x", "/var/lib/x"),
            ("larder:///var/lib/x", "/var/lib/x"),
            ("larder:a%20b", "a b"),
        ] {
            let Ok(Target::Folder { path, .. }) = parse(url) else { panic!("{url}") };
            assert_eq!(path, PathBuf::from(folder));
        }
        let Ok(Target::Folder { options, .. }) =
            parse("larder:./data?listen=127.0.0.1:6379&fsync=always")
        else {
            panic!()
        };
        assert_eq!(options[0], ("listen".into(), "127.0.0.1:6379".into()));
        assert_eq!(options[1], ("fsync".into(), "always".into()));
    }

    /// The document's recipe, `openssl rand 60 | openssl base64 -A`, gives a `/` in 7 of 10
    /// passwords.
    #[test]
    fn a_password_pasted_unescaped_is_shown_escaped() {
        for (url, character, escaped) in [
            ("redis://:ab/c+d==@localhost:6379/0", '/', ":ab%2Fc+d==@localhost:6379/0"),
            ("redis://:/abc@localhost:6379/0", '/', ":%2Fabc@localhost:6379/0"),
            ("redis://:123/4@localhost", '/', ":123%2F4@localhost"),
            ("redis://ann:1/2@h/0", '/', "ann:1%2F2@h/0"),
            ("redis://:a?b@h:1/0", '?', ":a%3Fb@h:1/0"),
            ("redis://:a#b@h", '#', ":a%23b@h"),
            ("redis://:a@b@h", '@', ":a%40b@h"),
            ("redis://:12#4@h/0", '#', ":12%234@h/0"),
            ("redis://:a/%2F%@h", '/', ":a%2F%2F%25@h"),
        ] {
            let error = parse(url).expect_err(url);
            let expected = format!("redis://{escaped}");
            assert_eq!(error, UrlError::Unescaped { character, escaped: expected.clone() });
            assert!(error.to_string().contains(&expected), "{error}");
            assert!(parse(&expected).is_ok(), "{expected}");
        }
        let error = parse("unix://:a/b@/run/x").unwrap_err();
        assert_eq!(
            error,
            UrlError::Unescaped { character: '/', escaped: "unix://:a%2Fb@/run/x".into() }
        );
        let error = parse("redis-cluster://:a/b@h1:1,h2:2").unwrap_err();
        assert!(error.to_string().ends_with("redis-cluster://:a%2Fb@h1:1,h2:2"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, word) in [
            ("localhost:6379", "'localhost' is no scheme"),
            ("http://x", "'http' is no scheme"),
            ("redis", "'redis' is no scheme"),
            ("redis:x", "two slashes"),
            ("redis://h:99999", "port"),
            ("redis://h:x", "port"),
            ("redis://[::1", "closed by ]"),
            ("redis://h/x", "number of a database"),
            ("redis://h/0?db=-1", "number of a database"),
            ("redis://h/0#x", "fragment"),
            ("redis://:100%@h", "%25"),
            ("memory:x", "no name"),
            ("larder:", "a folder"),
            ("larder://host/x", "a folder"),
            ("unix://", "socket"),
            ("unix://host/x", "empty"),
            ("redis-cluster://h/3", "one database"),
        ] {
            let text = parse(url).expect_err(url).to_string();
            assert!(text.contains(word), "{url}: {text}");
        }
    }

    #[test]
    fn a_login_does_not_show_its_password() {
        let text = format!("{:?}", parse("redis://ann:s3cret@h"));
        assert!(text.contains("ann") && !text.contains("s3cret"), "{text}");
    }
}
