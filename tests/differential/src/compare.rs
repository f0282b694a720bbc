//! Whether two replies to the same request mean the same.
//!
//! What a reply leaves open (an order, a choice, a time) stands in the command's tips, as clients
//! and proxies read them; what they do not tell is in [`rule`]. It must not know any server.

use larder_engine::commands::{find, find_subcommand};
use larder_engine::spec::Spec;
use rtest::reply::Reply;

/// Numbers from here on may be times; the generator makes no smaller ones that pass.
const LEAST_TIME: i64 = 5000;
/// Names of fields that hold how long ago something was, or when.
const TIMES: &[&[u8]] = &[b"idle", b"inactive", b"seen-time", b"active-time"];
/// Names of fields that tell how a server is built inside.
const INNER: &[&[u8]] = &[b"radix-tree-nodes"];
/// How far two measured times may be apart.
const LEEWAY_MS: i64 = 20_000;

/// How replies of a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Byte by byte.
    Exact,
    /// Elements in any order.
    Unordered,
    /// Pairs of elements in any order.
    UnorderedPairs,
    /// A cursor that means nothing to others, and elements in any order.
    Page,
    /// The same with pairs.
    PageOfPairs,
    /// Only the shape: the choice is free.
    Chosen,
    /// Times of the two may be a little apart.
    Timed,
    /// Everything is open but whether it fails.
    Open,
}

/// Whether two replies to a request mean the same.
pub(crate) fn same(words: &[Vec<u8>], left: &Reply, right: &Reply) -> bool {
    if left == right {
        return true;
    }
    match rule(words) {
        Rule::Exact => false,
        Rule::Unordered => sorted(left) == sorted(right),
        Rule::UnorderedPairs => sorted_pairs(left) == sorted_pairs(right),
        Rule::Page => page(left, sorted) == page(right, sorted),
        Rule::PageOfPairs => page(left, sorted_pairs) == page(right, sorted_pairs),
        Rule::Chosen => same_shape(left, right),
        Rule::Timed => same_but_times(left, right),
        Rule::Open => !matches!(left, Reply::Error(_)) && !matches!(right, Reply::Error(_)),
    }
}

/// The same for the reply to EXEC, given what was queued.
pub(crate) fn same_exec(queued: &[Vec<Vec<u8>>], left: &Reply, right: &Reply) -> bool {
    match (left, right) {
        (Reply::Array(left), Reply::Array(right))
            if left.len() == right.len() && left.len() == queued.len() =>
        {
            queued.iter().zip(left.iter().zip(right)).all(|(words, (l, r))| same(words, l, r))
        }
        _ => left == right,
    }
}

/// The spec of a request's command or subcommand, and the name of both.
pub(crate) fn spec_of(words: &[Vec<u8>]) -> Option<(&'static Spec, String)> {
    let entry = find(words.first()?)?;
    if let Some(sub) = words.get(1).and_then(|word| find_subcommand(entry, word)) {
        return Some((sub.spec, format!("{} {}", entry.spec.name, sub.spec.name)));
    }
    Some((entry.spec, entry.spec.name.to_owned()))
}

fn rule(words: &[Vec<u8>]) -> Rule {
    let Some((spec, name)) = spec_of(words) else { return Rule::Exact };
    let has = |keyword: &str| words.iter().any(|w| w.eq_ignore_ascii_case(keyword.as_bytes()));
    let tip = |tip: &str| spec.tips.contains(&tip);
    match name.as_str() {
        "hgetall" => Rule::UnorderedPairs,
        "smembers" | "sinter" | "sunion" | "sdiff" | "hkeys" | "hvals" => Rule::Unordered,
        // Popping is only ever asked for everything.
        "spop" => Rule::Unordered,
        "hscan" if has("novalues") => Rule::Page,
        "zscan" if has("noscores") => Rule::Page,
        "hscan" | "zscan" => Rule::PageOfPairs,
        "scan" | "sscan" => Rule::Page,
        // What has the same weight comes in the order of the set, so that a LIMIT may cut anywhere.
        "sort" | "sort_ro" if has("by") && has("limit") && !has("store") => Rule::Chosen,
        // Without a sorting the order is that of the set.
        "sort" | "sort_ro" => Rule::Unordered,
        "memory usage" | "dump" | "lolwut" => Rule::Open,
        "srandmember" | "hrandfield" | "zrandmember" | "randomkey" => Rule::Chosen,
        "xinfo stream" | "httl" | "hpttl" | "pexpiretime" | "expiretime" | "hexpiretime"
        | "hpexpiretime" => Rule::Timed,
        _ if tip("nondeterministic_output") => Rule::Timed,
        _ if tip("nondeterministic_output_order") => Rule::Unordered,
        _ => Rule::Exact,
    }
}

