//! The settings with a grammar of their own: save points, bind addresses, output-buffer limits,
//! event letters, percentiles, out-of-memory scores.
//!
//! Each has a `parse_…` from words to its value and a `show_…` back to the text of `CONFIG GET`.
//! The types here are what the engine, the net and the host read. No parameter's name is known.

use std::net::IpAddr;
use std::sync::Arc;

use super::kind::{Reason, integer, memory};

/// A snapshot is due after `seconds` if at least `changes` keys changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot.
    pub seconds: u64,
    /// Changes since the last snapshot.
    pub changes: u64,
}

/// One address of `bind`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindAddress {
    text: String,
}

/// Where a [`BindAddress`] points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindHost<'a> {
    /// Every IPv4 address of the machine (`*`).
    AnyV4,
    /// Every IPv6 address of the machine (`::*`).
    AnyV6,
    /// One address.
    Ip(IpAddr),
    /// A name to be resolved.
    Name(&'a str),
}

impl BindAddress {
    /// The address `text`; a leading `-` makes it optional.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// True if a machine without this address, or without its family, may do without.
    ///
    /// An address that is in use is an error all the same.
    #[must_use]
    pub fn optional(&self) -> bool {
        self.text.starts_with('-')
    }

    /// Where to listen.
    #[must_use]
    pub fn host(&self) -> BindHost<'_> {
        match self.text.strip_prefix('-').unwrap_or(&self.text) {
            "*" => BindHost::AnyV4,
            "::*" => BindHost::AnyV6,
            name => name.parse().map_or(BindHost::Name(name), BindHost::Ip),
        }
    }

    /// True if only this machine reaches the address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host() {
            BindHost::Ip(ip) => ip.is_loopback(),
            BindHost::Name(name) => name.eq_ignore_ascii_case("localhost"),
            BindHost::AnyV4 | BindHost::AnyV6 => false,
        }
    }

    /// The address as it was written, with its `-`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Clients by the way their replies pile up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientClass {
    /// Clients that ask and read.
    Normal = 0,
    /// Replicas.
    Replica = 1,
    /// Clients with at least one subscription.
    PubSub = 2,
}

impl ClientClass {
    /// All classes, in the order in which `CONFIG GET` shows them.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Replica, Self::PubSub];

    pub(super) fn from_word(word: &[u8]) -> Option<Self> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Some(Self::Normal),
            b"slave" | b"replica" => Some(Self::Replica),
            b"pubsub" => Some(Self::PubSub),
            _ => None,
        }
    }
}

/// When a client that does not read its replies is closed. Zero means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Closed at once above this many bytes.
    pub hard_bytes: u64,
    /// Closed after `soft_seconds` above this many bytes.
    pub soft_bytes: u64,
    /// How long the soft limit may be exceeded.
    pub soft_seconds: u64,
}

/// An [`OutputLimit`] for each [`ClientClass`].
pub type OutputLimits = [OutputLimit; 3];

/// The bits of `notify-keyspace-events`.
pub mod notify {
    /// `K`: `__keyspace@<db>__` channels.
    pub const KEYSPACE: i64 = 1 << 0;
    /// `E`: `__keyevent@<db>__` channels.
    pub const KEYEVENT: i64 = 1 << 1;
    /// `g`: commands of no type, such as DEL, EXPIRE, RENAME.
    pub const GENERIC: i64 = 1 << 2;
    /// `$`: strings.
    pub const STRING: i64 = 1 << 3;
    /// `l`: lists.
    pub const LIST: i64 = 1 << 4;
    /// `s`: sets.
    pub const SET: i64 = 1 << 5;
    /// `h`: hashes.
    pub const HASH: i64 = 1 << 6;
    /// `z`: sorted sets.
    pub const ZSET: i64 = 1 << 7;
    /// `x`: keys that expired.
    pub const EXPIRED: i64 = 1 << 8;
    /// `e`: keys that were evicted.
    pub const EVICTED: i64 = 1 << 9;
    /// `t`: streams.
    pub const STREAM: i64 = 1 << 10;
    /// `m`: reads of keys that do not exist; not part of `A`.
    pub const KEY_MISS: i64 = 1 << 11;
    /// `d`: types of modules.
    pub const MODULE: i64 = 1 << 13;
    /// `n`: keys that came into being; not part of `A`.
    pub const NEW: i64 = 1 << 14;
    /// `A`: all of `g$lshzxetd`.
    pub const ALL: i64 =
        GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;
}

const NOTIFY_LETTERS: [(u8, i64); 10] = [
    (b'g', notify::GENERIC),
    (b'$', notify::STRING),
    (b'l', notify::LIST),
    (b's', notify::SET),
    (b'h', notify::HASH),
    (b'z', notify::ZSET),
    (b'x', notify::EXPIRED),
    (b'e', notify::EVICTED),
    (b't', notify::STREAM),
    (b'd', notify::MODULE),
];

