//! What is sent to, or logged of, peers that are turned away.

/// To a connection above `maxclients`.
pub(crate) const TOO_MANY_CLIENTS: &[u8] = b"-ERR max number of clients reached\r\n";

/// To a peer on another machine while there is no password and protected mode is on.
pub(crate) const PROTECTED_MODE: &[u8] = b"-DENIED Larder is running in protected mode: no \
password is set, so only clients on this machine are served. To let others in, set one \
(requirepass, or `larder init` for a whole configuration). If the network itself keeps strangers \
out, protected mode can be switched off from this machine with CONFIG SET protected-mode no.\r\n";

/// Whether an inline request is HTTP's: a browser was made to talk to this port.
pub(crate) fn is_http(first_word: &[u8]) -> bool {
    match first_word.len() {
        4 => first_word.eq_ignore_ascii_case(b"POST"),
        5 => first_word.eq_ignore_ascii_case(b"Host:"),
        _ => false,
    }
}

/// What the log says of it.
pub(crate) const SECURITY_ATTACK: &str = "Possible SECURITY ATTACK detected: somebody sends HTTP \
(POST or Host:) to the RESP port, probably through a browser of this network (cross-protocol \
scripting). The connection was closed";
