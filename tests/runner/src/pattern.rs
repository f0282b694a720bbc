//! What an `.rtest` file expects of a reply: the notation, its reading and its matching.
//!
//! One notation serves both protocols: `{a 1}` is a map in RESP3 and a flat array in RESP2, and so
//! on as `tests/rtest/README.md` lists. It must not know commands. The replies themselves are in
//! `reply`; substitutions in `words`.

use anyhow::{Context, Result, bail, ensure};

use crate::reply::Reply;
use crate::words::{Cursor, Expr, Scope, Template, Value};

/// An expected reply.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The variants are the rows of the notation's table.
pub enum Pattern {
    Any,
    Status(Template),
    Error {
        text: Template,
        prefix: bool,
    },
    Int(i64),
    IntRange(Bound, Bound),
    Double(String),
    DoubleRange(f64, f64),
    Bulk(Template),
    Glob(Template),
    Verbatim(Box<Pattern>),
    Nil,
    NilArray,
    Bool(bool),
    Value(Expr),
    Array(Items),
    Unordered(Items),
    Set(Items),
    Push(Items),
    Map(Vec<(Pattern, Pattern)>, bool),
    OneOf(Vec<Pattern>),
    /// So many distinct elements out of these.
    Sample(usize, Vec<Pattern>),
    /// So many elements out of these, repeats allowed.
    Picks(usize, Vec<Pattern>),
    Capture(String, Box<Pattern>),
}

/// The elements of an aggregate; `open` when it ends in `...` and more may follow.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Items {
    pub list: Vec<Pattern>,
    pub open: bool,
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Bound {
    None,
    Number(i64),
    Expr(Expr),
}

/// The protocol that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Protocol {
    Resp2,
    Resp3,
}

impl Pattern {
    /// Reads one expected reply, all of `text`.
    ///
    /// # Errors
    /// When it does not follow the notation.
    pub fn parse(text: &str) -> Result<Pattern> {
        let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
        cursor.skip_space();
        let pattern = top(&mut cursor)?;
        cursor.skip_space();
        let rest = String::from_utf8_lossy(cursor.rest());
        ensure!(rest.is_empty(), "{rest:?} is left over behind the reply");
        Ok(pattern)
    }

    /// Whether `reply` is what is expected; captures go into `scope`.
    ///
    /// # Errors
    /// When a substitution has no value.
    pub fn check(&self, reply: &Reply, scope: &mut Scope, protocol: Protocol) -> Result<bool> {
        let mut matcher = Matcher { scope, protocol, captured: Vec::new() };
        let fits = matcher.fits(self, reply)?;
        let captured = matcher.captured;
        if fits {
            scope.vars.extend(captured);
        }
        Ok(fits)
    }
}

/// How many more closing brackets than opening ones `text` needs: an expected reply goes on over
/// lines until this is nought.
pub fn open_brackets(text: &str) -> i32 {
    let mut depth = 0;
    let mut bytes = text.trim_start().bytes();
    if text.trim_start().starts_with(['-', '+', '/']) {
        return 0;
    }
    let mut quoted = false;
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth
}

fn top(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    let whole_line = |cursor: &mut Cursor<'_>| {
        cursor.at += 1;
        cursor.bare(|_| false)
    };
    match (cursor.peek(), cursor.text.get(cursor.at + 1)) {
        (Some(b'-'), Some(next)) if *next != b'"' && !next.is_ascii_digit() => {
            let mut text = whole_line(cursor)?;
            let prefix = match text.0.last_mut() {
                Some(crate::words::Part::Text(last)) if last.ends_with(b"*") => {
                    last.pop();
                    true
                }
                _ => false,
            };
            Ok(Pattern::Error { text, prefix })
        }
        (Some(b'+'), Some(next)) if *next != b'"' => Ok(Pattern::Status(whole_line(cursor)?)),
        _ => element(cursor),
    }
}