const NOTIFY_MORE: [(u8, i64); 4] = [
    (b'n', notify::NEW),
    (b'K', notify::KEYSPACE),
    (b'E', notify::KEYEVENT),
    (b'm', notify::KEY_MISS),
];

const MAX_BIND_ADDRESSES: usize = 16;

pub(super) fn parse_save(words: &[&[u8]]) -> Result<Arc<[SavePoint]>, Reason> {
    if let [b""] | [] = words {
        return Ok([].into());
    }
    let (pairs, rest) = words.as_chunks::<2>();
    let points = pairs.iter().map(|[seconds, changes]| {
        let seconds = integer(seconds).and_then(|n| u64::try_from(n).ok()).filter(|n| *n >= 1)?;
        let changes = integer(changes).and_then(|n| u64::try_from(n).ok())?;
        Some(SavePoint { seconds, changes })
    });
    match points.collect::<Option<Arc<[_]>>>() {
        Some(points) if rest.is_empty() => Ok(points),
        _ => Err("Invalid save parameters".into()),
    }
}

pub(super) fn show_save(points: &[SavePoint]) -> String {
    joined(points.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
}

pub(super) fn parse_bind(words: &[&[u8]]) -> Result<Arc<[BindAddress]>, Reason> {
    if words.len() > MAX_BIND_ADDRESSES {
        return Err("Too many bind addresses specified.".into());
    }
    if let [b""] = words {
        return Ok([].into());
    }
    words
        .iter()
        .map(|word| match std::str::from_utf8(word) {
            Ok(text) if !text.is_empty() && text != "-" => Ok(BindAddress::new(text)),
            _ => Err("Failed to bind to specified addresses.".into()),
        })
        .collect()
}

pub(super) fn show_bind(list: &[BindAddress]) -> String {
    joined(list.iter().map(|address| address.text.clone()))
}

pub(super) fn parse_output_limits(
    words: &[&[u8]],
    mut limits: OutputLimits,
) -> Result<OutputLimits, Reason> {
    let (groups, rest) = words.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for [class, hard, soft, seconds] in groups {
        let class = ClientClass::from_word(class)
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let seconds = integer(seconds).and_then(|n| u64::try_from(n).ok());
        let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) =
            (memory(hard), memory(soft), seconds)
        else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit \
                        configuration."
                .into());
        };
        limits[class as usize] = OutputLimit { hard_bytes, soft_bytes, soft_seconds };
    }
    Ok(limits)
}

pub(super) fn show_output_limits(limits: &OutputLimits) -> String {
    joined(ClientClass::ALL.into_iter().map(|class| {
        // The reply keeps the old word for replicas, which tools look for.
        let name = ["normal", "slave", "pubsub"][class as usize];
        let limit = &limits[class as usize];
        format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
    }))
}

pub(super) fn parse_oom_values(words: &[&[u8]]) -> Result<[i32; 3], Reason> {
    let [a, b, c] = words else {
        return Err("wrong number of arguments".into());
    };
    let mut values = [0; 3];
    for (value, word) in values.iter_mut().zip([a, b, c]) {
        *value = integer(word)
            .and_then(|n| i32::try_from(n).ok())
            .filter(|n| (-2000..=2000).contains(n))
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
    }
    Ok(values)
}

pub(super) fn parse_notify(letters: &[u8]) -> Result<i64, Reason> {
    let mut flags = 0;
    for letter in letters {
        let mut known = NOTIFY_LETTERS.iter().chain(&NOTIFY_MORE);
        flags |= match known.find(|(other, _)| other == letter) {
            Some((_, bits)) => *bits,
            None if *letter == b'A' => notify::ALL,
            None => {
                return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
            }
        };
    }
    Ok(flags)
}

/// The letters in their canonical order.
///
/// Redis leaves `n` out beside `A`, so that a rewritten file loses it; here it stays.
pub(super) fn show_notify(flags: i64) -> String {
    let mut text = String::new();
    let all = flags & notify::ALL == notify::ALL;
    if all {
        text.push('A');
    }
    let letters = NOTIFY_LETTERS.iter().filter(|_| !all).chain(&NOTIFY_MORE);
    text.extend(letters.filter(|(_, bits)| flags & bits != 0).map(|(letter, _)| *letter as char));
    text
}

pub(super) fn parse_percentiles(words: &[&[u8]]) -> Result<Arc<[f64]>, Reason> {
    if let [b""] | [] = words {
        return Ok([].into());
    }
    let one = |word: &&[u8]| -> Result<f64, Reason> {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
        match number {
            Some(p) if (0.0..=100.0).contains(&p) => Ok(p),
            Some(p) if !p.is_nan() => {
                Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                    .into())
            }
            _ => Err("Invalid latency-tracking-info-percentiles parameters".into()),
        }
    };
    words.iter().map(one).collect()
}

