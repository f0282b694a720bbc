//! Patterns as in `KEYS`, `SCAN MATCH` and `PSUBSCRIBE`, with the semantics of Redis.
//!
//! | pattern | matches |
//! |---|---|
//! | `*` | any run of bytes |
//! | `?` | one byte |
//! | `[abc]` `[a-c]` `[^a]` | one byte in, or not in, the class |
//! | `\x` | the byte `x` itself; a `\` at the very end is itself |
//! | other | itself |
//!
//! Corners that Redis's clients can observe and that are kept:
//! * A class that is not closed ends with the pattern. `[]` matches nothing, `[^]` any byte.
//! * The end of a range is taken as it stands: in `[a-]` it is `]`. Ends in the wrong order are
//!   swapped before letters are folded, so that `[Z-a]` without case matches no letter.
//! * Ranges compare bytes as signed, as C does on x86: `[a-\xff]` runs from `\xff` to `a`.
//! * An escaped byte within a class is compared with case even when case is ignored.
//! * The empty text is matched by the empty pattern alone, not by `*`. Callers that treat `*` as
//!   "everything" check for it first, as those in Redis do.
//!
//! * After [`MAX_STARS`] stars nothing matches any more, unless the next one ends the pattern.
//!
//! A star is retried only for the latest `*` met, which is enough because every other element takes
//! exactly one byte. So the work is at most pattern length × text length, without recursion.
//! Knows no keys and no channels.

/// Tells whether the whole of `text` matches `pattern`.
///
/// # Complexity
/// O(pattern × text) at worst, linear without `*`.
///
/// ```
/// use larder_codec::glob::matches;
/// assert!(matches(b"user:[0-9]*:n?me", b"user:17:name"));
/// assert!(!matches(b"h[^e]llo", b"hello"));
/// ```
#[inline]
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    run::<false>(pattern, text)
}

/// As [`matches`](matches()), with ASCII letters of either case alike.
#[inline]
pub fn matches_ignore_case(pattern: &[u8], text: &[u8]) -> bool {
    run::<true>(pattern, text)
}

/// Runs of stars that a match may pass. Redis recurses for each and stops there.
pub const MAX_STARS: usize = 1000;

fn run<const FOLD: bool>(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t, mut passed) = (0, 0, 0);
    // Pattern position after the latest star, and the text position it was last tried at.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += stars(&pattern[p..]);
            if p == pattern.len() {
                return true;
            }
            passed += 1;
            if passed > MAX_STARS {
                return false;
            }
            star = Some((p, t));
            continue;
        }
        if let Some(after) = element::<FOLD>(pattern, p, text[t]) {
            p = after;
            t += 1;
        } else if let Some((after_star, tried)) = star {
            p = after_star;
            t = tried + 1;
            star = Some((p, t));
        } else {
            return false;
        }
    }
    p + stars(&pattern[p..]) == pattern.len()
}

#[inline]
fn stars(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|&&b| b == b'*').count()
}

/// Matches the one element at `p` with `byte`; returns the position after the element.
#[inline]
fn element<const FOLD: bool>(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => class::<FOLD>(pattern, p + 1, byte),
        b'\\' if p + 1 < pattern.len() => same::<FOLD>(pattern[p + 1], byte).then_some(p + 2),
        literal => same::<FOLD>(literal, byte).then_some(p + 1),
    }
}

/// Matches the class whose `[` stands before `p`.
fn class<const FOLD: bool>(pattern: &[u8], mut p: usize, byte: u8) -> Option<usize> {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut found = false;
    loop {
        match pattern[p..] {
            [] => break,
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                p += 2;
            }
            [b']', ..] => {
                p += 1;
                break;
            }
            [start, b'-', end, ..] => {
                found |= in_range::<FOLD>(start, end, byte);
                p += 3;
            }
            [literal, ..] => {
                found |= same::<FOLD>(literal, byte);
                p += 1;
            }
        }
    }
    (found != negated).then_some(p)
}

#[inline]
fn in_range<const FOLD: bool>(start: u8, end: u8, byte: u8) -> bool {
    let (mut low, mut high, mut byte) = (start as i8, end as i8, byte as i8);
    if low > high {
        (low, high) = (high, low);
    }
    if FOLD {
        (low, high, byte) = (fold(low), fold(high), fold(byte));
    }
    low <= byte && byte <= high
}

