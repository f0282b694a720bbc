//! A session as a binding uses it: what is sent is answered in order, and whoever waits is woken.

use larder::Larder;
use larder::engine::clock::FakeClock;
use larder::session::Session;
use larder::session::replies::Item;
use rustix::event::{PollFd, PollFlags, poll};
use std::sync::Arc;
use std::time::Duration;

fn store() -> (Larder, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::new(1_700_000_000_000));
    (Larder::with_clock(clock.clone()).unwrap(), clock)
}

fn send(session: &mut Session, line: &str) {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    session.send(&words);
}

/// Everything that was replied and not been read, as text.
fn heard(session: &mut Session) -> String {
    let mut text = String::new();
    while let Some(replies) = session.receive() {
        let item = match replies.next_item().unwrap() {
            Item::Simple(bytes) => format!("+{}", String::from_utf8_lossy(bytes)),
            Item::Error(bytes) => format!("-{}", String::from_utf8_lossy(bytes)),
            Item::Bulk(bytes) => format!("${}", String::from_utf8_lossy(bytes)),
            Item::Int(value) => format!(":{value}"),
            other => format!("{other:?}"),
        };
        replies.recycle();
        text.push_str(&item);
        text.push(' ');
    }
    text.trim_end().to_owned()
}

fn is_readable(session: &Session) -> bool {
    let descriptor = session.descriptor().unwrap();
    let mut fds = [PollFd::new(&descriptor, PollFlags::IN)];
    poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

#[test]
fn replies_come_in_the_order_of_requests() {
    let (store, _) = store();
    let mut session = store.session().unwrap();
    for line in ["SET k v", "GET k", "INCR n", "GET none", "NOSUCH", "HSET h f 1", "HGETALL h"] {
        send(&mut session, line);
    }
    let expected = "+OK $v :1 Null -ERR unknown command 'NOSUCH', with args beginning with:  :1 \
                    Array(2) $f $1";
    assert_eq!(heard(&mut session), expected);
}

#[test]
fn shapes_follow_the_protocol() {
    let (store, _) = store();
    let mut session = store.session().unwrap();
    send(&mut session, "ZADD z 1.5 m");
    send(&mut session, "ZSCORE z m");
    assert_eq!(heard(&mut session), ":1 $1.5");
    send(&mut session, "HELLO 3");
    heard(&mut session);
    for line in ["ZSCORE z m", "HSET h f v", "HGETALL h", "SUBSCRIBE c"] {
        send(&mut session, line);
    }
    assert_eq!(heard(&mut session), "Double(1.5) :1 Map(1) $f $v Push(3) $subscribe $c :1");
}

#[test]
fn a_blocked_session_is_woken_by_who_pushes_and_goes_on_with_what_was_sent_since() {
    let (store, _) = store();
    let (mut waiting, mut other) = (store.session().unwrap(), store.session().unwrap());
    send(&mut waiting, "BLPOP list 0");
    send(&mut waiting, "PING");
    assert!(waiting.receive().is_none());
    assert!(!is_readable(&waiting));
    send(&mut other, "RPUSH list a b");
    assert!(is_readable(&waiting));
    assert_eq!(heard(&mut waiting), "Array(2) $list $a +PONG");
    assert!(!is_readable(&waiting));
    send(&mut other, "LRANGE list 0 -1");
    assert_eq!(heard(&mut other), ":2 Array(1) $b");
}

#[test]
fn a_wait_ends_with_its_time() {
    let (store, clock) = store();
    let mut session = store.session().unwrap();
    send(&mut session, "BLPOP list 2");
    assert_eq!(session.due_in(), Some(Duration::from_secs(2)));
    clock.advance_ms(1999);
    assert!(session.receive().is_none());
    clock.advance_ms(1);
    assert_eq!(session.due_in(), Some(Duration::ZERO));
    assert_eq!(heard(&mut session), "Null");
    assert_eq!(session.due_in(), None);
}

#[test]
fn what_a_dropped_session_was_given_goes_back() {
    let (store, _) = store();
    let (mut waiting, mut other) = (store.session().unwrap(), store.session().unwrap());
    send(&mut waiting, "BLPOP list 0");
    send(&mut other, "RPUSH list only");
    drop(waiting);
    send(&mut other, "LPOP list");
    assert_eq!(heard(&mut other), ":1 $only");
}

#[test]
fn messages_reach_subscribers_in_order() {
    let (store, _) = store();
    let (mut subscriber, mut other) = (store.session().unwrap(), store.session().unwrap());
    send(&mut subscriber, "SUBSCRIBE news");
    assert_eq!(heard(&mut subscriber), "Array(3) $subscribe $news :1");
    subscriber.descriptor().unwrap();
    send(&mut other, "PUBLISH news one");
    send(&mut other, "PUBLISH news two");
    assert!(is_readable(&subscriber));
    let expected = "Array(3) $message $news $one Array(3) $message $news $two";
    assert_eq!(heard(&mut subscriber), expected);
}

#[test]
fn a_pause_holds_requests_until_it_ends() {
    let (store, clock) = store();
    let (mut paused, mut other) = (store.session().unwrap(), store.session().unwrap());
    paused.descriptor().unwrap();
    send(&mut other, "CLIENT PAUSE 1000 WRITE");
    send(&mut paused, "SET k 1");
    send(&mut paused, "GET k");
    assert_eq!(heard(&mut paused), "");
    assert_eq!(paused.due_in(), Some(Duration::from_secs(1)));
    clock.advance_ms(1000);
    assert_eq!(heard(&mut paused), "+OK $1");
    send(&mut other, "CLIENT PAUSE 1000 WRITE");
    send(&mut paused, "SET k 2");
    send(&mut other, "CLIENT UNPAUSE");
    assert!(is_readable(&paused));
    assert_eq!(heard(&mut paused), "+OK");
}

#[test]
fn a_killed_session_is_closed_and_replies_may_be_turned_off() {
    let (store, _) = store();
    let (mut victim, mut other) = (store.session().unwrap(), store.session().unwrap());
    for line in ["CLIENT REPLY SKIP", "PING", "CLIENT REPLY OFF", "PING", "CLIENT REPLY ON"] {
        send(&mut victim, line);
    }
    assert_eq!(heard(&mut victim), "+OK");
    send(&mut other, &format!("CLIENT KILL ID {}", victim.id()));
    assert_eq!(heard(&mut other), ":1");
    assert!(victim.receive().is_none());
    assert!(victim.is_closed());
    send(&mut victim, "SET k v");
    send(&mut other, "EXISTS k");
    assert_eq!(heard(&mut other), ":0");
}

#[test]
fn what_is_held_for_a_session_is_bounded() {
    let (store, _) = store();
    let mut session = store.session().unwrap();
    send(&mut session, "CONFIG SET client-query-buffer-limit 1mb");
    send(&mut session, "BLPOP list 0");
    let value = vec![b'x'; 600_000];
    session.send(&[b"SET", b"k", &value]);
    assert!(!session.is_closed());
    session.send(&[b"SET", b"k", &value]);
    assert!(session.is_closed());
}

#[test]
fn replies_that_were_taken_and_put_back_stay_in_order() {
    let (store, _) = store();
    let mut session = store.session().unwrap();
    for line in ["ECHO a", "ECHO b"] {
        send(&mut session, line);
    }
    let mut replies = session.take_replies().unwrap();
    assert_eq!(replies.next_item(), Some(Item::Bulk(b"a")));
    send(&mut session, "ECHO c");
    session.put_back(replies);
    assert_eq!(heard(&mut session), "$b $c");
}

#[test]
fn threads_that_meet_at_a_key_all_come_through() {
    let (store, _) = store();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let mut session = store.session().unwrap();
                for _ in 0..2000 {
                    session.send(&[b"INCR", b"n"]);
                    session.push_on();
                    let replies = session.receive().unwrap();
                    assert!(matches!(replies.next_item(), Some(Item::Int(_))));
                    replies.recycle();
                }
            });
        }
    });
    assert_eq!(store.get("n").unwrap().as_deref(), Some(&b"8000"[..]));
}
