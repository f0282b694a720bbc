//! Sorting as far as some places are concerned, with equal items where Redis leaves them.
//!
//! Quicksort by Bentley and McIlroy ("Engineering a sort function", 1993), which looks only into
//! the parts that reach to the wanted places. It is not stable: which of several equal items come
//! first follows from its very steps, and clients can see that. Knows no command.

use std::cmp::Ordering;
use std::ops::Range;

/// Fewer items are sorted by insertion.
const INSERTION_BELOW: usize = 7;

/// More items have their pivot chosen from nine.
const NINTHER_ABOVE: usize = 40;

/// Puts the items at the `wanted` places in order, as if all were. O(n + m log m), m being the
/// number of places.
pub fn partial_sort<T>(
    items: &mut [T],
    wanted: Range<usize>,
    compare: impl Fn(&T, &T) -> Ordering,
) {
    let depth = 4 * items.len().max(1).ilog2() + 8;
    sort(items, wanted, &compare, depth);
}

fn sort<T>(
    mut items: &mut [T],
    mut wanted: Range<usize>,
    compare: &impl Fn(&T, &T) -> Ordering,
    mut depth: u32,
) {
    loop {
        if items.len() < INSERTION_BELOW {
            insertion_sort(items, compare);
            return;
        }
        if depth == 0 {
            // Made to be slow: the order among equals is not worth the time.
            items.sort_by(compare);
            return;
        }
        depth -= 1;
        let (less, greater) = partition(items, compare);
        let start = items.len() - greater;
        let (low, rest) = items.split_at_mut(less);
        let high = &mut rest[start - less..];
        let reaches =
            |from: usize, len: usize| len > 1 && wanted.start < from + len && from < wanted.end;
        let shifted = wanted.start.saturating_sub(start)..wanted.end.saturating_sub(start);
        match (reaches(0, less), reaches(start, greater)) {
            (false, false) => return,
            (true, false) => items = low,
            (false, true) => (items, wanted) = (high, shifted),
            // The shorter one first, so that calls do not pile up.
            (true, true) if less < greater => {
                sort(low, wanted, compare, depth);
                (items, wanted) = (high, shifted);
            }
            (true, true) => {
                sort(high, shifted, compare, depth);
                items = low;
            }
        }
    }
}

fn insertion_sort<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]).is_gt() {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Puts items less than a pivot first and greater ones last, equal ones between; how many are
/// less, and greater.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let len = items.len();
    let pivot = pivot(items, compare);
    items.swap(0, pivot);
    // Equal ones gather at both ends: [equal | less | ? | greater | equal].
    let (mut low_equal, mut low) = (1, 1);
    let (mut high, mut high_equal) = (len, len);
    loop {
        while low < high {
            match compare(&items[low], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(low_equal, low);
                    low_equal += 1;
                }
                Ordering::Less => {}
            }
            low += 1;
        }
        while low < high {
            match compare(&items[high - 1], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(high - 1, high_equal - 1);
                    high_equal -= 1;
                }
                Ordering::Greater => {}
            }
            high -= 1;
        }
        if low >= high {
            break;
        }
        items.swap(low, high - 1);
        low += 1;
        high -= 1;
    }
    let (less, greater) = (low - low_equal, high_equal - high);
    let moved = low_equal.min(less);
    (0..moved).for_each(|at| items.swap(at, low - moved + at));
    let moved = greater.min(len - high_equal);
    (0..moved).for_each(|at| items.swap(low + at, len - moved + at));
    (less, greater)
}

/// The middle one of three, or of three such.
fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let middle = |a: usize, b: usize, c: usize| {
        let less = |one: usize, other: usize| compare(&items[one], &items[other]).is_lt();
        if less(a, b) {
            if less(b, c) {
                b
            } else if less(a, c) {
                c
            } else {
                a
            }
        } else if less(c, b) {
            b
        } else if less(a, c) {
            a
        } else {
            c
        }
    };
    let len = items.len();
    let (first, half, last) = (0, len / 2, len - 1);
    if len == INSERTION_BELOW {
        return half;
    }
    if len <= NINTHER_ABOVE {
        return middle(first, half, last);
    }
    let step = len / 8;
    middle(
        middle(first, first + step, first + 2 * step),
        middle(half - step, half, half + step),
        middle(last - 2 * step, last - step, last),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_places_hold_what_they_hold_in_order() {
        let mut rng = fastrand::Rng::with_seed(1);
        for round in 0..3000 {
            let len = rng.usize(..if round % 10 == 0 { 2000 } else { 60 });
            let kinds = [2, 10, 1_000_000][rng.usize(..3)];
            let items: Vec<(u32, usize)> = (0..len).map(|at| (rng.u32(..kinds), at)).collect();
            let start = rng.usize(..=len);
            let wanted = start..rng.usize(start..=len);
            let mut sorted = items.clone();
            partial_sort(&mut sorted, wanted.clone(), |a, b| a.0.cmp(&b.0));
            let mut expected: Vec<u32> = items.iter().map(|item| item.0).collect();
            expected.sort_unstable();
            for at in wanted {
                assert_eq!(sorted[at].0, expected[at]);
            }
            sorted.sort_unstable_by_key(|item| item.1);
            assert_eq!(sorted, items);
        }
    }

    /// Items that are decided upon only when they are compared, each as bad as it can be for the
    /// pivot (McIlroy's "killer adversary").
    #[test]
    fn an_adversary_gets_no_quadratic_time() {
        use std::cell::{Cell, RefCell};
        const LEN: usize = 20_000;
        let values = RefCell::new(vec![usize::MAX; LEN]);
        let (solid, candidate, compared) = (Cell::new(0), Cell::new(0), Cell::new(0usize));
        let mut items: Vec<usize> = (0..LEN).collect();
        partial_sort(&mut items, 0..LEN, |&a, &b| {
            compared.set(compared.get() + 1);
            let mut values = values.borrow_mut();
            if values[a] == usize::MAX && values[b] == usize::MAX {
                let decided = if a == candidate.get() { a } else { b };
                values[decided] = solid.get();
                solid.set(solid.get() + 1);
            }
            if values[a] == usize::MAX {
                candidate.set(a);
            } else if values[b] == usize::MAX {
                candidate.set(b);
            }
            values[a].cmp(&values[b])
        });
        assert!(compared.get() < LEN * 200, "{} comparisons", compared.get());
    }
}
