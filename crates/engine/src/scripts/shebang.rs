//! The first line of a script or library: `#!lua name=mylib flags=no-writes,allow-stale`.

use crate::error::Error;
use larder_lua::{FunctionFlags, is_name};
use larder_resp::split_quoted;

/// What a script says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScriptFlags {
    /// It has such a line: what it does not say does not hold.
    pub declared: bool,
    /// What it says.
    pub said: FunctionFlags,
}

/// Reads a script's first line; the source to compile, in which that line is empty.
///
/// # Errors
/// The line begins like one of these and makes no sense.
pub fn of_script(source: &[u8]) -> Result<(ScriptFlags, &[u8]), Error> {
    let Some(line) = source.strip_prefix(b"#!") else {
        return Ok((ScriptFlags::default(), source));
    };
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        return Err(Error::text("ERR Invalid script shebang"));
    };
    let mut words = line[..end].split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    if words.next() != Some(b"lua") {
        let engine = String::from_utf8_lossy(&source[..end + 2]).into_owned();
        return Err(Error::owned(format!("ERR Unexpected engine in script shebang: {engine}")));
    }
    let mut flags = ScriptFlags { declared: true, ..ScriptFlags::default() };
    for word in words {
        let Some(names) = word.strip_prefix(b"flags=") else {
            let word = String::from_utf8_lossy(word);
            return Err(Error::owned(format!("ERR Unknown lua shebang option: {word}")));
        };
        for name in names.split(|&byte| byte == b',').filter(|name| !name.is_empty()) {
            if !flags.said.set(name) {
                let name = String::from_utf8_lossy(name);
                return Err(Error::owned(format!("ERR Unexpected flag in script shebang: {name}")));
            }
        }
    }
    Ok((flags, &line[end..]))
}

/// Reads a library's first line; its name and the source to compile, in which that line is empty.
///
/// # Errors
/// There is no such line, or it makes no sense.
pub fn of_library(code: &[u8]) -> Result<(String, &[u8]), Error> {
    let line = code.strip_prefix(b"#!").ok_or(Error::text("ERR Missing library metadata"))?;
    let end = line.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or(Error::text("ERR Invalid library metadata"))?;
    let words =
        split_quoted(&line[..end]).map_err(|_| Error::text("ERR Invalid library metadata"))?;
    let has_engine = line.first().is_some_and(|byte| !byte.is_ascii_whitespace());
    let (engine, words) = match words.split_first() {
        Some((engine, rest)) if has_engine => (&engine[..], rest),
        _ => (&b""[..], &words[..]),
    };
    if !engine.eq_ignore_ascii_case(b"lua") {
        let engine = String::from_utf8_lossy(engine);
        return Err(Error::owned(format!("ERR Engine '{engine}' not found")));
    }
    let mut name = None;
    for word in words {
        let Some(value) = word.strip_prefix(b"name=") else {
            let word = String::from_utf8_lossy(word);
            return Err(Error::owned(format!("ERR Invalid metadata value given: {word}")));
        };
        if name.replace(value).is_some() {
            return Err(Error::text(
                "ERR Invalid metadata value, name argument was given multiple times",
            ));
        }
    }
    let name = name.ok_or(Error::text("ERR Library name was not given"))?;
    if !is_name(name) {
        return Err(Error::text(
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at \
             least one character long",
        ));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), &line[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_is_read_and_left_empty() {
        let (flags, rest) = of_script(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        let FunctionFlags { no_writes, allow_oom, allow_stale, .. } = flags.said;
        assert!(flags.declared && no_writes && allow_oom && !allow_stale);
        assert_eq!(rest, b"\nreturn 1");
        assert_eq!(of_script(b"return 1").unwrap(), (ScriptFlags::default(), &b"return 1"[..]));
        for bad in [&b"#!lua"[..], b"#!perl\n", b"#!lua flags=what\n", b"#!lua name=x\n"] {
            assert!(of_script(bad).is_err());
        }
    }
}
