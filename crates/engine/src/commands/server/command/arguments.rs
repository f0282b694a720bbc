//! A command's arguments as a tree, read from the syntax line of its SPEC.
//!
//! ```text
//! sequence  = { item }
//! item      = WORD | name | "[" choices "]" | "<" choices ">"      a repeated item ends in "..."
//! choices   = sequence { "|" sequence }
//! ```
//! `[…]` is optional, `<…>` is not; `key [key ...]` is one or more keys; a WORD with names after it
//! is their token. Knows no command.

use crate::spec::Spec;

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    /// The word before it.
    pub(crate) token: Option<String>,
    pub(crate) shape: Shape,
    pub(crate) optional: bool,
    pub(crate) multiple: bool,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Only its token.
    Token,
    /// A value of this type.
    Value(&'static str),
    /// One of several.
    OneOf(Vec<Argument>),
    /// Several, one after the other.
    Block(Vec<Argument>),
}

impl Shape {
    /// The type as `COMMAND DOCS` names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Shape::Token => "pure-token",
            Shape::Value(name) => name,
            Shape::OneOf(_) => "oneof",
            Shape::Block(_) => "block",
        }
    }
}

/// The arguments of a command.
pub(crate) fn arguments_of(spec: &Spec) -> Vec<Argument> {
    let mut words = Vec::new();
    for word in spec.syntax.split_whitespace() {
        cut(word, &mut words);
    }
    Parser { words: &words, at: 0 }.sequence()
}

/// Cuts brackets off a word.
fn cut<'s>(mut word: &'s str, words: &mut Vec<&'s str>) {
    while !word.is_empty() {
        let bracket = |c: char| matches!(c, '[' | ']' | '<' | '>');
        let end = match word.find(bracket) {
            Some(0) => 1,
            Some(at) => at,
            None => word.len(),
        };
        words.push(&word[..end]);
        word = &word[end..];
    }
}

struct Parser<'w> {
    words: &'w [&'w str],
    at: usize,
}

impl Parser<'_> {
    fn sequence(&mut self) -> Vec<Argument> {
        let mut list: Vec<Argument> = Vec::new();
        while let Some(&word) = self.words.get(self.at) {
            match word {
                "]" | ">" | "|" => break,
                "..." => self.at += 1,
                "[" | "<" => self.group(word == "[", &mut list),
                word if is_token(word) => list.push(self.token(word)),
                word => {
                    self.at += 1;
                    list.push(value(word));
                }
            }
        }
        list
    }

    /// A group in brackets; one that repeats what stands before it makes that multiple.
    fn group(&mut self, optional: bool, list: &mut Vec<Argument>) {
        self.at += 1;
        let begin = self.at;
        let mut choices = vec![self.sequence()];
        while self.words.get(self.at) == Some(&"|") {
            self.at += 1;
            choices.push(self.sequence());
        }
        let repeats = self.at > begin && self.words[self.at - 1] == "...";
        self.at += 1;
        if let (true, [again]) = (repeats, &choices[..])
            && ends_with(list, again)
        {
            let mut repeated = one(list.split_off(list.len() - again.len()));
            repeated.multiple = true;
            list.push(repeated);
            return;
        }
        let mut argument = match choices.len() {
            1 => one(choices.remove(0)),
            _ => {
                let choices: Vec<_> = choices.into_iter().map(one).collect();
                let name = choices.first().map_or_else(String::new, |first| first.name.clone());
                plain(&name, Shape::OneOf(choices))
            }
        };
        argument.optional |= optional;
        argument.multiple |= repeats;
        list.push(argument);
    }

    /// A word, and the names after it up to the next word or bracket.
    fn token(&mut self, word: &str) -> Argument {
        self.at += 1;
        let mut values = Vec::new();
        let takes_values = word.starts_with(char::is_alphabetic);
        while let Some(&next) = self.words.get(self.at).filter(|_| takes_values) {
            if is_token(next) || matches!(next, "[" | "]" | "<" | ">" | "|" | "...") {
                break;
            }
            self.at += 1;
            values.push(value(next));
        }
        let chosen = values.is_empty() && self.words.get(self.at) == Some(&"<");
        if chosen {
            self.group(false, &mut values);
        }
        let mut argument = match values.len() {
            0 => plain(&name_of_token(word), Shape::Token),
            1 => values.remove(0),
            _ => plain(&word.to_lowercase(), Shape::Block(values)),
        };
        argument.token = Some(word.to_owned());
        argument
    }
}

