//! The system's clock, for what is bounded in real time whatever the engine's clock says.

use std::time::Instant;

/// The monotonic time.
#[allow(clippy::disallowed_methods, reason = "a shutdown ends in real time, also on a fake clock")]
pub(crate) fn monotonic_now() -> Instant {
    Instant::now()
}
