//! How much a list's listpacks may hold: `list-max-listpack-size` in bytes and entries.

use crate::config::Config;

/// Bytes of a listpack whose limit is a number of entries.
const SAFE_BYTES: usize = 8192;

/// Bytes that -1, -2, … -5 stand for.
const LEVELS: [usize; 5] = [4096, 8192, 16384, 32768, 65536];

/// Most entries of a chunk, as in Redis.
const MAX_COUNT: i64 = 32767;

/// Bounds of one listpack, be it a whole short list or a chunk of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes, header included.
    pub bytes: usize,
    /// Most entries.
    pub count: usize,
    /// A long list that has become one chunk within these is short again: so much smaller that
    /// it does not change back with the next element.
    short_bytes: usize,
    short_count: usize,
    /// An element of so many bytes stands alone.
    large_from: usize,
}

impl Limits {
    /// As the settings say.
    pub fn of(config: &Config) -> Self {
        let limits = Limits::from_setting(config.list_max_listpack_size());
        match config.large_element_bytes() {
            0 => limits,
            bytes => Limits { large_from: usize::try_from(bytes).unwrap_or(usize::MAX), ..limits },
        }
    }

    /// As a value of `list-max-listpack-size` says.
    pub(crate) fn from_setting(setting: i64) -> Self {
        if setting >= 0 {
            let count = setting.clamp(1, MAX_COUNT) as usize;
            let short_count = count / 2;
            return Limits {
                bytes: SAFE_BYTES,
                count,
                short_bytes: SAFE_BYTES,
                short_count,
                large_from: SAFE_BYTES + 1,
            };
        }
        let level = setting.saturating_add(1).unsigned_abs() as usize;
        let bytes = LEVELS[level.min(LEVELS.len() - 1)];
        let short_bytes = bytes / 2;
        let (count, short_count, large_from) = (usize::MAX, usize::MAX, bytes + 1);
        Limits { bytes, count, short_bytes, short_count, large_from }
    }

    /// Whether an element is too large for any listpack.
    #[inline]
    pub(super) fn is_large(&self, element: &[u8]) -> bool {
        element.len() >= self.large_from
    }

    /// Whether a short list of `count` entries in `bytes` stays one with `more` entries, whose
    /// elements have `raw` bytes. Redis looks at elements before they are encoded.
    #[inline]
    pub(super) fn stays_short(
        &self,
        (bytes, count): (usize, usize),
        more: usize,
        raw: usize,
    ) -> bool {
        bytes + raw <= self.bytes && count + more <= self.count
    }

    /// Whether a long list that is one listpack of `count` entries becomes a short one.
    pub(super) fn becomes_short(&self, bytes: usize, count: usize) -> bool {
        bytes <= self.short_bytes && count <= self.short_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_as_redis_reads_them() {
        let of = |setting| {
            let limits = Limits::from_setting(setting);
            (limits.bytes, limits.count)
        };
        assert_eq!(of(-2), (8192, usize::MAX));
        assert_eq!(of(-1), (4096, usize::MAX));
        assert_eq!(of(-5), (65536, usize::MAX));
        assert_eq!(of(i64::MIN), (65536, usize::MAX));
        assert_eq!(of(0), (8192, 1));
        assert_eq!(of(128), (8192, 128));
        assert_eq!(of(i64::MAX), (8192, 32767));
    }
}