fn element(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    cursor.skip_space();
    let first = cursor.peek().context("a reply is missing")?;
    let second = cursor.text.get(cursor.at + 1).copied();
    match (first, second) {
        (b'[', _) => Ok(Pattern::Array(items(cursor)?)),
        (b'{', _) => map(cursor),
        (b'~', Some(b'[')) => advance(cursor, 1).and_then(items).map(Pattern::Set),
        (b'>', Some(b'[')) => advance(cursor, 1).and_then(items).map(Pattern::Push),
        (b'"', _) => Ok(Pattern::Bulk(cursor.double_quoted()?)),
        (b'/', _) => Ok(Pattern::Glob(cursor.delimited(b'/')?)),
        (b'-', Some(b'"')) => {
            let text = advance(cursor, 1)?.double_quoted()?;
            Ok(Pattern::Error { text, prefix: false })
        }
        (b'+', Some(b'"')) => Ok(Pattern::Status(advance(cursor, 1)?.double_quoted()?)),
        (b'=', _) => Ok(Pattern::Verbatim(Box::new(element(advance(cursor, 1)?)?))),
        (b',', _) => double(advance(cursor, 1)?),
        (b'$', Some(b'(')) => {
            cursor.at += 2;
            let from = cursor.expression()?;
            match cursor.take("..") {
                true => Ok(Pattern::IntRange(Bound::Expr(from), bound(cursor)?)),
                false => Ok(Pattern::Value(from)),
            }
        }
        (b'$', _) => capture(advance(cursor, 1)?),
        (b'-' | b'0'..=b'9', _) => integer(cursor),
        _ => word(cursor),
    }
}

fn advance<'a, 'b>(cursor: &'a mut Cursor<'b>, by: usize) -> Result<&'a mut Cursor<'b>> {
    cursor.at += by;
    Ok(cursor)
}

fn is_end(b: u8) -> bool {
    b.is_ascii_whitespace() || b"[]{}\"".contains(&b)
}

fn token(cursor: &mut Cursor<'_>) -> String {
    let rest = cursor.rest();
    let len = rest.iter().position(|&b| is_end(b)).unwrap_or(rest.len());
    let text = String::from_utf8_lossy(&rest[..len]).into_owned();
    cursor.at += len;
    text
}

fn items(cursor: &mut Cursor<'_>) -> Result<Items> {
    ensure!(cursor.take("["), "[ expected");
    let (mut list, mut open) = (Vec::new(), false);
    loop {
        cursor.skip_space();
        if cursor.take("]") {
            return Ok(Items { list, open });
        }
        ensure!(!open, "... must be the last in its brackets");
        if cursor.take("...") {
            open = true;
        } else {
            list.push(element(cursor).context("inside [ ]")?);
        }
    }
}

fn map(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    cursor.at += 1;
    let (mut pairs, mut open) = (Vec::new(), false);
    loop {
        cursor.skip_space();
        if cursor.take("}") {
            return Ok(Pattern::Map(pairs, open));
        }
        ensure!(!open, "... must be the last in its brackets");
        if cursor.take("...") {
            open = true;
        } else {
            let key = element(cursor).context("inside { }")?;
            pairs.push((key, element(cursor).context("inside { }")?));
        }
    }
}

fn double(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    let text = token(cursor);
    match text.split_once("..") {
        Some((from, to)) => Ok(Pattern::DoubleRange(from.parse()?, to.parse()?)),
        None => {
            text.parse::<f64>().with_context(|| format!("{text} is not a double"))?;
            Ok(Pattern::Double(text))
        }
    }
}

fn capture(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    let rest = cursor.rest();
    let len = rest.iter().position(|&b| b == b'=' || is_end(b)).unwrap_or(rest.len());
    let name = String::from_utf8_lossy(&rest[..len]).into_owned();
    cursor.at += len;
    ensure!(cursor.take("=") && !name.is_empty(), "a capture is written $name=reply");
    Ok(Pattern::Capture(name, Box::new(element(cursor)?)))
}

fn integer(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    let start = cursor.at;
    if let Some(from) = digits(cursor) {
        if cursor.take("..") {
            return Ok(Pattern::IntRange(Bound::Number(from), bound(cursor)?));
        }
        if cursor.peek().is_none_or(is_end) {
            return Ok(Pattern::Int(from));
        }
    }
    cursor.at = start;
    word(cursor)
}

fn digits(cursor: &mut Cursor<'_>) -> Option<i64> {
    let rest = cursor.rest();
    let sign = usize::from(rest.first() == Some(&b'-'));
    let len = rest[sign..].iter().take_while(|b| b.is_ascii_digit()).count() + sign;
    let number = std::str::from_utf8(&rest[..len]).ok()?.parse().ok()?;
    cursor.at += len;
    Some(number)
}

