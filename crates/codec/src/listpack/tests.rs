//! Listpacks against literal bytes and against a plain vector of elements.

use super::*;
use proptest::prelude::*;

type Model = Vec<Vec<u8>>;

fn build<T: AsRef<[u8]>>(elements: &[T]) -> Vec<u8> {
    let mut lp = new();
    for element in elements {
        push_back(&mut lp, element.as_ref()).unwrap();
    }
    lp
}

/// The bytes of the single entry that `element` becomes.
fn encode(element: &[u8]) -> Vec<u8> {
    let lp = build(&[element]);
    assert_eq!(validate(&lp), Ok(()));
    assert_eq!(lp.len() - HEADER - 1, encoded_size(element));
    assert_eq!(entry(&lp, first(&lp).unwrap()).to_cow(), element);
    lp[HEADER..lp.len() - 1].to_vec()
}

/// The bytes are the same whatever the history, and every way of reading agrees.
fn check(lp: &[u8], model: &Model) {
    assert_eq!(validate(lp), Ok(()));
    assert_eq!(lp, build(model));
    assert_eq!(len(lp), model.len());
    assert_eq!(is_empty(lp), model.is_empty());
    assert_eq!(bytes(lp), lp.len());
    assert!(iter(lp).map(|e| e.to_cow().into_owned()).eq(model.iter().cloned()));
    assert!(iter(lp).rev().map(|e| e.to_cow().into_owned()).eq(model.iter().rev().cloned()));
    let count = model.len() as i64;
    for (index, element) in (0..).zip(model) {
        let pos = seek(lp, index).unwrap();
        assert_eq!(seek(lp, index - count), Some(pos));
        assert!(entry(lp, pos).eq_bytes(element));
        assert_eq!(entry(lp, pos).text_len(), element.len());
        assert_eq!(next(lp, pos), seek(lp, index + 1));
        assert_eq!(prev(lp, pos), (index > 0).then(|| seek(lp, index - 1).unwrap()));
    }
    assert_eq!((seek(lp, count), seek(lp, -count - 1)), (None, None));
    assert_eq!((seek(lp, i64::MAX), seek(lp, i64::MIN)), (None, None));
    assert_eq!(first(lp), seek(lp, 0));
    assert_eq!(last(lp), seek(lp, -1));
}

#[test]
fn an_empty_listpack() {
    assert_eq!(new(), [7, 0, 0, 0, 0, 0, 0xFF]);
    check(&new(), &vec![]);
}

#[test]
fn a_whole_listpack() {
    assert_eq!(build(&["1", "ab"]), [13, 0, 0, 0, 2, 0, 0x01, 0x01, 0x82, b'a', b'b', 0x03, 0xFF]);
}

