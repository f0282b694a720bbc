//! `FUNCTION STATS` · `FUNCTION KILL`
//!
//! The function that is over its time, and how many there are; and its end, unless it has changed
//! data. Both are answered while it runs. O(1).
//!
//! Effect: none.

use super::READS;
use crate::commands::nullary;
use crate::spec::{Spec, flag};

/// What is known of `FUNCTION STATS`.
pub const STATS: Spec = Spec {
    name: "stats",
    summary: "Returns information about a function during execution.",
    complexity: "O(1)",
    arity: 2,
    flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..READS
};

/// What is known of `FUNCTION KILL`.
pub const KILL: Spec = Spec {
    name: "kill",
    summary: "Terminates a function during execution.",
    complexity: "O(1)",
    arity: 2,
    flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..READS
};

/// `FUNCTION STATS`
#[derive(Debug, Clone, Copy)]
pub struct Stats;

nullary!(Stats, STATS, |ctx, reply| {
    let scripts = &ctx.engine.scripts;
    let (libraries, functions) = scripts.libraries.lock().counts();
    reply.map(2);
    reply.bulk(b"running_script");
    match scripts.running.slow_function(ctx.engine.now_us()) {
        None => reply.null(),
        Some((slow, took_ms)) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(slow.name.as_bytes());
            reply.bulk(b"command");
            reply.array(slow.words.len());
            slow.words.iter().for_each(|word| reply.bulk(word));
            reply.bulk(b"duration_ms");
            reply.int(took_ms.cast_signed());
        }
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.int(libraries as i64);
    reply.bulk(b"functions_count");
    reply.int(functions as i64);
    Ok(())
});

/// `FUNCTION KILL`
#[derive(Debug, Clone, Copy)]
pub struct Kill;

nullary!(Kill, KILL, |ctx, reply| {
    let running = &ctx.engine.scripts.running;
    running.kill(true).map_err(|why| running.refusal(why))?;
    reply.ok();
    Ok(())
});