fn bound(cursor: &mut Cursor<'_>) -> Result<Bound> {
    if cursor.take("$(") {
        return Ok(Bound::Expr(cursor.expression()?));
    }
    Ok(digits(cursor).map_or(Bound::None, Bound::Number))
}

fn word(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    let start = cursor.at;
    let text = token(cursor);
    match text.as_str() {
        "nil" if cursor.take("[]") => Ok(Pattern::NilArray),
        "nil" => Ok(Pattern::Nil),
        "any" => Ok(Pattern::Any),
        "true" => Ok(Pattern::Bool(true)),
        "false" => Ok(Pattern::Bool(false)),
        "OK" | "QUEUED" => Ok(Pattern::Status(Template::text(text.as_bytes()))),
        "unordered" => choices(cursor).map(Pattern::Unordered),
        "one" => {
            cursor.skip_space();
            ensure!(token(cursor) == "of", "write one of [ … ], or \"one\" for the string");
            Ok(Pattern::OneOf(choices(cursor)?.list))
        }
        "sample" | "picks" => {
            cursor.skip_space();
            let count = digits(cursor).with_context(|| format!("write {text} 3 [ … ]"))?;
            let (count, list) = (usize::try_from(count)?, choices(cursor)?.list);
            match text == "sample" {
                true => Ok(Pattern::Sample(count, list)),
                false => Ok(Pattern::Picks(count, list)),
            }
        }
        _ => {
            cursor.at = start;
            let template = cursor.bare(is_end)?;
            ensure!(
                !template.0.is_empty(),
                "{:?} cannot stand here",
                cursor.peek().map(char::from)
            );
            Ok(Pattern::Bulk(template))
        }
    }
}

fn choices(cursor: &mut Cursor<'_>) -> Result<Items> {
    cursor.skip_space();
    items(cursor).context("this word needs a list behind it, or quotes around it")
}

struct Matcher<'a> {
    scope: &'a Scope,
    protocol: Protocol,
    captured: Vec<(String, Value)>,
}

