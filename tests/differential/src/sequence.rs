//! A sequence of steps, and the text it is printed as and read back from.
//!
//! The text is that of `.rtest` files: `> SET k v`, `b> BLPOP l 0` and `advance 5ms`. It must not know what is done
//! with a sequence.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rtest::reply::quote;
use rtest::words::{Scope, split};

/// What is done at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// A request.
    Send(Vec<Vec<u8>>),
    /// A request over a second connection. It may wait: then it is unblocked before the next of
    /// its kind, or at the end.
    Beside(Vec<Vec<u8>>),
    /// Time passes.
    Pass(Duration),
}

/// Steps over one connection, and some beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sequence {
    /// Whether the connection speaks RESP3.
    pub(crate) resp3: bool,
    /// Settings that differ from the defaults.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) steps: Vec<Step>,
}

impl Sequence {
    /// Reads what [`Sequence`]'s `Display` writes.
    ///
    /// # Errors
    /// With the line that is none of these.
    pub(crate) fn parse(text: &str) -> Result<Sequence> {
        let mut sequence = Sequence::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            match kind {
                "#" => {}
                "resp3" => sequence.resp3 = true,
                "config" => {
                    let (name, value) =
                        rest.split_once(' ').with_context(|| format!("{line}: what value?"))?;
                    sequence.settings.push((name.to_owned(), value.to_owned()));
                }
                "b>" => sequence.steps.push(Step::Beside(words(rest)?)),
                ">" => sequence.steps.push(Step::Send(words(rest)?)),
                "advance" => {
                    let ms = rest.trim_end_matches("ms").parse().context(line.to_owned())?;
                    sequence.steps.push(Step::Pass(Duration::from_millis(ms)));
                }
                _ => bail!("{line}: a line begins with resp3, config, >, b>, advance or #"),
            }
        }
        Ok(sequence)
    }
}

fn words(line: &str) -> Result<Vec<Vec<u8>>> {
    let scope = Scope::default();
    split(line)?.iter().map(|template| template.bytes(&scope)).collect()
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resp3 {
            writeln!(f, "resp3")?;
        }
        for (name, value) in &self.settings {
            writeln!(f, "config {name} {value}")?;
        }
        for step in &self.steps {
            match step {
                Step::Send(words) => writeln!(f, "> {}", line_of(words))?,
                Step::Beside(words) => writeln!(f, "b> {}", line_of(words))?,
                Step::Pass(time) => writeln!(f, "advance {}ms", time.as_millis())?,
            }
        }
        Ok(())
    }
}

/// A request in one line, quoted as `redis-cli` reads it.
pub(crate) fn line_of(words: &[Vec<u8>]) -> String {
    let bare = |b: &u8| b.is_ascii_alphanumeric() || b"_:@.-|%&!?*+#~[(<>=/,".contains(b);
    let word = |word: &Vec<u8>| match !word.is_empty() && word.iter().all(bare) {
        true => String::from_utf8_lossy(word).into_owned(),
        false => quote(word),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_from_its_text() {
        let words = |line: &[&[u8]]| Step::Send(line.iter().map(|w| w.to_vec()).collect());
        let sequence = Sequence {
            resp3: true,
            settings: vec![("hash-max-listpack-entries".into(), "3".into())],
            steps: vec![
                words(&[b"SET", b"k", b"", b"a b\r\n\"\xff"]),
                Step::Pass(Duration::from_millis(5)),
                Step::Beside(vec![b"BLPOP".to_vec(), b"l".to_vec(), b"0".to_vec()]),
                words(&[b"XADD", b"s", b"1-*", b"$x", b"'"]),
            ],
        };
        assert_eq!(Sequence::parse(&sequence.to_string()).unwrap(), sequence);
    }
}