fn sorted(reply: &Reply) -> Reply {
    let sort = |items: &[Reply]| {
        let mut items: Vec<Reply> = items.iter().map(sorted).collect();
        items.sort_by_cached_key(|item| format!("{item:?}"));
        items
    };
    match reply {
        Reply::Array(items) => Reply::Array(sort(items)),
        Reply::Set(items) => Reply::Set(sort(items)),
        other => other.clone(),
    }
}

fn sorted_pairs(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) if items.len().is_multiple_of(2) => {
            let pairs = items.chunks(2).map(|pair| Reply::Array(pair.to_vec())).collect();
            let mut pairs: Vec<Reply> = pairs;
            pairs.sort_by_cached_key(|item| format!("{item:?}"));
            Reply::Array(pairs)
        }
        Reply::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_cached_key(|pair| format!("{pair:?}"));
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

fn page(reply: &Reply, sort: fn(&Reply) -> Reply) -> Reply {
    match reply {
        Reply::Array(parts) if parts.len() == 2 => sort(&parts[1]),
        other => other.clone(),
    }
}

fn same_shape(left: &Reply, right: &Reply) -> bool {
    match (left, right) {
        (Reply::Array(l), Reply::Array(r)) | (Reply::Set(l), Reply::Set(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same_shape(l, r))
        }
        (Reply::Error(l), Reply::Error(r)) => l == r,
        (Reply::Map(l), Reply::Map(r)) => l.len() == r.len(),
        (l, r) => std::mem::discriminant(l) == std::mem::discriminant(r),
    }
}

fn same_but_times(left: &Reply, right: &Reply) -> bool {
    match (left, right) {
        (Reply::Int(l), Reply::Int(r)) => {
            let leeway = LEEWAY_MS.min((l / 1000).max(1) + LEEWAY_MS / 10);
            let near = l.abs_diff(*r) <= leeway.unsigned_abs();
            l == r || (*l >= LEAST_TIME && *r >= LEAST_TIME && near)
        }
        (Reply::Array(l), Reply::Array(r)) => {
            l.len() == r.len() && (0..l.len()).all(|at| same_element(l, r, at))
        }
        (Reply::Map(l), Reply::Map(r)) => {
            l.len() == r.len()
                && l.iter().zip(r).all(|((lk, lv), (rk, rv))| {
                    lk == rk && (may_differ(lk, lv, rv) || same_but_times(lv, rv))
                })
        }
        (l, r) => l == r,
    }
}

/// An element of a list, or the value after its name in one that RESP2 flattens.
fn same_element(left: &[Reply], right: &[Reply], at: usize) -> bool {
    let named = at > 0 && may_differ(&left[at - 1], &left[at], &right[at]);
    named || same_but_times(&left[at], &right[at])
}

/// Whether two values of a field may differ.
fn may_differ(name: &Reply, left: &Reply, right: &Reply) -> bool {
    let (Reply::Bulk(name), Reply::Int(left), Reply::Int(right)) = (name, left, right) else {
        return false;
    };
    let is_time = TIMES.contains(&name.as_slice());
    is_time && left.abs_diff(*right) <= LEEWAY_MS.unsigned_abs() || INNER.contains(&name.as_slice())
}
