//! The engine's commands as one thread would run them on two plain maps: obviously right, and slow.
//!
//! Replies are RESP2, as the sessions get them. Knows only what the histories ask for.

use crate::checker::Model;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A request's words.
pub(crate) type Words = Vec<Vec<u8>>;

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// One command.
    Command(Words),
    /// EXEC, with what was queued since MULTI.
    Transaction(Vec<Words>),
    /// A script that runs these and answers what they did.
    Script(Vec<Words>),
}

/// Words written as one line.
pub(crate) fn words(line: &str) -> Words {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// The keyspace, and what each session watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Store {
    strings: BTreeMap<Vec<u8>, Vec<u8>>,
    lists: BTreeMap<Vec<u8>, VecDeque<Vec<u8>>>,
    watches: BTreeMap<usize, Watch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Watch {
    keys: BTreeSet<Vec<u8>>,
    touched: bool,
}

impl Model for Store {
    type Op = Op;

    fn apply(&mut self, session: usize, op: &Op) -> Option<Vec<u8>> {
        match op {
            Op::Command(words) => match self.run(session, words) {
                Reply::Waits => None,
                Reply::Is(bytes) => Some(bytes),
            },
            Op::Script(queue) => Some(self.run_all(session, queue)),
            Op::Transaction(queue) => {
                let watch = self.watches.remove(&session).unwrap_or_default();
                if watch.touched {
                    return Some(b"*-1\r\n".to_vec());
                }
                Some(self.run_all(session, queue))
            }
        }
    }
}

enum Reply {
    Is(Vec<u8>),
    Waits,
}

impl Store {
    /// Runs commands as one.
    fn run_all(&mut self, session: usize, queue: &[Words]) -> Vec<u8> {
        let mut reply = format!("*{}\r\n", queue.len()).into_bytes();
        for words in queue {
            match self.run(session, words) {
                Reply::Is(bytes) => reply.extend(bytes),
                // Nobody waits inside a transaction.
                Reply::Waits if words[0] == b"BLMOVE" => reply.extend(b"$-1\r\n"),
                Reply::Waits => reply.extend(b"*-1\r\n"),
            }
        }
        reply
    }

    fn run(&mut self, session: usize, words: &[Vec<u8>]) -> Reply {
        let rest: Vec<&[u8]> = words[1..].iter().map(Vec::as_slice).collect();
        let name = String::from_utf8_lossy(&words[0]).into_owned();
        Reply::Is(match (name.as_str(), &rest[..]) {
            ("WATCH", keys) => self.watch(session, keys),
            ("GET", [key]) => bulk(self.strings.get(*key)),
            ("MGET", keys) => array(keys.iter().map(|key| bulk(self.strings.get(*key)))),
            ("SET", [key, value]) => self.set(key, value),
            ("SET", [key, value, b"IFEQ", old]) => {
                match self.strings.get(*key).is_some_and(|now| now == old) {
                    true => self.set(key, value),
                    false => bulk(None),
                }
            }
            ("MSET", pairs) => {
                pairs.chunks(2).for_each(|pair| drop(self.set(pair[0], pair[1])));
                b"+OK\r\n".to_vec()
            }
            ("GETSET", [key, value]) => {
                let old = bulk(self.strings.get(*key));
                self.set(key, value);
                old
            }
            ("APPEND", [key, value]) => {
                let all = [self.strings.get(*key).map_or(&[][..], |now| now), value].concat();
                self.set(key, &all);
                integer(all.len())
            }
            ("INCR", [key]) => self.increment(key),
            ("DEL", [key]) => {
                let was = self.strings.remove(*key).is_some() | self.lists.remove(*key).is_some();
                if was {
                    self.touch(key);
                }
                integer(usize::from(was))
            }
            ("LPUSH" | "RPUSH", [key, elements @ ..]) => {
                for element in elements {
                    self.push(key, element, if name == "LPUSH" { "LEFT" } else { "RIGHT" });
                }
                integer(self.lists.get(*key).map_or(0, VecDeque::len))
            }
            ("LPOP", [key]) => bulk(self.pop(key, "LEFT").as_ref()),
            ("RPOP", [key]) => bulk(self.pop(key, "RIGHT").as_ref()),
            ("LRANGE", [key, b"0", b"-1"]) => {
                let elements = self.lists.get(*key).into_iter().flatten();
                array(elements.map(|element| bulk(Some(element))))
            }
            ("LMOVE", [from, to, take, give]) => bulk(self.shift(from, to, take, give).as_ref()),
            ("BLMOVE", [from, to, take, give, b"0"]) => match self.shift(from, to, take, give) {
                Some(element) => bulk(Some(&element)),
                None => return Reply::Waits,
            },
            ("BLPOP", [keys @ .., b"0"]) => {
                let Some(key) = keys.iter().find(|key| self.lists.contains_key(**key)) else {
                    return Reply::Waits;
                };
                array([bulk(Some(&key.to_vec())), bulk(self.pop(key, "LEFT").as_ref())])
            }
            _ => panic!("the model does not know {name} with {} words", rest.len()),
        })
    }

    fn watch(&mut self, session: usize, keys: &[&[u8]]) -> Vec<u8> {
        let watch = self.watches.entry(session).or_default();
        watch.keys.extend(keys.iter().map(|key| key.to_vec()));
        b"+OK\r\n".to_vec()
    }

    fn touch(&mut self, key: &[u8]) {
        for watch in self.watches.values_mut() {
            watch.touched |= watch.keys.contains(key);
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Vec<u8> {
        self.strings.insert(key.to_vec(), value.to_vec());
        self.touch(key);
        b"+OK\r\n".to_vec()
    }

    fn increment(&mut self, key: &[u8]) -> Vec<u8> {
        let text = self.strings.get(key).map_or(&b"0"[..], |now| now);
        match std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => {
                self.set(key, (number + 1).to_string().as_bytes());
                format!(":{}\r\n", number + 1).into_bytes()
            }
            None => b"-ERR value is not an integer or out of range\r\n".to_vec(),
        }
    }

    fn push(&mut self, key: &[u8], element: &[u8], end: &str) {
        let list = self.lists.entry(key.to_vec()).or_default();
        match end {
            "LEFT" => list.push_front(element.to_vec()),
            _ => list.push_back(element.to_vec()),
        }
        self.touch(key);
    }

    fn pop(&mut self, key: &[u8], end: &str) -> Option<Vec<u8>> {
        let list = self.lists.get_mut(key)?;
        let element = if end == "LEFT" { list.pop_front() } else { list.pop_back() };
        if list.is_empty() {
            self.lists.remove(key);
        }
        self.touch(key);
        element
    }

    fn shift(&mut self, from: &[u8], to: &[u8], take: &[u8], give: &[u8]) -> Option<Vec<u8>> {
        let element = self.pop(from, std::str::from_utf8(take).ok()?)?;
        self.push(to, &element, std::str::from_utf8(give).ok()?);
        Some(element)
    }
}

fn integer(number: usize) -> Vec<u8> {
    format!(":{number}\r\n").into_bytes()
}

fn bulk(bytes: Option<&Vec<u8>>) -> Vec<u8> {
    match bytes {
        None => b"$-1\r\n".to_vec(),
        Some(bytes) => [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
    }
}

fn array(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.into_iter().collect();
    [format!("*{}\r\n", items.len()).into_bytes(), items.concat()].concat()
}
