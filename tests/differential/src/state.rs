//! Reads everything that a server holds, in rounds of requests that all peers get alike.
//!
//! Each reply is compared by the caller; a round is made of what the one before it has told. It must
//! not know how replies are compared.

use std::collections::BTreeSet;

use rtest::reply::Reply;

use crate::play::{Row, words};

/// Databases that sequences use.
pub(crate) const DATABASES: u8 = 3;

/// What is asked next.
enum Round {
    Keys(Vec<Vec<Vec<u8>>>),
    Types,
    Values,
    Fields,
    End,
}

/// A key as it was met.
pub(crate) struct Key {
    pub(crate) db: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) type_of: Vec<u8>,
    pub(crate) has_ttl: bool,
    fields: Vec<Vec<u8>>,
}

/// The way through all databases and keys.
pub(crate) struct Reader {
    round: Round,
    keys: Vec<Key>,
}

impl Reader {
    /// A reader that begins with some requests of the caller's.
    pub(crate) fn new(opening: Vec<Vec<Vec<u8>>>) -> Reader {
        Reader { round: Round::Keys(opening), keys: Vec::new() }
    }

    /// The next round's requests.
    pub(crate) fn next_requests(&mut self) -> Option<Vec<Vec<Vec<u8>>>> {
        let requests = match &self.round {
            Round::Keys(opening) => {
                let mut requests = opening.clone();
                for db in 0..DATABASES {
                    requests.push(words(&["SELECT", &db.to_string()]));
                    requests.push(words(&["KEYS", "*"]));
                }
                requests
            }
            Round::Types => self.each(|key| {
                vec![
                    on(&["TYPE"], &key.name, &[]),
                    on(&["OBJECT", "ENCODING"], &key.name, &[]),
                    on(&["PEXPIRETIME"], &key.name, &[]),
                    on(&["DEBUG", "DIGEST-VALUE"], &key.name, &[]),
                ]
            }),
            Round::Values => self.each(value_requests),
            Round::Fields => self.each(field_requests),
            Round::End => return None,
        };
        Some(requests)
    }

    /// Takes the replies of a round.
    pub(crate) fn take(&mut self, requests: &[Vec<Vec<u8>>], rows: &[Row]) {
        self.round = match std::mem::replace(&mut self.round, Round::End) {
            Round::Keys(_) => {
                self.take_keys(requests, rows);
                Round::Types
            }
            Round::Types => {
                let types = replies_to(b"TYPE", requests, rows);
                for (key, reply) in self.keys.iter_mut().zip(types) {
                    key.type_of = reply.bytes().unwrap_or_default();
                }
                let deadlines = replies_to(b"PEXPIRETIME", requests, rows);
                for (key, reply) in self.keys.iter_mut().zip(deadlines) {
                    key.has_ttl = matches!(reply, Reply::Int(at) if *at >= 0);
                }
                Round::Values
            }
            Round::Values => {
                let hashes = self.keys.iter_mut().filter(|key| key.type_of == b"hash");
                for (key, reply) in hashes.zip(replies_to(b"HGETALL", requests, rows)) {
                    key.fields = fields_of(reply);
                }
                Round::Fields
            }
            Round::Fields | Round::End => Round::End,
        };
    }

    /// The keys that were met.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn take_keys(&mut self, requests: &[Vec<Vec<u8>>], rows: &[Row]) {
        let lists = requests.iter().zip(rows).filter(|(request, _)| request[0] == b"KEYS");
        for (db, (_, row)) in (0..).zip(lists) {
            let names: BTreeSet<Vec<u8>> = match &row[0] {
                Reply::Array(names) => names.iter().filter_map(Reply::bytes).collect(),
                _ => BTreeSet::new(),
            };
            self.keys.extend(names.into_iter().map(|name| Key {
                db,
                name,
                type_of: Vec::new(),
                has_ttl: false,
                fields: Vec::new(),
            }));
        }
    }

    /// Requests about every key, each in its database.
    fn each(&self, about: impl Fn(&Key) -> Vec<Vec<Vec<u8>>>) -> Vec<Vec<Vec<u8>>> {
        let mut requests = Vec::new();
        let mut selected = None;
        for key in &self.keys {
            if selected != Some(key.db) {
                requests.push(words(&["SELECT", &key.db.to_string()]));
                selected = Some(key.db);
            }
            requests.extend(about(key));
        }
        requests
    }
}

fn on(name: &[&str], key: &[u8], rest: &[&str]) -> Vec<Vec<u8>> {
    let mut request = words(name);
    request.push(key.to_vec());
    request.extend(words(rest));
    request
}

fn value_requests(key: &Key) -> Vec<Vec<Vec<u8>>> {
    let name = &key.name;
    match key.type_of.as_slice() {
        b"string" => vec![on(&["GET"], name, &[])],
        b"list" => vec![on(&["LRANGE"], name, &["0", "-1"])],
        b"set" => vec![on(&["SMEMBERS"], name, &[])],
        b"hash" => vec![on(&["HGETALL"], name, &[])],
        b"zset" => vec![on(&["ZRANGE"], name, &["0", "-1", "WITHSCORES"])],
        b"stream" => vec![
            on(&["XRANGE"], name, &["-", "+"]),
            on(&["XINFO", "STREAM"], name, &["FULL", "COUNT", "0"]),
        ],
        _ => Vec::new(),
    }
}

fn field_requests(key: &Key) -> Vec<Vec<Vec<u8>>> {
    if key.fields.is_empty() {
        return Vec::new();
    }
    let mut request = on(&["HPEXPIRETIME"], &key.name, &["FIELDS", &key.fields.len().to_string()]);
    request.extend(key.fields.iter().cloned());
    vec![request]
}

/// Larder's replies to the requests of one command.
fn replies_to<'r>(
    name: &'static [u8],
    requests: &'r [Vec<Vec<u8>>],
    rows: &'r [Row],
) -> impl Iterator<Item = &'r Reply> {
    let both = requests.iter().zip(rows);
    both.filter(move |(request, _)| request[0] == name).map(|(_, row)| &row[0])
}

fn fields_of(reply: &Reply) -> Vec<Vec<u8>> {
    match reply {
        Reply::Map(pairs) => pairs.iter().filter_map(|(field, _)| field.bytes()).collect(),
        Reply::Array(items) => items.iter().step_by(2).filter_map(Reply::bytes).collect(),
        _ => Vec::new(),
    }
}
