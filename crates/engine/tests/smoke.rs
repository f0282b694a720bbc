//! The first commands through the front door.

use larder_engine::testing::{TestEngine, send};

#[test]
fn set_get_del_and_expiry() {
    let t = TestEngine::new(4);
    let (mut s, _mailbox) = t.session();
    assert_eq!(send(&mut s, "SET k v"), b"+OK\r\n");
    assert_eq!(send(&mut s, "GET k"), b"$1\r\nv\r\n");
    assert_eq!(send(&mut s, "SET k w PX 100"), b"+OK\r\n");
    t.clock.advance_ms(99);
    assert_eq!(send(&mut s, "GET k"), b"$1\r\nw\r\n");
    t.clock.advance_ms(1);
    assert_eq!(send(&mut s, "GET k"), b"$-1\r\n");
    assert_eq!(send(&mut s, "DEL k"), b":0\r\n");
    assert_eq!(
        send(&mut s, "NOPE a b"),
        b"-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' \r\n"
    );
    assert_eq!(send(&mut s, "GET"), b"-ERR wrong number of arguments for 'get' command\r\n");
}

#[test]
fn many_keys_survive_growth_and_expiry() {
    let t = TestEngine::new(4);
    let (mut s, _mailbox) = t.session();
    for i in 0..20_000 {
        let ttl = if i % 2 == 0 { format!(" PX {}", 1 + i % 5000) } else { String::new() };
        assert_eq!(send(&mut s, &format!("SET key:{i} value-{i}{ttl}")), b"+OK\r\n");
    }
    t.clock.advance_ms(2500);
    let mut work = Default::default();
    let mut rounds = 0;
    while t.engine.expire_due(&mut work).is_some_and(|next| next <= 1_700_000_002_500) {
        rounds += 1;
        assert!(rounds < 10_000);
    }
    for i in 0..20_000 {
        let reply = send(&mut s, &format!("GET key:{i}"));
        if i % 2 == 0 && i % 5000 < 2500 {
            assert_eq!(reply, b"$-1\r\n", "key {i}");
        } else {
            let value = format!("value-{i}");
            assert_eq!(reply, format!("${}\r\n{value}\r\n", value.len()).as_bytes(), "key {i}");
        }
    }
    for i in 0..20_000 {
        send(&mut s, &format!("DEL key:{i}"));
    }
}