pub(super) fn show_percentiles(list: &[f64]) -> String {
    joined(list.iter().map(|p| {
        let text = format!("{p:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    }))
}

pub(super) fn parse_replicaof(words: &[&[u8]]) -> Result<Vec<u8>, Reason> {
    let [host, port] = words else {
        return Err("wrong number of arguments".into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Vec::new());
    }
    match integer(port) {
        Some(0..=65535) => Ok([*host, b" ", *port].concat()),
        _ => Err("Invalid master port".into()),
    }
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&[u8]> {
        text.split(' ').map(str::as_bytes).collect()
    }

    #[test]
    fn save_points_come_in_pairs() {
        assert_eq!(show_save(&parse_save(&words("60 0 10 5")).unwrap()), "60 0 10 5");
        assert!(parse_save(&[b""]).unwrap().is_empty());
        for bad in ["3600 1 300", "0 1", "60 -1", "a b", "60  1", " "] {
            assert_eq!(parse_save(&words(bad)).unwrap_err(), "Invalid save parameters", "{bad:?}");
        }
    }

    #[test]
    fn bind_takes_optional_and_any_addresses() {
        let list = parse_bind(&words("127.0.0.1 -::1 * -::* db.lan")).unwrap();
        let seen: Vec<_> = list.iter().map(|a| (a.host(), a.optional(), a.is_loopback())).collect();
        assert_eq!(
            seen,
            [
                (BindHost::Ip("127.0.0.1".parse().unwrap()), false, true),
                (BindHost::Ip("::1".parse().unwrap()), true, true),
                (BindHost::AnyV4, false, false),
                (BindHost::AnyV6, true, false),
                (BindHost::Name("db.lan"), false, false),
            ]
        );
        assert_eq!(show_bind(&list), "127.0.0.1 -::1 * -::* db.lan");
        assert!(parse_bind(&[b""]).unwrap().is_empty());
        assert!(parse_bind(&words("127.0.0.1  -::1")).is_err());
        let many = vec![&b"127.0.0.1"[..]; 17];
        assert_eq!(parse_bind(&many).unwrap_err(), "Too many bind addresses specified.");
    }

    #[test]
    fn a_class_that_is_not_named_keeps_its_limits() {
        let before = parse_output_limits(&words("pubsub 32mb 8mb 60"), Default::default()).unwrap();
        let after = parse_output_limits(&words("normal 1gb 1mb 5 replica 1 2 3"), before).unwrap();
        assert_eq!(
            show_output_limits(&after),
            "normal 1073741824 1048576 5 slave 1 2 3 pubsub 33554432 8388608 60"
        );
        let refused = |text| parse_output_limits(&words(text), before).unwrap_err();
        assert!(refused("normal 1gb 1mb").starts_with("Wrong number of arguments in buffer"));
        assert!(refused("master 1 1 1").starts_with("Invalid client class specified"));
        assert!(refused("normal 1 1 x").starts_with("Error in hard, soft or soft_seconds"));
    }

    #[test]
    fn event_letters_have_one_order() {
        let canonical = |text: &str| parse_notify(text.as_bytes()).map(show_notify);
        assert_eq!(canonical("AKE").unwrap(), "AKE");
        assert_eq!(canonical("EKg$lshzxetd").unwrap(), "AKE");
        assert_eq!(canonical("mEx$").unwrap(), "$xEm");
        assert_eq!(canonical("KEAmn").unwrap(), "AnKEm");
        assert_eq!(canonical("").unwrap(), "");
        assert!(canonical("q").unwrap_err().starts_with("Invalid event class character."));
    }

    #[test]
    fn percentiles_are_shown_without_trailing_zeros() {
        assert_eq!(show_percentiles(&parse_percentiles(&words("1e1 50.000")).unwrap()), "10 50");
        assert_eq!(
            show_percentiles(&parse_percentiles(&words("0.1 33.33333333 100")).unwrap()),
            "0.1 33.333333 100"
        );
        assert!(parse_percentiles(&words("50 101")).unwrap_err().contains("[0.0,100.0]"));
        assert!(parse_percentiles(&words("x")).unwrap_err().starts_with("Invalid"));
    }

    #[test]
    fn out_of_memory_scores_are_three() {
        assert_eq!(parse_oom_values(&words("0 200 800")).unwrap(), [0, 200, 800]);
        assert_eq!(parse_oom_values(&words("1 2")).unwrap_err(), "wrong number of arguments");
        assert!(parse_oom_values(&words("1 2 9000")).is_err());
    }
}