#[inline]
fn fold(byte: i8) -> i8 {
    (byte as u8).to_ascii_lowercase() as i8
}

#[inline]
fn same<const FOLD: bool>(a: u8, b: u8) -> bool {
    if FOLD { a.eq_ignore_ascii_case(&b) } else { a == b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rules as a plain recursion: a star takes nothing, or one byte and is asked again.
    fn naive(pattern: &[u8], text: &[u8], fold: bool) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                naive(rest, text, fold) || (!text.is_empty() && naive(pattern, &text[1..], fold))
            }
            (_, []) | ([], _) => false,
            (_, [byte, after @ ..]) => {
                let end = if fold {
                    element::<true>(pattern, 0, *byte)
                } else {
                    element::<false>(pattern, 0, *byte)
                };
                end.is_some_and(|end| naive(&pattern[end..], after, fold))
            }
        }
    }

    #[test]
    fn plain_forms() {
        for (pattern, text) in [
            ("", ""),
            ("abc", "abc"),
            ("a*", "a"),
            ("a**", "a"),
            ("*", "x"),
            ("h?llo", "hello"),
            ("h*llo", "heeeello"),
            ("h[ae]llo", "hallo"),
            ("h[^e]llo", "hbllo"),
            ("h[a-b]llo", "hbllo"),
            ("h[b-a]llo", "hallo"),
            ("h\\[llo", "h[llo"),
            ("*a*b*c", "xxaxxbxxbc"),
            ("a\\", "a\\"),
            ("[a\\]b]", "]"),
            ("[a-", "-"),
            ("[\\", "\\"),
            ("[^", "x"),
            ("[^]", "x"),
            ("[a", "a"),
            ("[a-]", "]"),
            ("\\*", "*"),
            ("*\\?", "a?"),
        ] {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} should match {text}");
        }
    }

    #[test]
    fn a_thousand_stars_are_the_most() {
        let text = vec![b'a'; 2000];
        assert!(matches(&b"*?".repeat(MAX_STARS), &text));
        assert!(!matches(&b"*?".repeat(MAX_STARS + 1), &text));
        assert!(matches(&[b"*?".repeat(MAX_STARS), b"*".to_vec()].concat(), &text));
        assert!(matches(&b"*".repeat(2 * MAX_STARS), &text));
    }

    #[test]
    fn plain_refusals() {
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("*", ""),
            ("?", ""),
            ("abc", "ab"),
            ("ab", "abc"),
            ("a?", "a"),
            ("[]", "x"),
            ("[]a]", "a"),
            ("[", "["),
            ("[^a", "a"),
            ("\\*", "a"),
            ("*a", "ab"),
            ("a*[", "ab"),
            ("A", "a"),
            ("[a-c]", "B"),
        ] {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} on {text}");
        }
    }

    #[test]
    fn case_is_folded_except_for_escapes_in_classes() {
        assert!(matches_ignore_case(b"MAX*", b"maxmemory"));
        assert!(matches_ignore_case(b"[A-C]", b"b"));
        assert!(matches_ignore_case(b"\\A", b"a"));
        assert!(!matches_ignore_case(b"[\\A]", b"a"));
        assert!(!matches_ignore_case(b"[Z-a]", b"z"));
    }

    #[test]
    fn ranges_compare_signed_bytes() {
        assert!(matches(b"[a-\xff]", b"A"));
        assert!(!matches(b"[a-\xff]", b"b"));
        assert!(matches(b"[\x80-\x90]", b"\x85"));
    }

    #[test]
    fn many_stars_take_polynomial_time() {
        let pattern = b"*a".repeat(20_000);
        let text = b"a".repeat(19_999);
        assert!(!matches(&pattern, &text));
        let mut pattern = b"*?".repeat(1_500);
        pattern.push(b'b');
        assert!(!matches(&pattern, &b"a".repeat(4_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn agrees_with_the_plain_recursion(
            pattern in "[abAB*?^\\\\\\[\\]-]{0,9}",
            text in "[abAB\\]\\\\^-]{1,9}",
            fold: bool,
        ) {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            let found =
                if fold { matches_ignore_case(pattern, text) } else { matches(pattern, text) };
            prop_assert_eq!(found, naive(pattern, text, fold));
        }

        #[test]
        fn any_bytes_are_accepted(pattern: Vec<u8>, text: Vec<u8>) {
            matches(&pattern, &text);
            matches_ignore_case(&pattern, &text);
        }
    }
}