#[test]
fn integers_by_form() {
    let cases: [(&str, &[u8]); 22] = [
        ("0", &[0x00, 1]),
        ("1", &[0x01, 1]),
        ("127", &[0x7F, 1]),
        ("128", &[0xC0, 0x80, 2]),
        ("4095", &[0xCF, 0xFF, 2]),
        ("-1", &[0xDF, 0xFF, 2]),
        ("-4096", &[0xD0, 0x00, 2]),
        ("4096", &[0xF1, 0x00, 0x10, 3]),
        ("-4097", &[0xF1, 0xFF, 0xEF, 3]),
        ("32767", &[0xF1, 0xFF, 0x7F, 3]),
        ("-32768", &[0xF1, 0x00, 0x80, 3]),
        ("32768", &[0xF2, 0x00, 0x80, 0x00, 4]),
        ("-32769", &[0xF2, 0xFF, 0x7F, 0xFF, 4]),
        ("8388607", &[0xF2, 0xFF, 0xFF, 0x7F, 4]),
        ("-8388608", &[0xF2, 0x00, 0x00, 0x80, 4]),
        ("8388608", &[0xF3, 0x00, 0x00, 0x80, 0x00, 5]),
        ("-8388609", &[0xF3, 0xFF, 0xFF, 0x7F, 0xFF, 5]),
        ("2147483647", &[0xF3, 0xFF, 0xFF, 0xFF, 0x7F, 5]),
        ("-2147483648", &[0xF3, 0x00, 0x00, 0x00, 0x80, 5]),
        ("2147483648", &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        ("9223372036854775807", &[0xF4, 255, 255, 255, 255, 255, 255, 255, 0x7F, 9]),
        ("-9223372036854775808", &[0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9]),
    ];
    for (text, expected) in cases {
        assert_eq!(encode(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn texts_that_are_not_canonical_integers_stay_texts() {
    assert_eq!(encode(b""), [0x80, 1]);
    assert_eq!(encode(b"-"), [0x81, b'-', 2]);
    assert_eq!(encode(b"01"), [0x82, b'0', b'1', 3]);
    assert_eq!(encode(b"-0"), [0x82, b'-', b'0', 3]);
    assert_eq!(encode(b"+1"), [0x82, b'+', b'1', 3]);
    assert_eq!(encode(b"9223372036854775808")[0], 0x80 | 19);
}

#[test]
fn strings_by_form_and_back_length() {
    let cases: [(usize, &[u8], &[u8]); 9] = [
        (63, &[0xBF], &[64]),
        (64, &[0xE0, 64], &[66]),
        (125, &[0xE0, 125], &[127]),
        (126, &[0xE0, 126], &[0x01, 0x80]),
        (4095, &[0xEF, 0xFF], &[0x20, 0x81]),
        (4096, &[0xF0, 0x00, 0x10, 0, 0], &[0x20, 0x85]),
        (16377, &[0xF0, 0xF9, 0x3F, 0, 0], &[0x7F, 0xFE]),
        // 16383 would fit in two bytes, but gets three.
        (16378, &[0xF0, 0xFA, 0x3F, 0, 0], &[0x00, 0xFF, 0xFF]),
        (16379, &[0xF0, 0xFB, 0x3F, 0, 0], &[0x01, 0x80, 0x80]),
    ];
    for (len, head, back) in cases {
        let body = vec![b'x'; len];
        assert_eq!(encode(&body), [head, &body, back].concat(), "{len}");
    }
}

#[test]
fn back_lengths_of_large_entries() {
    let cases: [(usize, &[u8]); 6] = [
        (2_097_150, &[0x7F, 0xFF, 0xFE]),
        (2_097_151, &[0x00, 0xFF, 0xFF, 0xFF]),
        (2_097_152, &[0x01, 0x80, 0x80, 0x80]),
        (268_435_454, &[0x7F, 0xFF, 0xFF, 0xFE]),
        (268_435_455, &[0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
        (MAX_BYTES, &[0x04, 0x80, 0x80, 0x80, 0x80]),
    ];
    for (len, expected) in cases {
        let (back, size) = encoding::back_length(len);
        assert_eq!(&back[..size], expected, "{len}");
    }
    let body = vec![b'x'; 2_097_146];
    check(&build(&[&b"a"[..], &body, b"b"]), &vec![b"a".to_vec(), body, b"b".to_vec()]);
}

#[test]
fn the_length_is_unknown_from_65535_entries_on() {
    let mut lp = new();
    for _ in 0..65_534 {
        push_back(&mut lp, b"1").unwrap();
    }
    assert_eq!((header_len(&lp), len(&lp)), (65_534, 65_534));
    push_back(&mut lp, b"2").unwrap();
    push_back(&mut lp, b"3").unwrap();
    assert_eq!((header_len(&lp), len(&lp)), (UNKNOWN_LEN, 65_536));
    assert_eq!(validate(&lp), Ok(()));
    assert_eq!(entry(&lp, seek(&lp, -2).unwrap()), Entry::Int(2));
    assert_eq!(seek(&lp, 65_535), last(&lp));
    assert_eq!((seek(&lp, 65_536), seek(&lp, -65_537)), (None, None));
    assert_eq!(remove_range(&mut lp.clone(), -2, 9), 2);
    let mut cut = lp.clone();
    assert_eq!(remove_range(&mut cut, 65_000, 1_000), 536);
    assert_eq!((header_len(&cut), len(&cut)), (UNKNOWN_LEN, 65_000));
    let rest = split_off(&mut lp, 65_000);
    assert_eq!((header_len(&lp), header_len(&rest)), (65_000, 536));
    assert_eq!((validate(&lp), validate(&rest)), (Ok(()), Ok(())));
    let joined = concat(&lp, &rest).unwrap();
    assert_eq!((header_len(&joined), len(&joined)), (UNKNOWN_LEN, 65_536));
}

#[test]
fn growth_stops_at_the_limit() {
    // Zeroed pages that nobody touches cost no memory: the limit is checked before any byte.
    let huge = vec![0; MAX_BYTES];
    let mut lp = build(&["a"]);
    let (before, pos) = (lp.clone(), Pos::new(HEADER));
    assert_eq!(push_back(&mut lp, &huge), Err(TooLarge));
    assert_eq!(push_front(&mut lp, &huge), Err(TooLarge));
    assert_eq!(insert_after(&mut lp, pos, &huge), Err(TooLarge));
    assert_eq!(replace(&mut lp, pos, &huge), Err(TooLarge));
    assert_eq!(extend(&mut lp, &huge), Err(TooLarge));
    assert_eq!(concat(&lp, &huge), Err(TooLarge));
    assert_eq!(lp, before);
    assert!(fits(&lp, MAX_BYTES - lp.len()));
    assert!(!fits(&lp, MAX_BYTES - lp.len() + 1));
    assert!(!fits(&lp, usize::MAX));
}

#[test]
fn foreign_forms_are_read_as_they_stand() {
    // 5 as a 64-bit integer, "12" as a string, "a" with a 32-bit length.
    let entries: &[u8] =
        &[0xF4, 5, 0, 0, 0, 0, 0, 0, 0, 9, 0x82, b'1', b'2', 3, 0xF0, 1, 0, 0, 0, b'a', 6];
    let mut lp = vec![28, 0, 0, 0, 3, 0];
    lp.extend_from_slice(entries);
    lp.push(END);
    assert_eq!(validate(&lp), Ok(()));
    assert!(iter(&lp).eq([Entry::Int(5), Entry::Str(b"12"), Entry::Str(b"a")]));
    assert_eq!(find(&lp, first(&lp).unwrap(), b"12", 0), seek(&lp, 1));
    assert_eq!(find(&lp, first(&lp).unwrap(), b"5", 0), first(&lp));
}

#[test]
fn corrupt_bytes_are_refused() {
    let cases: [(&[u8], &str); 12] = [
        (&[], "listpack header is cut off"),
        (&[6, 0, 0, 0, 0, 0], "listpack header is cut off"),
        (&[8, 0, 0, 0, 0, 0, 0xFF], "listpack size differs from its header"),
        (&[7, 0, 0, 0, 0, 0, 0x00], "listpack has no end mark"),
        (&[7, 0, 0, 0, 1, 0, 0xFF], "listpack length differs from its header"),
        (&[9, 0, 0, 0, 0, 0, 1, 1, 0xFF], "listpack length differs from its header"),
        (&[9, 0, 0, 0, 1, 0, 1, 2, 0xFF], "listpack back length differs from its entry"),
        (&[8, 0, 0, 0, 1, 0, 1, 0xFF], "listpack entry is cut off"),
        (&[9, 0, 0, 0, 1, 0, 0xBF, 1, 0xFF], "listpack entry is cut off"),
        (&[12, 0, 0, 0, 1, 0, 0xF0, 255, 255, 255, 255, 0xFF], "listpack entry is cut off"),
        (&[9, 0, 0, 0, 1, 0, 0xF5, 1, 0xFF], "listpack entry has an unknown form or is cut off"),
        (&[9, 0, 0, 0, 1, 0, 0xFF, 1, 0xFF], "listpack entry has an unknown form or is cut off"),
    ];
    for (lp, reason) in cases {
        assert_eq!(validate(lp).unwrap_err().reason, reason, "{lp:?}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(i64, usize),
    Extend(Model),
    SplitOff(i64, bool),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    let text = |len: usize| vec![b'x'; len];
    prop_oneof![
        4 => (any::<i64>(), 0u32..64).prop_map(|(v, s)| (v >> s).to_string().into_bytes()),
        4 => prop::collection::vec(any::<u8>(), 0..12),
        2 => "[-+]?0?[0-9]{1,20}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec![62usize, 63, 64, 65, 124, 125, 126, 127, 128])
            .prop_map(text),
        1 => prop::sample::select(vec![4094usize, 4095, 4096, 16376, 16377, 16378, 16379])
            .prop_map(text),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let index = || -12i64..12;
    prop_oneof![
        4 => element().prop_map(Step::PushBack),
        3 => element().prop_map(Step::PushFront),
        3 => (any::<usize>(), element()).prop_map(|(i, e)| Step::InsertBefore(i, e)),
        3 => (any::<usize>(), element()).prop_map(|(i, e)| Step::InsertAfter(i, e)),
        3 => (any::<usize>(), element()).prop_map(|(i, e)| Step::Replace(i, e)),
        3 => any::<usize>().prop_map(Step::Remove),
        1 => (index(), 0usize..6).prop_map(|(i, n)| Step::RemoveRange(i, n)),
        1 => prop::collection::vec(element(), 0..4).prop_map(Step::Extend),
        1 => (index(), any::<bool>()).prop_map(|(i, keep)| Step::SplitOff(i, keep)),
    ]
}

fn resolve(model: &Model, index: i64) -> Option<usize> {
    let len = model.len() as i64;
    let index = if index < 0 { index + len } else { index };
    (0..len).contains(&index).then_some(index as usize)
}

/// The position of entry `index` modulo the length; none when there is no entry.
fn pick(lp: &[u8], model: &Model, index: usize) -> Option<(Pos, usize)> {
    let index = index.checked_rem(model.len())?;
    Some((seek(lp, index as i64).unwrap(), index))
}

fn apply(lp: &mut Vec<u8>, model: &mut Model, step: Step) {
    match step {
        Step::PushBack(e) => {
            push_back(lp, &e).unwrap();
            model.push(e);
        }
        Step::PushFront(e) => {
            push_front(lp, &e).unwrap();
            model.insert(0, e);
        }
        Step::InsertBefore(i, e) => {
            let i = i % (model.len() + 1);
            let pos = seek(lp, i as i64).unwrap_or(end(lp));
            assert_eq!(insert_before(lp, pos, &e), Ok(pos));
            model.insert(i, e);
        }
        Step::InsertAfter(i, e) => {
            let Some((pos, i)) = pick(lp, model, i) else { return };
            let new = insert_after(lp, pos, &e).unwrap();
            assert_eq!(next(lp, pos), Some(new));
            model.insert(i + 1, e);
        }
        Step::Replace(i, e) => {
            let Some((pos, i)) = pick(lp, model, i) else { return };
            replace(lp, pos, &e).unwrap();
            model[i] = e;
        }
        Step::Remove(i) => {
            let Some((pos, i)) = pick(lp, model, i) else { return };
            model.remove(i);
            assert_eq!(remove(lp, pos), (i < model.len()).then_some(pos));
        }
        Step::RemoveRange(index, count) => {
            let range = resolve(model, index).map_or(0..0, |i| i..model.len().min(i + count));
            assert_eq!(remove_range(lp, index, count), range.len());
            model.drain(range);
        }
        Step::Extend(elements) => {
            let other = build(&elements);
            let joined = concat(lp, &other).unwrap();
            extend(lp, &other).unwrap();
            assert_eq!(*lp, joined);
            model.extend(elements);
        }
        Step::SplitOff(index, keep_front) => {
            let at = resolve(model, index).unwrap_or(model.len());
            let (rest, model_rest) = (split_off(lp, index), model.split_off(at));
            check(&rest, &model_rest);
            check(lp, model);
            if !keep_front {
                (*lp, *model) = (rest, model_rest);
            }
        }
    }
}

#[test]
fn room_made_by_hand_is_filled_and_stated() {
    let mut lp = build(&["a", "b"]);
    let entry = Encoded::of(b"1000");
    let at = span(&lp, seek(&lp, 1).unwrap()).start;
    lp.splice(at..at, std::iter::repeat_n(0, entry.len()));
    entry.write_over(&mut lp[at..at + entry.len()]);
    restate(&mut lp, 1, 0);
    check(&lp, &vec![b"a".to_vec(), b"1000".to_vec(), b"b".to_vec()]);
    let cut = span(&lp, first(&lp).unwrap());
    lp.drain(cut);
    restate(&mut lp, 0, 1);
    check(&lp, &vec![b"1000".to_vec(), b"b".to_vec()]);
}

proptest! {
    #[test]
    fn retains_what_a_vector_retains(
        mut model in prop::collection::vec(element(), 0..40),
        mask in any::<u64>(),
    ) {
        let mut lp = build(&model);
        let mut at = 0;
        let kept = |at: &mut u32| { *at += 1; mask >> (*at - 1) & 1 == 0 };
        let before = model.len();
        let removed = retain(&mut lp, |_| kept(&mut at));
        at = 0;
        model.retain(|_| kept(&mut at));
        prop_assert_eq!(removed, before - model.len());
        check(&lp, &model);
    }
    #[test]
    fn behaves_as_a_vector(steps in prop::collection::vec(step(), 0..60)) {
        let (mut lp, mut model) = (new(), Model::new());
        for step in steps {
            apply(&mut lp, &mut model, step);
            check(&lp, &model);
        }
    }

    #[test]
    fn finds_what_a_scan_finds(
        elements in prop::collection::vec("[0-3a-c]{0,1}", 0..20),
        wanted in "[0-3a-c]{0,1}",
        from in 0usize..20,
        skip in 0usize..4,
    ) {
        let lp = build(&elements);
        let expected = (from..elements.len())
            .step_by(skip + 1)
            .find(|&i| elements[i] == wanted)
            .map(|i| seek(&lp, i as i64).unwrap());
        let from = seek(&lp, from as i64).unwrap_or(end(&lp));
        prop_assert_eq!(find(&lp, from, wanted.as_bytes(), skip), expected);
    }

    #[test]
    fn iterating_from_both_ends_meets_once(
        elements in prop::collection::vec(element(), 0..12),
        turns in prop::collection::vec(any::<bool>(), 12),
        from in 0usize..12,
    ) {
        let lp = build(&elements);
        let from = from.min(elements.len());
        let start = seek(&lp, from as i64).unwrap_or(end(&lp));
        let mut entries = iter_from(&lp, start);
        let mut expected = elements[from..].iter();
        for front in turns {
            let (got, want) = if front {
                (entries.next(), expected.next())
            } else {
                (entries.next_back(), expected.next_back())
            };
            prop_assert_eq!(got.map(|e| e.to_cow().into_owned()), want.cloned());
        }
    }

    #[test]
    fn validated_bytes_never_panic(
        elements in prop::collection::vec(element(), 0..6),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        steps in prop::collection::vec(step(), 0..6),
    ) {
        let mut lp = build(&elements);
        for (place, byte) in noise {
            let at = place.index(lp.len());
            lp[at] = byte;
        }
        if validate(&lp).is_ok() {
            let mut model: Model = iter(&lp).map(|e| e.to_cow().into_owned()).collect();
            prop_assert_eq!(len(&lp), model.len());
            prop_assert!(iter(&lp).rev().map(|e| e.to_cow().into_owned())
                .eq(model.iter().rev().cloned()));
            for step in steps {
                if !matches!(step, Step::SplitOff(..)) {
                    apply(&mut lp, &mut model, step);
                    prop_assert_eq!(validate(&lp), Ok(()));
                }
            }
        }
    }

    #[test]
    fn small_hostile_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..14)) {
        let mut lp = vec![(body.len() + 7) as u8, 0, 0, 0, 0xFF, 0xFF];
        lp.extend_from_slice(&body);
        lp.push(END);
        if validate(&lp).is_ok() {
            prop_assert_eq!(iter(&lp).count(), iter(&lp).rev().count());
            prop_assert_eq!(iter(&lp).count(), len(&lp));
        }
    }
}
