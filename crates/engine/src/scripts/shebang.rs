//! The first line of a script or library: `#!lua name=mylib flags=no-writes,allow-stale`.

use crate::error::Error;

/// What a script says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScriptFlags {
    /// It has such a line: what it does not say does not hold.
    pub declared: bool,
    /// `no-writes`
    pub no_writes: bool,
    /// `allow-oom`
    pub allow_oom: bool,
    /// `allow-stale`
    pub allow_stale: bool,
    /// `no-cluster`
    pub no_cluster: bool,
    /// `allow-cross-slot-keys`
    pub allow_cross_slot_keys: bool,
}

impl ScriptFlags {
    /// Sets the flag of a name; false when there is none.
    pub fn set(&mut self, name: &[u8]) -> bool {
        let flag = match name {
            b"no-writes" => &mut self.no_writes,
            b"allow-oom" => &mut self.allow_oom,
            b"allow-stale" => &mut self.allow_stale,
            b"no-cluster" => &mut self.no_cluster,
            b"allow-cross-slot-keys" => &mut self.allow_cross_slot_keys,
            _ => return false,
        };
        *flag = true;
        true
    }
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
            if !flags.set(name) {
                let name = String::from_utf8_lossy(name);
                return Err(Error::owned(format!("ERR Unexpected flag in script shebang: {name}")));
            }
        }
    }
    Ok((flags, &line[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_is_read_and_left_empty() {
        let (flags, rest) = of_script(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        assert!(flags.declared && flags.no_writes && flags.allow_oom && !flags.allow_stale);
        assert_eq!(rest, b"\nreturn 1");
        assert_eq!(of_script(b"return 1").unwrap(), (ScriptFlags::default(), &b"return 1"[..]));
        for bad in [&b"#!lua"[..], b"#!perl\n", b"#!lua flags=what\n", b"#!lua name=x\n"] {
            assert!(of_script(bad).is_err());
        }
    }
}