/// Whether the last arguments are these; only the first of them may have a token that does not
/// come again.
fn ends_with(list: &[Argument], again: &[Argument]) -> bool {
    let Some(from) = list.len().checked_sub(again.len()) else { return false };
    list[from..].iter().zip(again).enumerate().all(|(at, (before, again))| {
        let mut before = before.clone();
        if at == 0 {
            before.token.clone_from(&again.token);
        }
        before == *again
    })
}

/// One argument of a sequence.
fn one(mut sequence: Vec<Argument>) -> Argument {
    if sequence.len() == 1 {
        return sequence.remove(0);
    }
    let name = sequence.first().map_or_else(String::new, |first| first.name.clone());
    plain(&name, Shape::Block(sequence))
}

fn plain(name: &str, shape: Shape) -> Argument {
    let name = name.to_owned();
    Argument { name, token: None, shape, optional: false, multiple: false }
}

fn value(name: &str) -> Argument {
    let kind = match name {
        "key" | "newkey" | "destination" | "source" => "key",
        "pattern" => "pattern",
        "seconds" | "milliseconds" | "count" | "numkeys" | "index" | "start" | "stop" | "end"
        | "offset" | "rank" | "maxlen" | "num-matches" | "len" | "limit" | "cursor" | "bit"
        | "protover" | "timestamp" | "client-id" | "version" | "numlocal" | "numreplicas"
        | "decrement" | "min-match-len" | "ms" | "entries-read" | "entries-added"
        | "destination-db" | "db" | "index1" | "index2" | "weight" => "integer",
        "unix-time-seconds" | "unix-time-milliseconds" => "unix-time",
        "timeout" | "increment-float" | "longitude" | "latitude" | "radius" | "width"
        | "height" | "score" => "double",
        _ => "string",
    };
    plain(name, Shape::Value(kind))
}

/// Words stand in capitals, or are signs.
fn is_token(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase()) || matches!(word, "*" | "=" | "~" | "$")
}

/// What a word is called that has no value after it.
fn name_of_token(word: &str) -> String {
    match word {
        "*" => "auto-id".into(),
        "$" => "new-id".into(),
        "=" => "equal".into(),
        "~" => "approximately".into(),
        word => word.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(syntax: &'static str) -> String {
        let spec = Spec { syntax, ..Spec::BASE };
        arguments_of(&spec).iter().map(show).collect::<Vec<_>>().join(" ")
    }

    fn show(argument: &Argument) -> String {
        let join = |list: &[Argument], with| list.iter().map(show).collect::<Vec<_>>().join(with);
        let inner = match &argument.shape {
            Shape::Token => String::new(),
            Shape::Value(kind) => format!("{}:{kind}", argument.name),
            Shape::OneOf(list) => format!("<{}>", join(list, "|")),
            Shape::Block(list) => format!("({})", join(list, " ")),
        };
        let token = argument.token.as_deref().unwrap_or_default();
        let marks = [(argument.optional, "?"), (argument.multiple, "*")];
        let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| *mark).collect();
        format!("{token}{inner}{marks}")
    }

    #[test]
    fn syntax_becomes_a_tree() {
        for (syntax, tree) in [
            ("", ""),
            ("key value", "key:key value:string"),
            ("key [key ...]", "key:key*"),
            ("[channel [channel ...]]", "channel:string?*"),
            ("key value [key value ...]", "(key:key value:string)*"),
            ("[NX | XX] [GET]", "<NX|XX>? GET?"),
            ("[EX seconds | KEEPTTL]", "<EXseconds:integer|KEEPTTL>?"),
            ("[LIMIT offset count]", "LIMIT(offset:integer count:integer)?"),
            ("key <LEFT | RIGHT> [COUNT count]", "key:key <LEFT|RIGHT> COUNTcount:integer?"),
            ("[TYPE <A | B>] [ID id [id ...]]", "TYPE<A|B>? IDid:string?*"),
            ("<A | B> [= | ~] count <* | id>", "<A|B> <=|~>? count:integer <*|id:string>"),
        ] {
            assert_eq!(shown(syntax), tree, "{syntax}");
        }
    }
}
