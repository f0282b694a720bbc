//! Words of a command line as Redis quotes them, with the substitutions of `.rtest` files:
//! `$(now+60)`, `$(now_ms)`, `$(id a)`, `$(repeat x 100)`, `$(range k 1 9)`, `$(name)`.
//!
//! It must not know commands or replies' shapes. Used by `script` for commands and by `pattern`
//! for expected strings.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::reply::Reply;

/// Text with substitutions in it; becomes bytes when its step is played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template(pub Vec<Part>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Bytes that stand for themselves.
    Text(Vec<u8>),
    /// The inside of `$(…)`.
    Expr(Expr),
}

/// The inside of `$(…)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `name`, `name+5`, `now-1`: a variable or the backend's clock, with an offset.
    Name(String, i64),
    /// `id a`: the connection number of client `a`.
    Id(String),
    /// `repeat text n`.
    Repeat(String, usize),
    /// `range [prefix] from to`: as many words as numbers.
    Range(String, i64, i64),
}

/// What a substitution stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number: an integer reply where a reply is expected, its digits inside of text.
    Int(i64),
    /// One string.
    Bytes(Vec<u8>),
    /// Several words.
    Many(Vec<Vec<u8>>),
    /// A reply that an earlier step captured.
    Reply(Reply),
}

/// What names mean while a test is played.
#[derive(Default)]
pub struct Scope {
    /// Captured replies and `let` values.
    pub vars: HashMap<String, Value>,
    /// The backend's clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// Connection numbers by client name.
    pub ids: HashMap<String, i64>,
}

impl Expr {
    /// Reads the inside of `$(…)`.
    ///
    /// # Errors
    /// When it is none of the forms above.
    pub fn parse(text: &str) -> Result<Expr> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let int = |w: &str| w.parse::<i64>().with_context(|| format!("{w} is not a number"));
        Ok(match words[..] {
            ["id", name] => Expr::Id(name.into()),
            ["repeat", text, n] => Expr::Repeat(text.into(), usize::try_from(int(n)?)?),
            ["range", from, to] => Expr::Range(String::new(), int(from)?, int(to)?),
            ["range", prefix, from, to] => Expr::Range(prefix.into(), int(from)?, int(to)?),
            [name] => {
                let split = name.find(['+', '-']).unwrap_or(name.len());
                let offset = if split < name.len() { int(&name[split..])? } else { 0 };
                ensure!(split > 0, "$({text}): a name is missing");
                Expr::Name(name[..split].into(), offset)
            }
            _ => bail!("$({text}): neither a name, nor id, repeat or range"),
        })
    }

    /// The value in `scope`.
    ///
    /// # Errors
    /// When a name is not known there, or an offset is asked of something that is no number.
    pub fn value(&self, scope: &Scope) -> Result<Value> {
        Ok(match self {
            Expr::Id(name) => {
                let id = scope.ids.get(name).ok_or_else(|| anyhow!("no client {name} yet"))?;
                Value::Int(*id)
            }
            Expr::Repeat(text, n) => Value::Bytes(text.repeat(*n).into_bytes()),
            Expr::Range(prefix, from, to) => {
                Value::Many((*from..=*to).map(|n| format!("{prefix}{n}").into_bytes()).collect())
            }
            Expr::Name(name, offset) => {
                let value = match name.as_str() {
                    "now" => Value::Int(scope.now_ms.div_euclid(1000)),
                    "now_ms" => Value::Int(scope.now_ms),
                    _ => {
                        scope.vars.get(name).cloned().ok_or_else(|| anyhow!("no $({name}) yet"))?
                    }
                };
                if *offset == 0 { value } else { Value::Int(value.int()? + offset) }
            }
        })
    }
}

impl Value {
    /// The value as a number.
    ///
    /// # Errors
    /// When it is not one.
    pub fn int(&self) -> Result<i64> {
        match self {
            Value::Int(n) => Ok(*n),
            other => {
                let bytes = other.bytes()?;
                let text = String::from_utf8_lossy(&bytes);
                text.parse().with_context(|| format!("{text:?} is not a number"))
            }
        }
    }

    /// The value as bytes.
    ///
    /// # Errors
    /// When it is several words or an aggregate reply.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Value::Int(n) => Ok(n.to_string().into_bytes()),
            Value::Bytes(b) => Ok(b.clone()),
            Value::Reply(r) => r.bytes().ok_or_else(|| anyhow!("{r} is not one string")),
            Value::Many(_) => bail!("a range is several words: it must stand alone"),
        }
    }
}

impl Template {
    /// A template without substitutions.
    pub fn text(bytes: &[u8]) -> Template {
        Template(vec![Part::Text(bytes.to_vec())])
    }

    /// The bytes in `scope`.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn bytes(&self, scope: &Scope) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Expr(expr) => out.extend_from_slice(&expr.value(scope)?.bytes()?),
            }
        }
        Ok(out)
    }

    /// The words this template stands for: one, unless it is exactly a range.
    ///
    /// # Errors
    /// As [`Expr::value`].
    pub fn words(&self, scope: &Scope) -> Result<Vec<Vec<u8>>> {
        if let [Part::Expr(expr)] = &self.0[..]
            && let Value::Many(words) = expr.value(scope)?
        {
            return Ok(words);
        }
        Ok(vec![self.bytes(scope)?])
    }
}

