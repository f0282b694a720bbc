//! The bounds of the protocol, with their names and defaults. Holds numbers only; who enforces
//! them: [`request`](crate::request) for the server, [`decode`](mod@crate::decode) for clients.

/// Longest inline request, and longest header line (`*…`, `$…`), in bytes before its line break.
pub const MAX_INLINE_BYTES: usize = 64 * 1024;

/// Longest argument, in bytes; the default of `proto-max-bulk-len`.
pub const MAX_BULK_BYTES: u64 = 512 * 1024 * 1024;

/// Most arguments of one request. Nothing is reserved for a claimed count.
pub const MAX_MULTIBULK_ARGS: u64 = i32::MAX as u64;

/// Most arguments of one request before the client has authenticated.
pub const UNAUTHENTICATED_MAX_ARGS: u64 = 10;

/// Longest argument before the client has authenticated, in bytes.
pub const UNAUTHENTICATED_MAX_BULK_BYTES: u64 = 16_384;

/// Deepest nesting of a decoded value; a value that holds no other has depth 1.
pub const MAX_DEPTH: usize = 128;

/// Most elements (map: pairs) that one decoded aggregate may claim.
pub const MAX_AGGREGATE_LEN: u64 = u32::MAX as u64;

/// What a connection may send, as far as the parser can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest argument in bytes; `u64::MAX` lifts the limit (a replica reading its primary).
    pub max_bulk_bytes: u64,
    /// Most arguments of one request.
    pub max_args: u64,
    /// Longest inline request or header line, in bytes; header lines may always have 32.
    pub max_inline_bytes: usize,
    /// Whether the client has authenticated or need not. If not, [`UNAUTHENTICATED_MAX_ARGS`]
    /// and [`UNAUTHENTICATED_MAX_BULK_BYTES`] hold too.
    pub authenticated: bool,
}

impl Default for Limits {
    /// The defaults of an authenticated client.
    fn default() -> Self {
        Limits {
            max_bulk_bytes: MAX_BULK_BYTES,
            max_args: MAX_MULTIBULK_ARGS,
            max_inline_bytes: MAX_INLINE_BYTES,
            authenticated: true,
        }
    }
}
