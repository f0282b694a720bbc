//! A hint to the processor. Next: `session/pipeline.rs`, which says what for.
#![allow(unsafe_code, reason = "the hint is an intrinsic")]

/// Warms the cache for memory that will be read soon, wherever that is.
#[inline(always)]
pub(crate) fn prefetch<T: ?Sized>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and faults never.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(address.cast(), _MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