/// Splits a line as Redis does its inline commands and redis-cli its input.
///
/// # Errors
/// When quotes do not balance, or a substitution cannot be read.
pub fn split(line: &str) -> Result<Vec<Template>> {
    let mut cursor = Cursor { text: line.as_bytes(), at: 0 };
    let mut words = Vec::new();
    loop {
        cursor.skip_space();
        let Some(first) = cursor.peek() else { return Ok(words) };
        words.push(match first {
            b'"' => cursor.double_quoted()?,
            b'\'' => cursor.single_quoted()?,
            _ => cursor.bare(|b| b.is_ascii_whitespace())?,
        });
        ensure!(
            cursor.peek().is_none_or(|b| b.is_ascii_whitespace()),
            "a space must follow a closing quote: {line}"
        );
    }
}

/// A place in a line that is being read.
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) at: usize,
}

impl Cursor<'_> {
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    pub(crate) fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix.as_bytes());
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    pub(crate) fn skip_space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// A run of characters up to one for which `stop` holds.
    pub(crate) fn bare(&mut self, stop: impl Fn(u8) -> bool) -> Result<Template> {
        let mut parts = Builder::default();
        while let Some(b) = self.peek() {
            if stop(b) {
                break;
            }
            if self.take("$(") {
                parts.expr(self.expression()?);
            } else {
                parts.byte(b);
                self.at += 1;
            }
        }
        Ok(parts.done())
    }

    /// A double-quoted string with Redis's escapes; the cursor stands on the opening quote.
    pub(crate) fn double_quoted(&mut self) -> Result<Template> {
        self.delimited(b'"')
    }

    /// Text between two `delimiter`s with Redis's escapes; the cursor stands on the first.
    pub(crate) fn delimited(&mut self, delimiter: u8) -> Result<Template> {
        self.at += 1;
        let mut parts = Builder::default();
        loop {
            let b = self.peek().context("a quote is not closed")?;
            if self.take("$(") {
                parts.expr(self.expression()?);
                continue;
            }
            self.at += 1;
            match b {
                b if b == delimiter => return Ok(parts.done()),
                b'\\' => parts.byte(self.escaped()?),
                b => parts.byte(b),
            }
        }
    }

    fn escaped(&mut self) -> Result<u8> {
        let b = self.peek().context("a quote is not closed")?;
        self.at += 1;
        Ok(match b {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            b'x' => match self.hex_pair() {
                Some(byte) => {
                    self.at += 2;
                    byte
                }
                None => b'x',
            },
            b => b,
        })
    }

    fn hex_pair(&self) -> Option<u8> {
        let pair = self.text.get(self.at..self.at + 2)?;
        u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
    }

    fn single_quoted(&mut self) -> Result<Template> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let b = self.peek().context("a quote is not closed")?;
            self.at += 1;
            match b {
                b'\'' => return Ok(Template::text(&bytes)),
                b'\\' if self.take("'") => bytes.push(b'\''),
                b => bytes.push(b),
            }
        }
    }

    /// The inside of `$(…)`; the cursor stands behind the opening bracket.
    pub(crate) fn expression(&mut self) -> Result<Expr> {
        let len = self.rest().iter().position(|&b| b == b')').context("a $( is not closed")?;
        let inside = String::from_utf8_lossy(&self.rest()[..len]).into_owned();
        self.at += len + 1;
        Expr::parse(&inside)
    }
}

#[derive(Default)]
struct Builder(Vec<Part>);

impl Builder {
    fn byte(&mut self, b: u8) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(b),
            _ => self.0.push(Part::Text(vec![b])),
        }
    }

    fn expr(&mut self, expr: Expr) {
        self.0.push(Part::Expr(expr));
    }

    fn done(self) -> Template {
        Template(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let scope = Scope {
            vars: HashMap::from([("t".into(), Value::Reply(Reply::Bulk(b"40".to_vec())))]),
            now_ms: 5_500,
            ids: HashMap::from([("a".into(), 7)]),
        };
        let words = split(line).unwrap().into_iter().flat_map(|w| w.words(&scope).unwrap());
        words.map(|w| String::from_utf8_lossy(&w).into_owned()).collect()
    }

    #[test]
    fn quotes_as_redis_does() {
        assert_eq!(words(r#"SET "a b\x41\n" 'c\'d\n' """#), ["SET", "a bA\n", "c'd\\n", ""]);
        assert!(split("\"a").is_err());
        assert!(split("\"a\"b").is_err());
    }

    #[test]
    fn substitutes_time_numbers_and_captures() {
        assert_eq!(words("x $(now+60) $(now_ms) k$(id a)"), ["x", "65", "5500", "k7"]);
        assert_eq!(words("$(t) $(t-2) \"<$(t)>\""), ["40", "38", "<40>"]);
        assert_eq!(
            words("$(repeat ab 2) $(range 1 3) $(range k 1 2)"),
            ["abab", "1", "2", "3", "k1", "k2"]
        );
        assert!(split("$(repeat x)").is_err());
        let unknown = split("$(nobody)").unwrap();
        assert!(unknown[0].words(&Scope::default()).is_err());
    }
}
