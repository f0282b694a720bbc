//! The order of `SORT`: by what elements are compared, and which part of them is wanted.

use super::elements::Texts;
use super::pattern::Pattern;
use crate::error::Error;
use crate::keys::Keys;
use crate::values::partial_sort::partial_sort;
use crate::values::sorted::score;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

const NOT_NUMBERS: Error = Error::text("ERR One or more scores can't be converted into double");

/// By what elements are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By<'a> {
    /// Themselves.
    #[default]
    Element,
    /// The value at a key.
    Weight(Pattern<'a>),
    /// Nothing: they stay as they are.
    Nothing,
}

/// The order, and which part of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order<'a> {
    /// By what elements are compared.
    pub by: By<'a>,
    /// The first, and how many; all if negative.
    pub limit: Option<(i64, i64)>,
    /// The greatest first.
    pub descending: bool,
    /// Compare bytes, not numbers.
    pub alpha: bool,
}

impl<'a> Order<'a> {
    /// Compares by a pattern from now on. Once one leads to no key, there is no order.
    pub(super) fn by(&mut self, pattern: Pattern<'a>) {
        self.by = match self.by {
            By::Nothing => By::Nothing,
            _ if pattern.reaches_others() => By::Weight(pattern),
            _ => By::Nothing,
        };
    }

    /// Which of `len` places are wanted.
    pub(super) fn window(&self, len: usize) -> Range<usize> {
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(offset.max(0)).unwrap_or(len).min(len);
        match usize::try_from(count) {
            Ok(count) => start..start.saturating_add(count).min(len),
            Err(_) => start..len,
        }
    }

    /// The numbers of the elements at the wanted places. O(n + m log m), m being the places.
    ///
    /// Elements that compare as equal follow each other as they are or, `by_bytes`, by their bytes;
    /// where only some places are wanted and `BY` is given, as Redis's partial sort leaves them.
    ///
    /// # Errors
    /// What is to be compared as a number is none.
    pub(super) fn sort(
        &self,
        elements: &Texts,
        window: Range<usize>,
        by_bytes: bool,
        keys: &Keys<'_>,
    ) -> Result<Vec<usize>, Error> {
        let bytes = |a: usize, b: usize| elements.get(a).cmp(elements.get(b));
        if !self.alpha {
            let numbers = self.numbers(elements, keys)?;
            return Ok(self.places(elements.len(), window, |a, b| {
                numbers[a].order(numbers[b]).then_with(|| bytes(a, b))
            }));
        }
        if self.by == By::Element {
            return Ok(self.places(elements.len(), window, bytes));
        }
        let weights = self.weights(elements, keys);
        Ok(self.places(elements.len(), window, |a, b| {
            let order = weights[a].cmp(&weights[b]);
            if by_bytes { order.then_with(|| bytes(a, b)) } else { order }
        }))
    }

    /// The elements at some places of an order.
    fn places(
        &self,
        len: usize,
        window: Range<usize>,
        compare: impl Fn(usize, usize) -> Ordering,
    ) -> Vec<usize> {
        let order = |a: &usize, b: &usize| {
            let order = compare(*a, *b);
            if self.descending { order.reverse() } else { order }
        };
        let mut places: Vec<usize> = (0..len).collect();
        if window.len() < len {
            partial_sort(&mut places, window.clone(), order);
        } else {
            places.sort_by(order);
        }
        places.truncate(window.end);
        places.drain(..window.start);
        places
    }

    /// What each element is compared by; no key is less than any.
    fn weights<'v>(&self, elements: &'v Texts, keys: &'v Keys<'_>) -> Vec<Option<Cow<'v, [u8]>>> {
        let mut name = Vec::new();
        let pattern = match self.by {
            By::Weight(pattern) => pattern,
            _ => Pattern::Element,
        };
        elements.iter().map(|element| pattern.value(keys, element, &mut name)).collect()
    }

    /// The same as numbers; no key is 0.
    fn numbers(&self, elements: &Texts, keys: &Keys<'_>) -> Result<Vec<Number>, Error> {
        let weights = self.weights(elements, keys);
        let number = |weight: &Option<Cow<'_, [u8]>>| match weight {
            Some(text) => number_of(text).map(Number).ok_or(NOT_NUMBERS),
            None => Ok(Number(0.0)),
        };
        weights.iter().map(number).collect()
    }
}

/// A number that is compared; never NaN.
#[derive(Debug, Clone, Copy)]
struct Number(f64);

impl Number {
    /// The order of numbers, in which both zeros are equal.
    fn order(self, other: Number) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

/// What C's `strtod` reads whole: spaces before the number are skipped, nothing at all is 0.
fn number_of(text: &[u8]) -> Option<f64> {
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = text.iter().take_while(|byte| is_space(byte)).count();
    score::parse(&text[spaces..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in [
            ("", Some(0.0)),
            (" 12", Some(12.0)),
            ("\t-1.5e3", Some(-1500.0)),
            ("0x10", Some(16.0)),
            ("inf", Some(f64::INFINITY)),
            ("12 ", None),
            (" ", None),
            ("nan", None),
            ("1e400", None),
            ("12a", None),
        ] {
            assert_eq!(number_of(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn limits_stay_within_the_elements() {
        let window =
            |offset, count| Order { limit: Some((offset, count)), ..Order::default() }.window(10);
        assert_eq!(Order::default().window(3), 0..3);
        assert_eq!(window(2, 3), 2..5);
        assert_eq!(window(-5, 3), 0..3);
        assert_eq!(window(8, i64::MAX), 8..10);
        assert_eq!(window(3, -1), 3..10);
        assert_eq!(window(3, i64::MIN), 3..10);
        assert!(window(i64::MAX, 1).is_empty());
        assert!(window(3, 0).is_empty());
    }
}
