//! Zipmap: the small hash of Redis before 2.6, read into a listpack and never written.
//!
//! | bytes | field |
//! |---|---|
//! | 1 | number of pairs; 254 and more = count them |
//! | … | length, field, length, one byte of slack's length, value, slack |
//! | 1 | end mark `FF` |
//!
//! A length is a byte below 254, or 254 and a u32 little endian of at least 254.

use crate::{Corrupt, listpack};

const END: u8 = 0xFF;
const LONG: u8 = 254;

/// The same pairs as a listpack.
///
/// # Errors
/// [`Corrupt`] where any byte breaks the rules above, or there is no pair.
pub(super) fn to_listpack(zipmap: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let [stated, body @ .., END] = zipmap else {
        return Err(Corrupt::new("zipmap header or end mark is missing", 0));
    };
    let mut lp = listpack::with_capacity(body.len());
    let (mut at, mut pairs) = (0, 0);
    while at < body.len() {
        let field = text(body, &mut at, 0)?;
        let value = text(body, &mut at, 1)?;
        for text in [field, value] {
            listpack::push_back(&mut lp, text)
                .map_err(|_| Corrupt::new("zipmap is too large", at))?;
        }
        pairs += 1;
    }
    if pairs == 0 || *stated < LONG && usize::from(*stated) != pairs {
        return Err(Corrupt::new("zipmap length differs from its header", 0));
    }
    Ok(lp)
}

/// The text whose length stands at `at`, behind which one byte may tell of slack.
fn text<'a>(body: &'a [u8], at: &mut usize, slack_bytes: usize) -> Result<&'a [u8], Corrupt> {
    let cut = Corrupt::new("zipmap entry is cut off", *at);
    let rest = body.get(*at..).ok_or(cut)?;
    let (len, head) = match *rest {
        [LONG, a, b, c, d, ..] => {
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            if len < usize::from(LONG) {
                return Err(Corrupt::new("zipmap length is in a wider form than needed", *at));
            }
            (len, 5)
        }
        [short @ ..LONG, ..] => (usize::from(short), 1),
        _ => return Err(cut),
    };
    let slack = match slack_bytes {
        0 => 0,
        _ => usize::from(*rest.get(head).ok_or(cut)?),
    };
    let from = head + slack_bytes;
    let end = from.checked_add(len).ok_or(cut)?;
    let text = rest.get(from..end).ok_or(cut)?;
    rest.get(..end + slack).ok_or(cut)?;
    *at += end + slack;
    Ok(text)
}
