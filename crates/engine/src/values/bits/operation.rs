//! Strings combined bit by bit, as `BITOP` does. A string that is shorter than the longest counts
//! as if zeros followed.

/// How strings are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Bits that are set in all.
    And,
    /// Bits that are set in any.
    Or,
    /// Bits that are set in an odd number of them.
    Xor,
    /// Bits that are not set in the only one.
    Not,
}

/// So many bytes of each string are combined before the next ones: they stay in the processor's
/// first cache.
const BLOCK: usize = 8192;

/// The combination of some strings, as long as the longest. O(bytes of all).
pub fn combine(operation: Operation, strings: &[&[u8]]) -> Vec<u8> {
    let len = strings.iter().map(|bytes| bytes.len()).max().unwrap_or(0);
    let mut result = vec![0; len];
    for (number, block) in result.chunks_mut(BLOCK).enumerate() {
        let (start, end) = (number * BLOCK, number * BLOCK + block.len());
        let part = |bytes: &&'_ [u8]| start.min(bytes.len())..end.min(bytes.len());
        let mut parts = strings.iter().map(|bytes| &bytes[part(bytes)]);
        if let Some(first) = parts.next() {
            block[..first.len()].copy_from_slice(first);
        }
        match operation {
            Operation::Not => block.iter_mut().for_each(|byte| *byte = !*byte),
            Operation::Or => parts.for_each(|other| each(block, other, |a, b| a | b)),
            Operation::Xor => parts.for_each(|other| each(block, other, |a, b| a ^ b)),
            Operation::And => parts.for_each(|other| {
                each(block, other, |a, b| a & b);
                block[other.len()..].fill(0);
            }),
        }
    }
    result
}

/// Changes each byte of `block` by the byte of `other` in its place, in lanes of 64 bits.
#[inline(always)]
fn each(block: &mut [u8], other: &[u8], change: impl Fn(u64, u64) -> u64) {
    let (lanes, rest) = block[..other.len()].as_chunks_mut::<8>();
    let (other_lanes, other_rest) = other.as_chunks::<8>();
    for (lane, other) in lanes.iter_mut().zip(other_lanes) {
        *lane = change(u64::from_ne_bytes(*lane), u64::from_ne_bytes(*other)).to_ne_bytes();
    }
    for (byte, other) in rest.iter_mut().zip(other_rest) {
        *byte = change(u64::from(*byte), u64::from(*other)) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combining_equals_a_walk_over_every_byte() {
        let mut rng = fastrand::Rng::with_seed(2);
        for round in 0..400 {
            let longest = if round % 10 == 0 { 3 * BLOCK } else { 40 };
            let strings: Vec<Vec<u8>> = (0..rng.usize(1..5))
                .map(|_| (0..rng.usize(..longest)).map(|_| rng.u8(..)).collect())
                .collect();
            let strings: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
            let len = strings.iter().map(|bytes| bytes.len()).max().unwrap();
            let columns = (0..len)
                .map(|at| strings.iter().map(move |bytes| bytes.get(at).copied().unwrap_or(0)));
            let expected = |fold: fn(u8, u8) -> u8| -> Vec<u8> {
                columns.clone().map(|column| column.reduce(fold).unwrap()).collect()
            };
            assert_eq!(combine(Operation::And, &strings), expected(|a, b| a & b));
            assert_eq!(combine(Operation::Or, &strings), expected(|a, b| a | b));
            assert_eq!(combine(Operation::Xor, &strings), expected(|a, b| a ^ b));
            let inverted: Vec<u8> = strings[0].iter().map(|byte| !byte).collect();
            assert_eq!(combine(Operation::Not, &strings[..1]), inverted);
        }
    }
}