impl Matcher<'_> {
    fn fits(&mut self, pattern: &Pattern, reply: &Reply) -> Result<bool> {
        let resp3 = self.protocol == Protocol::Resp3;
        Ok(match (pattern, reply) {
            (Pattern::Any, _) => true,
            (Pattern::Status(want), Reply::Status(got)) => want.bytes(self.scope)? == *got,
            (Pattern::Error { text, prefix }, Reply::Error(got)) => {
                let want = text.bytes(self.scope)?;
                if *prefix { got.starts_with(&want) } else { want == *got }
            }
            (Pattern::Int(want), Reply::Int(got)) => want == got,
            (Pattern::IntRange(from, to), Reply::Int(got)) => {
                self.bound(from)?.is_none_or(|n| n <= *got)
                    && self.bound(to)?.is_none_or(|n| *got <= n)
            }
            (Pattern::Double(want), Reply::Double(got)) if resp3 => want == got,
            (Pattern::Double(want), Reply::Bulk(got)) if !resp3 => want.as_bytes() == got,
            (Pattern::DoubleRange(from, to), Reply::Double(_) | Reply::Bulk(_)) => {
                let text = String::from_utf8(reply.bytes().unwrap_or_default())?;
                matches!(reply, Reply::Double(_)) == resp3
                    && text.parse::<f64>().is_ok_and(|got| *from <= got && got <= *to)
            }
            (Pattern::Bulk(want), Reply::Bulk(got)) => want.bytes(self.scope)? == *got,
            (Pattern::Glob(want), _) => match reply {
                Reply::Bulk(got) | Reply::Status(got) | Reply::Verbatim(got) => {
                    glob(&want.bytes(self.scope)?, got)
                }
                _ => false,
            },
            (Pattern::Verbatim(want), Reply::Verbatim(got)) if resp3 => {
                self.fits(want, &Reply::Bulk(got.clone()))?
            }
            (Pattern::Verbatim(want), Reply::Bulk(_)) if !resp3 => self.fits(want, reply)?,
            (Pattern::Nil, Reply::NullBulk) | (Pattern::NilArray, Reply::NullArray) => !resp3,
            (Pattern::Nil | Pattern::NilArray, Reply::Null) => resp3,
            (Pattern::Bool(want), Reply::Bool(got)) => resp3 && want == got,
            (Pattern::Bool(want), Reply::Int(got)) => !resp3 && i64::from(*want) == *got,
            (Pattern::Value(expr), _) => self.value_fits(expr, reply)?,
            (Pattern::Capture(name, inner), _) => {
                self.captured.push((name.clone(), Value::Reply(reply.clone())));
                self.fits(inner, reply)?
            }
            (Pattern::OneOf(list), _) => {
                let list = self.spread(list)?;
                self.any_of(&list, reply)?
            }
            _ => self.aggregate_fits(pattern, reply)?,
        })
    }

    fn aggregate_fits(&mut self, pattern: &Pattern, reply: &Reply) -> Result<bool> {
        let resp3 = self.protocol == Protocol::Resp3;
        match (pattern, reply) {
            (Pattern::Array(want), Reply::Array(got)) => self.ordered(want, got),
            (Pattern::Push(want), Reply::Push(got)) if resp3 => self.ordered(want, got),
            (Pattern::Push(want), Reply::Array(got)) if !resp3 => self.ordered(want, got),
            (Pattern::Unordered(want), Reply::Array(got)) => self.unordered(want, got),
            (Pattern::Set(want), Reply::Set(got)) if resp3 => self.unordered(want, got),
            (Pattern::Set(want), Reply::Array(got)) if !resp3 => self.unordered(want, got),
            (Pattern::Map(want, open), Reply::Map(got)) if resp3 => {
                self.pairs(want, *open, &got.iter().map(|(k, v)| (k, v)).collect::<Vec<_>>())
            }
            (Pattern::Map(want, open), Reply::Array(got)) if !resp3 && got.len() % 2 == 0 => {
                self.pairs(want, *open, &got.chunks(2).map(|p| (&p[0], &p[1])).collect::<Vec<_>>())
            }
            (Pattern::Sample(count, list), Reply::Array(got) | Reply::Set(got)) => {
                let distinct = (1..got.len()).all(|i| !got[..i].contains(&got[i]));
                Ok(distinct && self.all_of(*count, list, got)?)
            }
            (Pattern::Picks(count, list), Reply::Array(got)) => self.all_of(*count, list, got),
            _ => Ok(false),
        }
    }

    fn bound(&self, bound: &Bound) -> Result<Option<i64>> {
        Ok(match bound {
            Bound::None => None,
            Bound::Number(n) => Some(*n),
            Bound::Expr(expr) => Some(expr.value(self.scope)?.int()?),
        })
    }

    fn value_fits(&self, expr: &Expr, reply: &Reply) -> Result<bool> {
        Ok(match (expr.value(self.scope)?, reply) {
            (Value::Int(want), Reply::Int(got)) => want == *got,
            (Value::Bytes(want), Reply::Bulk(got)) => want == *got,
            (Value::Reply(want), got) => want == *got,
            _ => false,
        })
    }

    fn ordered(&mut self, want: &Items, got: &[Reply]) -> Result<bool> {
        let list = self.spread(&want.list)?;
        if got.len() < list.len() || (got.len() > list.len() && !want.open) {
            return Ok(false);
        }
        for (pattern, reply) in list.iter().zip(got) {
            if !self.fits(pattern, reply)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn unordered(&mut self, want: &Items, got: &[Reply]) -> Result<bool> {
        let list = self.spread(&want.list)?;
        self.assign(list.len(), got.len(), want.open, |me, p, r| me.fits(&list[p], &got[r]))
    }

    fn pairs(
        &mut self,
        want: &[(Pattern, Pattern)],
        open: bool,
        got: &[(&Reply, &Reply)],
    ) -> Result<bool> {
        self.assign(want.len(), got.len(), open, |me, p, r| {
            Ok(me.fits(&want[p].0, got[r].0)? && me.fits(&want[p].1, got[r].1)?)
        })
    }

    /// Whether each of `patterns` can have a reply of its own (a bipartite matching).
    fn assign(
        &mut self,
        patterns: usize,
        replies: usize,
        open: bool,
        fits: impl Fn(&mut Self, usize, usize) -> Result<bool>,
    ) -> Result<bool> {
        if replies < patterns || (replies > patterns && !open) {
            return Ok(false);
        }
        let kept = self.captured.len();
        let mut edges = vec![Vec::new(); patterns];
        for (pattern, edges) in edges.iter_mut().enumerate() {
            for reply in 0..replies {
                if fits(self, pattern, reply)? {
                    edges.push(reply);
                }
            }
        }
        self.captured.truncate(kept);
        let mut owner = vec![None; replies];
        for pattern in 0..patterns {
            if !augment(pattern, &edges, &mut owner, &mut vec![false; replies]) {
                return Ok(false);
            }
        }
        for (reply, pattern) in owner.iter().enumerate() {
            if let Some(pattern) = pattern {
                fits(self, *pattern, reply)?;
            }
        }
        Ok(true)
    }

    fn all_of(&mut self, count: usize, list: &[Pattern], got: &[Reply]) -> Result<bool> {
        let list = self.spread(list)?;
        for reply in got {
            if !self.any_of(&list, reply)? {
                return Ok(false);
            }
        }
        Ok(got.len() == count)
    }

    fn any_of(&mut self, list: &[Pattern], reply: &Reply) -> Result<bool> {
        for pattern in list {
            if self.fits(pattern, reply)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Elements with each `$(range …)` laid out as the words it stands for.
    fn spread(&self, list: &[Pattern]) -> Result<Vec<Pattern>> {
        let mut out = Vec::with_capacity(list.len());
        for pattern in list {
            match pattern {
                Pattern::Value(expr @ Expr::Range(..)) => {
                    let Value::Many(words) = expr.value(self.scope)? else { bail!("not a range") };
                    out.extend(words.iter().map(|w| Pattern::Bulk(Template::text(w))));
                }
                other => out.push(other.clone()),
            }
        }
        Ok(out)
    }
}

fn augment(
    pattern: usize,
    edges: &[Vec<usize>],
    owner: &mut [Option<usize>],
    seen: &mut Vec<bool>,
) -> bool {
    for &reply in &edges[pattern] {
        if !std::mem::replace(&mut seen[reply], true)
            && owner[reply].is_none_or(|other| augment(other, edges, owner, seen))
        {
            owner[reply] = Some(pattern);
            return true;
        }
    }
    false
}

/// `*` stands for any run of bytes and `?` for one byte.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&b) if b == b'?' || b == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::decode;

    fn fits(pattern: &str, wire: &str, protocol: Protocol) -> bool {
        let (reply, _) = decode(wire.as_bytes()).unwrap().unwrap();
        let mut scope = Scope { now_ms: 10_000, ..Scope::default() };
        Pattern::parse(pattern).unwrap().check(&reply, &mut scope, protocol).unwrap()
    }

    fn resp2(pattern: &str, wire: &str) -> bool {
        fits(pattern, wire, Protocol::Resp2)
    }

    fn resp3(pattern: &str, wire: &str) -> bool {
        fits(pattern, wire, Protocol::Resp3)
    }

    #[test]
    fn tells_the_types_apart() {
        assert!(resp2("OK", "+OK\r\n") && !resp2("\"OK\"", "+OK\r\n"));
        assert!(resp2("+PONG", "+PONG\r\n") && resp2("pong", "$4\r\npong\r\n"));
        assert!(resp2("1", ":1\r\n") && !resp2("\"1\"", ":1\r\n") && resp2("\"1\"", "$1\r\n1\r\n"));
        assert!(resp2("nil", "$-1\r\n") && !resp2("nil", "*-1\r\n") && resp2("nil[]", "*-1\r\n"));
        assert!(resp2("-ERR a b", "-ERR a b\r\n") && !resp2("-ERR a", "-ERR a b\r\n"));
        assert!(resp2("-ERR a*", "-ERR a b\r\n") && !resp2("-ERR b*", "-ERR a b\r\n"));
        assert!(resp2("-1", ":-1\r\n") && resp2("1a", "$2\r\n1a\r\n"));
        assert!(resp2("any", ":1\r\n") && resp2("/a*c/", "$3\r\nabc\r\n"));
    }

    #[test]
    fn one_notation_for_both_protocols() {
        for (pattern, two, three) in [
            ("nil", "$-1\r\n", "_\r\n"),
            ("nil[]", "*-1\r\n", "_\r\n"),
            (",1.5", "$3\r\n1.5\r\n", ",1.5\r\n"),
            (",1..2", "$3\r\n1.5\r\n", ",1.5\r\n"),
            ("true", ":1\r\n", "#t\r\n"),
            ("~[a b]", "*2\r\n+b\r\n+a\r\n", "~2\r\n+b\r\n+a\r\n"),
            ("{a 1}", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"),
            ("=/x*/", "$2\r\nxy\r\n", "=6\r\ntxt:xy\r\n"),
            (">[a]", "*1\r\n$1\r\na\r\n", ">1\r\n$1\r\na\r\n"),
        ] {
            let plus = pattern.replace("~[a b]", "~[+\"a\" +\"b\"]");
            assert!(resp2(&plus, two), "{pattern} {two}");
            assert!(resp3(&plus, three), "{pattern} {three}");
            assert!(!resp3(&plus, two), "{pattern} must not take RESP2 for RESP3");
            assert!(!resp2(&plus, three), "{pattern} must not take RESP3 for RESP2");
        }
    }

    #[test]
    fn aggregates() {
        let ab = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";
        assert!(resp2("[a b]", ab) && !resp2("[b a]", ab) && resp2("unordered [b a]", ab));
        assert!(resp2("[a ...]", ab) && !resp2("[a]", ab) && !resp2("[a b c ...]", ab));
        assert!(resp2("unordered [b ...]", ab) && !resp2("unordered [a a]", ab));
        assert!(resp2("unordered [any a]", ab) && resp2("unordered [/*/ b]", ab));
        assert!(resp2("sample 2 [a b c]", ab) && !resp2("sample 1 [a b]", ab));
        let aa = "*2\r\n$1\r\na\r\n$1\r\na\r\n";
        assert!(resp2("picks 2 [a b]", aa) && !resp2("sample 2 [a b]", aa));
        assert!(resp2("one of [a b]", "$1\r\nb\r\n") && !resp2("one of [a b]", "$1\r\nc\r\n"));
        let numbers = "*2\r\n$1\r\n1\r\n$1\r\n2\r\n";
        assert!(resp2("[$(range 1 2)]", numbers) && !resp2("[$(range 1 3)]", numbers));
        assert!(resp2("[-\"ERR a\" [nil]]", "*2\r\n-ERR a\r\n*1\r\n$-1\r\n"));
        let map = "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n";
        assert!(resp3("{+\"b\" 2 +\"a\" 1}", map) && resp3("{+\"b\" 2 ...}", map));
        assert!(!resp3("{+\"b\" 1 +\"a\" 2}", map));
    }

    #[test]
    fn numbers_times_and_captures() {
        assert!(
            resp2("58..60", ":60\r\n") && !resp2("58..60", ":61\r\n") && resp2("1..", ":9\r\n")
        );
        assert!(resp2("$(now)..$(now+5)", ":15\r\n") && resp2("$(now_ms)", ":10000\r\n"));
        let mut scope = Scope::default();
        let pattern = Pattern::parse("[$cursor=any unordered [a]]").unwrap();
        let (reply, _) = decode(b"*2\r\n$1\r\n7\r\n*1\r\n$1\r\na\r\n").unwrap().unwrap();
        assert!(pattern.check(&reply, &mut scope, Protocol::Resp2).unwrap());
        assert_eq!(scope.vars["cursor"].int().unwrap(), 7);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for text in
            ["", "[a", "a b", "{a}", "[... a]", "one", "sample [a]", "$x", ",abc", "$(id a b)"]
        {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert_eq!(open_brackets("[a [b \"]\""), 2);
        assert_eq!(open_brackets("-ERR [x"), 0);
    }

    #[test]
    fn every_shown_reply_is_read_back_as_itself() {
        for wire in [
            "+OK\r\n",
            "+a b\r\n",
            "-ERR x\r\n",
            ":5\r\n",
            "$3\r\nnil\r\n",
            "$1\r\n5\r\n",
            "$0\r\n\r\n",
            "_\r\n",
            "#f\r\n",
            ",inf\r\n",
            "=5\r\ntxt:x\r\n",
            "*1\r\n-E \"q\"\r\n",
            "$4\r\na[]b\r\n",
            "$2\r\n\\\"\r\n",
            "$7\r\nb'7'/x$\r\n",
            "%1\r\n+a\r\n*0\r\n",
        ] {
            let (reply, _) = decode(wire.as_bytes()).unwrap().unwrap();
            assert!(resp3(&reply.to_string(), wire), "{wire:?} shown as {reply}");
        }
    }
}
