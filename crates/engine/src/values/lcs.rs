//! The longest common subsequence of two strings, by the textbook's table of lengths.
//!
//! Where several are equally long, the one that Redis finds. Knows no key and no limit: callers
//! bound the table by [`table_bytes`] first.

/// Bytes of the table for strings of such lengths.
pub fn table_bytes(one: usize, other: usize) -> u128 {
    (one as u128 + 1) * (other as u128 + 1) * size_of::<u32>() as u128
}

/// A run that both strings have in common: where it begins in each, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Index of its first byte in the first string.
    pub one: usize,
    /// Index of its first byte in the second.
    pub other: usize,
    /// Bytes.
    pub len: usize,
}

/// The length alone, in memory for two rows of the table.
pub fn length(one: &[u8], other: &[u8]) -> usize {
    let (mut above, mut row) = (vec![0u32; other.len() + 1], vec![0u32; other.len() + 1]);
    for &byte in one {
        fill_row(&above, &mut row, byte, other);
        std::mem::swap(&mut above, &mut row);
    }
    above.last().map_or(0, |&length| length as usize)
}

/// The runs of the subsequence, the last first; `None` without memory for the table.
///
/// A run ends where either string begins or the walk back leaves the diagonal. Two runs that
/// touch each other are one.
pub fn matches(one: &[u8], other: &[u8]) -> Option<Vec<Match>> {
    let width = other.len() + 1;
    let mut table: Vec<u32> = Vec::new();
    table.try_reserve_exact(width.checked_mul(one.len() + 1)?).ok()?;
    table.resize(width * (one.len() + 1), 0);
    for (at, &byte) in one.iter().enumerate() {
        let (above, below) = table[at * width..].split_at_mut(width);
        fill_row(above, &mut below[..width], byte, other);
    }
    let mut found: Vec<Match> = Vec::new();
    let (mut i, mut j) = (one.len(), other.len());
    while i > 0 && j > 0 {
        if one[i - 1] == other[j - 1] {
            match found.last_mut() {
                Some(run) if run.one == i && run.other == j => {
                    *run = Match { one: i - 1, other: j - 1, len: run.len + 1 };
                }
                _ => found.push(Match { one: i - 1, other: j - 1, len: 1 }),
            }
            (i, j) = (i - 1, j - 1);
        } else if table[(i - 1) * width + j] > table[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    Some(found)
}

fn fill_row(above: &[u32], row: &mut [u32], byte: u8, other: &[u8]) {
    let mut left = 0;
    let cells = row[1..].iter_mut().zip(above.windows(2)).zip(other);
    for ((cell, above), &same) in cells {
        left = if same == byte { above[0] + 1 } else { above[1].max(left) };
        *cell = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By definition, without a table.
    fn naive(one: &[u8], other: &[u8]) -> usize {
        match (one, other) {
            ([.., a], [.., b]) if a == b => {
                1 + naive(&one[..one.len() - 1], &other[..other.len() - 1])
            }
            ([.., _], [.., _]) => {
                naive(&one[..one.len() - 1], other).max(naive(one, &other[..other.len() - 1]))
            }
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn the_runs_are_common_and_the_longest(one in "[abc]{0,9}", other in "[abc]{0,9}") {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            let runs = matches(one, other).expect("memory");
            let total: usize = runs.iter().map(|run| run.len).sum();
            prop_assert_eq!(total, naive(one, other));
            prop_assert_eq!(total, length(one, other));
            let mut end = (one.len(), other.len());
            for run in runs {
                let part = |text: &'_ [u8], at: usize| text[at..at + run.len].to_vec();
                prop_assert_eq!(part(one, run.one), part(other, run.other));
                prop_assert!(run.one + run.len <= end.0 && run.other + run.len <= end.1);
                end = (run.one, run.other);
            }
        }
    }
}
