//! The cluster slot of a key: CRC16 of the key, or of the hash tag inside it, modulo 16384.
//!
//! Format: the Redis Cluster specification, "Key distribution model" and "Hash tags". The checksum
//! is CRC-16/XMODEM: polynomial 0x1021, initial value 0, nothing reflected, nothing inverted.
//! Knows no cluster and no node.

/// Number of slots of a cluster.
pub const SLOTS: u16 = 16384;

/// The slot of `key`, in `0..SLOTS`.
///
/// ```
/// use larder_codec::slot::of;
/// assert_eq!(of(b"foo"), 12182);
/// assert_eq!(of(b"{user1000}.following"), of(b"{user1000}.followers"));
/// ```
#[inline]
pub fn of(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) % SLOTS
}

/// The part of `key` that decides its slot.
///
/// It is what stands between the first `{` and the first `}` after it; the whole key where
/// there is no such pair or nothing between them.
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&b| b == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// CRC-16/XMODEM of `bytes`.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_the_published_check_value() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn the_first_tag_that_is_not_empty_decides() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"plain", b"plain"),
            (b"{user1000}.following", b"user1000"),
            (b"foo{}{bar}", b"foo{}{bar}"),
            (b"foo{{bar}}zap", b"{bar"),
            (b"foo{bar}{zap}", b"bar"),
            (b"open{only", b"open{only"),
            (b"}{", b"}{"),
            (b"", b""),
        ];
        for (key, tag) in cases {
            assert_eq!(hash_tag(key), tag);
            assert_eq!(of(key), crc16(tag) % SLOTS);
        }
    }

    #[test]
    fn known_slots() {
        assert_eq!(of(b""), 0);
        assert_eq!(of(b"foo"), 12182);
        assert_eq!(of(b"bar"), 5061);
        assert_eq!(of(b"hello"), 866);
    }
}
