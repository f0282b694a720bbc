//! Scripts through a session: what they answer, what they may touch, what they may not.

use larder_engine::testing::TestEngine;

fn run(engine: &TestEngine, requests: &[&[&str]]) -> String {
    let (mut session, _) = engine.session();
    let mut out = Vec::new();
    for request in requests {
        let words: Vec<&[u8]> = request.iter().map(|word| word.as_bytes()).collect();
        let _ = session.execute(&words, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn eval(script: &str) -> String {
    run(&TestEngine::new(16), &[&["EVAL", script, "0"]])
}

#[test]
fn values_become_replies() {
    for (script, reply) in [
        ("return 1", ":1\r\n"),
        ("return 3.9", ":3\r\n"),
        ("return 'a'", "$1\r\na\r\n"),
        ("return true", ":1\r\n"),
        ("return false", "$-1\r\n"),
        ("return nil", "$-1\r\n"),
        ("return {1,2,nil,4}", "*2\r\n:1\r\n:2\r\n"),
        ("return {ok='fine'}", "+fine\r\n"),
        ("return redis.status_reply('x')", "+x\r\n"),
        ("return redis.error_reply('MY ERR')", "-MY ERR\r\n"),
        ("return redis.error_reply('ERR')", "-ERR ERR\r\n"),
        ("return redis.error_reply('-MY ERR')", "-MY ERR\r\n"),
        ("return {double=3.5}", "$3\r\n3.5\r\n"),
        ("return redis.sha1hex('')", "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"),
    ] {
        assert_eq!(eval(script), reply, "{script}");
    }
}

#[test]
fn calls_are_commands_also_of_keys_that_were_not_named() {
    let engine = TestEngine::new(16);
    let script = "redis.call('set', KEYS[1], ARGV[1]) \
                  for i = 1, 40 do redis.call('incrby', 'other:' .. i, i) end \
                  return {redis.call('get', KEYS[1]), redis.call('get', 'other:7')}";
    assert_eq!(run(&engine, &[&["EVAL", script, "1", "k", "v"]]), "*2\r\n$1\r\nv\r\n$1\r\n7\r\n");
    assert_eq!(run(&engine, &[&["DBSIZE"]]), ":41\r\n");
}

#[test]
fn errors_say_where_they_come_from() {
    let sha =
        |script: &str| eval(&format!("return redis.sha1hex([==[{script}]==])"))[5..45].to_owned();
    for (script, text) in [
        ("return redis.call('nosuch')", "ERR Unknown Redis command called from script"),
        ("return redis.call('incr')", "ERR Wrong number of args calling Redis command from script"),
        (
            "return redis.call('eval', 'x', '0')",
            "ERR This Redis command is not allowed from script",
        ),
        (
            "redis.call('set','a','b') return redis.call('incr','a')",
            "ERR value is not an integer or out of range",
        ),
        ("error('own')", "ERR user_script:1: own"),
        ("error({err='CODE mine'})", "CODE mine"),
        ("x = 1", "ERR user_script:1: Attempt to modify a readonly table"),
        (
            "return x",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'x'",
        ),
        ("redis.call = nil", "ERR user_script:1: Attempt to modify a readonly table"),
    ] {
        let expected = format!("-{text} script: {}, on @user_script:1.\r\n", sha(script));
        assert_eq!(eval(script), expected, "{script}");
    }
    assert_eq!(
        eval("return redis.pcall('nosuch').err"),
        "$44\r\nERR Unknown Redis command called from script\r\n"
    );
    assert!(
        eval("return (").starts_with("-ERR Error compiling script (new function): user_script:1:")
    );
}

#[test]
fn scripts_are_known_by_their_sums() {
    let engine = TestEngine::new(16);
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    let out = run(
        &engine,
        &[
            &["EVALSHA", sha, "0"],
            &["SCRIPT", "LOAD", "return 1"],
            &["EVALSHA", &sha.to_uppercase(), "0"],
            &["SCRIPT", "EXISTS", sha, "x"],
            &["SCRIPT", "FLUSH"],
            &["SCRIPT", "EXISTS", sha],
            &["SCRIPT", "KILL"],
        ],
    );
    assert_eq!(
        out,
        format!(
            "-NOSCRIPT No matching script. Please use EVAL.\r\n$40\r\n{sha}\r\n:1\r\n*2\r\n:1\r\n:0\r\n+OK\r\n*1\r\n:0\r\n\
         -NOTBUSY No scripts in execution right now.\r\n"
        )
    );
}
