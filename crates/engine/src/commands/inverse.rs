//! Every command of the table, with random arguments: its words are the inverse of its parse, and
//! its keys are those that SPEC finds. Knows no command.

use super::{Known, all};
use crate::command::{RoundTrip, RoundTripOf};
use crate::testing::Requests;

/// Requests for each command.
const ROUNDS: u32 = 300;

#[test]
fn words_are_the_inverse_of_parse_and_keys_are_where_spec_says() {
    let mut requests = Requests::new(3, 1_700_000_000_000);
    let mut useless = Vec::new();
    for command in all() {
        let Some(round_trip) = command.entry.round_trip else { continue };
        let mut legal = 0;
        for _ in 0..ROUNDS {
            let request = requests.request(command);
            legal += u32::from(is_inverse(command, round_trip, &request));
        }
        if legal == 0 {
            useless.push(&command.name);
        }
    }
    assert!(useless.is_empty(), "nothing that their syntax lines allow is legal: {useless:?}");
}

/// Checks one request; `false` if it is not a legal one.
fn is_inverse(command: &Known, round_trip: RoundTripOf, request: &[Vec<u8>]) -> bool {
    let request = slices(request);
    if !command.entry.spec.accepts(request.len()) {
        return false;
    }
    let Ok(first) = round_trip(&request) else { return false };
    let when = || show(&request);
    assert_eq!(show(&slices(&first.keys)), specified(command, &request), "keys of {}", when());
    let written = slices(&first.words);
    assert!(command.entry.spec.accepts(written.len()), "arity of {}", when());
    let second = round_trip(&written);
    let second: RoundTrip = second.unwrap_or_else(|error| {
        panic!("{} writes itself as {}: {error}", when(), show(&written));
    });
    assert!(second == first, "{} writes itself as {}", when(), show(&written));
    assert_eq!(show(&slices(&second.keys)), specified(command, &written), "keys of {}", when());
    true
}

/// The keys that SPEC finds, shown.
fn specified(command: &Known, request: &[&[u8]]) -> String {
    let mut keys = Vec::new();
    command.entry.spec.each_key(request, |at, _| keys.push(request[at]));
    show(&keys)
}

fn slices(words: &[Vec<u8>]) -> Vec<&[u8]> {
    words.iter().map(Vec::as_slice).collect()
}

/// Words for a person: the beginning of each.
fn show(words: &[&[u8]]) -> String {
    let word = |word: &&[u8]| String::from_utf8_lossy(&word[..word.len().min(40)]).into_owned();
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}
