//! Sets against a model: every encoding, every command, and what replaying their effects gives.

use super::*;
use crate::Session;
use crate::changes::Changes;
use crate::keys::Hashes;
use crate::keyspace::KeyHash;
use crate::keyspace::locks::{ShardSet, Wait};
use crate::testing::TestEngine;
use larder_codec::integer::MAX_TEXT;
use larder_resp::{Value, decode};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Model = BTreeSet<Vec<u8>>;

/// Integers of each width, texts that only look like some, and members of all lengths.
fn any_member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (-30i64..30).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i16>().prop_map(|n| n.to_string().into_bytes()),
        1 => (0u8..30).prop_map(|n| format!("0{n}").into_bytes()),
        2 => (0u8..60).prop_map(|n| format!("word:{n}").into_bytes()),
        1 => (0usize..40, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

fn texts(set: SetRef<'_>) -> Vec<Vec<u8>> {
    set.iter().map(|member| member.text(&mut [0; MAX_TEXT]).to_vec()).collect()
}

/// The encoding that Redis 7.2 gives a set that these members were added to, one by one.
fn expected_kind(members: &[Vec<u8>], limits: &Limits) -> Kind {
    let mut seen = Model::new();
    let mut kind = Kind::SetInts;
    for member in members {
        let is_int = Member::Text(member).number().is_some();
        seen.insert(member.clone());
        let packs = seen.len() <= limits.entries && seen.iter().all(|m| m.len() <= limits.value);
        kind = match kind {
            Kind::SetInts if is_int && seen.len() <= limits.ints => Kind::SetInts,
            Kind::SetInts if !is_int && packs => Kind::SetPack,
            Kind::SetPack if packs => Kind::SetPack,
            _ => Kind::SetTable,
        };
    }
    kind
}

proptest! {
    #[test]
    fn a_set_is_a_set_in_every_encoding(
        steps in prop::collection::vec((0u8..10, any_member()), 0..120),
        ints in 0usize..40,
        entries in 0usize..40,
        value in 0usize..30,
    ) {
        let limits = Limits { ints, entries, value };
        let rules = Rules { limits, hash: KeyHash::new(4) };
        let (mut set, mut model) = (SetBuf::new(Kind::SetInts, rules), Model::new());
        for (choice, member) in steps {
            let (old, text) = (set.as_set().kind(), Member::Text(&member));
            if choice < 7 {
                prop_assert_eq!(set.add(text), model.insert(member.clone()));
            } else {
                prop_assert_eq!(set.remove(text), model.remove(&member));
            }
            prop_assert!(set.as_set().kind() as u8 >= old as u8, "an encoding went back");
            prop_assert_eq!(set.as_set().len(), model.len());
            prop_assert_eq!(set.as_set().contains(text), model.contains(&member));
        }
        let found = texts(set.as_set());
        prop_assert_eq!(found.len(), model.len());
        prop_assert_eq!(found.into_iter().collect::<Model>(), model.clone());
        let mut met = Model::new();
        let mut cursor = 0;
        loop {
            cursor = set.as_set().scan(cursor, 3, |member| {
                met.insert(member.text(&mut [0; MAX_TEXT]).to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(&met, &model);
        let table = SetBuf::copy_of(set.as_set(), rules).into_table();
        prop_assert_eq!(texts(table.as_set()).into_iter().collect::<Model>(), model);
    }

    #[test]
    fn encodings_follow_redis(
        members in prop::collection::vec(any_member(), 1..60),
        ints in 0usize..40,
        entries in 0usize..40,
    ) {
        let limits = Limits { ints, entries, value: 30 };
        let mut set = SetBuf::new(Kind::SetInts, Rules { limits, hash: KeyHash::new(4) });
        members.iter().for_each(|member| {
            set.add(Member::Text(member));
        });
        prop_assert_eq!(set.as_set().kind(), expected_kind(&members, &limits));
    }

    #[test]
    fn operations_agree_with_the_model(
        sets in prop::collection::vec((0u8..3, prop::collection::vec(any_member(), 0..40)), 1..5),
    ) {
        let limits = Limits { ints: 64, entries: 16, value: 30 };
        let rules = Rules { limits, hash: KeyHash::new(4) };
        let built: Vec<SetBuf> = sets
            .iter()
            .map(|(kind, members)| {
                let kind = [Kind::SetInts, Kind::SetPack, Kind::SetTable][usize::from(*kind)];
                let mut set = SetBuf::new(kind, rules);
                members.iter().for_each(|member| {
                    set.add(Member::Text(member));
                });
                set
            })
            .collect();
        let models: Vec<Model> =
            sets.iter().map(|(_, members)| members.iter().cloned().collect()).collect();
        for operation in [Operation::Intersection, Operation::Union, Operation::Difference] {
            let expected = models[1..].iter().fold(models[0].clone(), |a, b| match operation {
                Operation::Intersection => a.intersection(b).cloned().collect(),
                Operation::Union => a.union(b).cloned().collect(),
                Operation::Difference => a.difference(b).cloned().collect(),
            });
            let refs: Vec<_> = built.iter().map(SetBuf::as_set).collect();
            for mut result in [algebra::to_store(rules), algebra::to_answer(&refs, rules)] {
                combine_into(refs.iter().copied().map(Some).collect(), operation, &mut result);
                let found: Model = texts(result.as_set()).into_iter().collect();
                prop_assert_eq!(&found, &expected, "{:?}", operation);
            }
        }
    }
}

/// An engine with small bounds, so that few members see every encoding.
struct Played {
    test: TestEngine,
    session: Session,
}

impl Played {
    fn new(shards: u16) -> Played {
        let test = TestEngine::new(shards);
        let config = test.engine.config();
        for (name, bound) in [
            ("set-max-intset-entries", b"20"),
            ("set-max-listpack-entries", b"12"),
            ("set-max-listpack-value", b"10"),
        ] {
            config.set(name, &[bound]).unwrap();
        }
        test.engine.log().listen();
        let (session, _mailbox) = test.session();
        Played { test, session }
    }

    fn send(&mut self, words: &[&[u8]]) -> Value {
        let mut out = Vec::new();
        let _ = self.session.execute(words, &mut out);
        let (value, used) = decode(&out).unwrap().expect("one whole reply");
        assert_eq!(used, out.len());
        value
    }

    fn members(&mut self, key: &[u8]) -> Model {
        bulks(self.send(&[b"SMEMBERS", key])).into_iter().collect()
    }

    /// Applies the effects of another engine.
    fn replay(&mut self, from: &Played) {
        while let Some(frame) = from.test.engine.log().next_frame() {
            let mut rest = &frame.payload[..];
            while let Some((command, used)) = decode(rest).unwrap() {
                let words = bulks(command);
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                assert!(!matches!(self.send(&words), Value::Error(_)), "{words:?}");
                rest = &rest[used..];
                if rest.is_empty() {
                    break;
                }
            }
        }
    }

    fn with_keys<R>(&self, work: impl FnOnce(&mut Keys<'_>) -> R) -> R {
        let (hashes, mut changes) = (Hashes::default(), Changes::default());
        let engine = &self.test.engine;
        let nothing = |_: &mut Keys<'_>| ShardSet::None;
        engine
            .with_keys(ShardSet::All, &hashes, &mut changes, Wait::Park, nothing, work)
            .expect("nobody else holds a lock")
            .0
    }

    fn bytes(&self) -> u64 {
        self.with_keys(|keys| keys.shards().map(|shard| shard.bytes()).sum())
    }
}

fn bulks(value: Value) -> Vec<Vec<u8>> {
    let (Value::Array(items) | Value::Set(items)) = value else {
        panic!("no aggregate: {value:?}")
    };
    let bytes = |item| match item {
        Value::Bulk(bytes) => bytes,
        other => panic!("no string: {other:?}"),
    };
    items.into_iter().map(bytes).collect()
}

fn int(value: Value) -> usize {
    match value {
        Value::Int(number) => number as usize,
        other => panic!("no integer: {other:?}"),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(u8, Vec<Vec<u8>>),
    Remove(u8, Vec<Vec<u8>>),
    Move(u8, u8, Vec<u8>),
    Pop(u8, Option<u8>),
    Draw(u8, i8),
    Store(u8, u8, Vec<u8>),
    Expire(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = || 0u8..4;
    let members = || prop::collection::vec(any_member(), 1..16);
    prop_oneof![
        8 => (key(), members()).prop_map(|(key, members)| Step::Add(key, members)),
        3 => (key(), members()).prop_map(|(key, members)| Step::Remove(key, members)),
        2 => (key(), key(), any_member()).prop_map(|(a, b, member)| Step::Move(a, b, member)),
        2 => (key(), prop::option::of(0u8..30)).prop_map(|(key, count)| Step::Pop(key, count)),
        1 => (key(), -20i8..40).prop_map(|(key, count)| Step::Draw(key, count)),
        2 => (key(), 0u8..3, prop::collection::vec(key(), 1..4))
            .prop_map(|(key, operation, sources)| Step::Store(key, operation, sources)),
        1 => key().prop_map(Step::Expire),
    ]
}

fn play(step: Step, live: &mut Played, model: &mut BTreeMap<u8, Model>) {
    match step {
        Step::Add(key, members) => {
            let set = model.entry(key).or_default();
            let before = set.len();
            set.extend(members.iter().cloned());
            let words = [&[b"SADD".to_vec(), vec![key]], &members[..]].concat();
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            assert_eq!(int(live.send(&words)), set.len() - before);
        }
        Step::Remove(key, members) => {
            let set = model.entry(key).or_default();
            let before = set.len();
            members.iter().for_each(|member| {
                set.remove(member);
            });
            let words = [&[b"SREM".to_vec(), vec![key]], &members[..]].concat();
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            assert_eq!(int(live.send(&words)), before - set.len());
        }
        Step::Move(from, to, member) => {
            let moved = model.entry(from).or_default().remove(&member);
            if moved {
                model.entry(to).or_default().insert(member.clone());
            }
            let reply = live.send(&[b"SMOVE", &[from], &[to], &member]);
            assert_eq!(int(reply), usize::from(moved));
        }
        Step::Pop(key, None) => match live.send(&[b"SPOP", &[key]]) {
            Value::Bulk(member) => {
                assert!(model.entry(key).or_default().remove(&member), "popped what is not there");
            }
            other => {
                assert_eq!(other, Value::Null);
                assert!(model.entry(key).or_default().is_empty());
            }
        },
        Step::Pop(key, Some(count)) => {
            let set = model.entry(key).or_default();
            let count_text = count.to_string();
            let words: [&[u8]; 3] = [b"SPOP", &[key], count_text.as_bytes()];
            let popped = bulks(live.send(&words));
            assert_eq!(popped.len(), set.len().min(usize::from(count)));
            popped.iter().for_each(|member| assert!(set.remove(member)));
        }
        Step::Draw(key, count) => {
            let set = model.entry(key).or_default();
            let count_text = count.to_string();
            let words: [&[u8]; 3] = [b"SRANDMEMBER", &[key], count_text.as_bytes()];
            let drawn = bulks(live.send(&words));
            assert!(drawn.iter().all(|member| set.contains(member)));
            let distinct = drawn.iter().collect::<BTreeSet<_>>().len();
            match usize::try_from(count) {
                Ok(count) => {
                    assert_eq!((drawn.len(), distinct), (set.len().min(count), drawn.len()));
                }
                Err(_) if set.is_empty() => assert!(drawn.is_empty()),
                Err(_) => assert_eq!(drawn.len(), usize::from(count.unsigned_abs())),
            }
        }
        Step::Store(key, operation, sources) => {
            let sets: Vec<Model> =
                sources.iter().map(|key| model.get(key).cloned().unwrap_or_default()).collect();
            let result: Model = sets[1..].iter().fold(sets[0].clone(), |a, b| match operation {
                0 => a.intersection(b).cloned().collect(),
                1 => a.union(b).cloned().collect(),
                _ => a.difference(b).cloned().collect(),
            });
            let name: &[u8] =
                [&b"SINTERSTORE"[..], b"SUNIONSTORE", b"SDIFFSTORE"][usize::from(operation)];
            let mut words = vec![name, std::slice::from_ref(&key)];
            words.extend(sources.iter().map(std::slice::from_ref));
            assert_eq!(int(live.send(&words)), result.len());
            model.insert(key, result);
        }
        Step::Expire(key) => {
            live.with_keys(|keys| {
                let mut gate = keys.write(std::slice::from_ref(&key));
                let due_ms = gate.now_ms() + 5;
                gate.set_deadline(Some(due_ms));
            });
            live.test.clock.advance_ms(5);
            model.remove(&key);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn commands_agree_with_the_model_and_their_effects_replay(
        steps in prop::collection::vec(any_step(), 1..60),
        shards in prop::sample::select(vec![1u16, 4]),
    ) {
        let (mut live, mut copy) = (Played::new(shards), Played::new(1));
        let empty = live.bytes();
        let mut model: BTreeMap<u8, Model> = BTreeMap::new();
        for step in steps {
            play(step, &mut live, &mut model);
            for (&key, set) in &model {
                let found = live.members(&[key]);
                prop_assert_eq!(&found, set);
                let exists = live.with_keys(|keys| keys.exists(&[key]));
                prop_assert_eq!(exists, !set.is_empty(), "an empty set stays");
            }
        }
        (0..4u8).for_each(|key| {
            live.members(&[key]);
        });
        let _ = live.test.engine.expire_due(&mut Default::default());
        copy.replay(&live);
        for key in 0..4u8 {
            prop_assert_eq!(copy.members(&[key]), live.members(&[key]), "replayed");
        }
        for key in 0..4u8 {
            live.send(&[b"DEL", &[key]]);
        }
        // A table keeps its first bucket and one more.
        prop_assert!(live.bytes() <= empty + 16 * 128, "{} of {empty}", live.bytes());
    }
}

#[test]
fn a_scan_goes_on_while_the_set_grows_and_shrinks() {
    let mut live = Played::new(1);
    let each = |live: &mut Played, command: &[u8], range: std::ops::Range<u32>| {
        let members: Vec<String> = range.map(|n| format!("m{n}")).collect();
        let words = [command, b"s"].into_iter().chain(members.iter().map(String::as_bytes));
        live.send(&words.collect::<Vec<_>>());
    };
    each(&mut live, b"SADD", 0..100);
    let (mut met, mut cursor, mut calls) = (Model::new(), b"0".to_vec(), 0);
    loop {
        let Value::Array(reply) = live.send(&[b"SSCAN", b"s", &cursor, b"COUNT", b"5"]) else {
            panic!("no array")
        };
        let [Value::Bulk(next), members] = &reply[..] else { panic!("no pair") };
        met.extend(bulks(members.clone()));
        if next == b"0" {
            break;
        }
        cursor.clone_from(next);
        // Each ten calls the set grows by thousands, or is laid out anew without them.
        match calls % 10 {
            3 => each(&mut live, b"SADD", 1000..6000),
            7 => each(&mut live, b"SREM", 1000..6000),
            _ => {}
        }
        calls += 1;
    }
    assert!(calls > 10, "the set never shrank");
    assert!((0..100).all(|n| met.contains(format!("m{n}").as_bytes())));
}

#[test]
fn replies_of_whole_sets_are_sets_in_resp3() {
    let live = Played::new(1);
    let (mut session, _mailbox) = live.test.session();
    let mut value = |words: &[&[u8]]| {
        let mut reply = crate::reply::ValueReply::new();
        let _ = session.execute_into(words, &mut reply, Wait::Park);
        reply.into_value().expect("a reply")
    };
    value(&[b"SADD", b"s", b"a"]);
    for command in [&b"SMEMBERS"[..], b"SINTER", b"SUNION", b"SDIFF"] {
        assert!(matches!(value(&[command, b"s"]), Value::Set(_)));
    }
    assert!(matches!(value(&[b"SRANDMEMBER", b"s", b"1"]), Value::Array(_)));
    assert!(matches!(value(&[b"SPOP", b"s", b"1"]), Value::Set(_)));
}
