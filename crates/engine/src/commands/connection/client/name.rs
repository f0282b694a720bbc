//! `CLIENT GETNAME` · `CLIENT SETNAME name` · `CLIENT SETINFO LIB-NAME|LIB-VER value`
//!
//! What the client calls itself, for `CLIENT LIST`; an empty name is none. O(1).

use super::super::super::nullary;
use super::SUB;
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::Spec;

/// What is known of `CLIENT GETNAME`.
pub const SPEC_GETNAME: Spec =
    Spec { name: "getname", summary: "Returns the name of the connection.", since: "2.6.9", ..SUB };

/// What is known of `CLIENT SETNAME`.
pub const SPEC_SETNAME: Spec = Spec {
    name: "setname",
    syntax: "connection-name",
    summary: "Sets the connection name.",
    since: "2.6.9",
    arity: 3,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// What is known of `CLIENT SETINFO`.
pub const SPEC_SETINFO: Spec = Spec {
    name: "setinfo",
    syntax: "<LIB-NAME libname | LIB-VER libver>",
    summary: "Sets information specific to the client or connection.",
    since: "7.2.0",
    arity: 4,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..SUB
};

/// Whose name it is: the error says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The client's.
    Client,
    /// Its library's.
    LibName,
    /// That one's version.
    LibVer,
}

/// A name that can stand in a line of `CLIENT LIST`.
///
/// # Errors
/// It has spaces, newlines or other characters that would break the line.
pub(crate) fn checked(name: &[u8], whose: Names) -> Result<String, Error> {
    match std::str::from_utf8(name) {
        Ok(text) if name.iter().all(|byte| matches!(byte, b'!'..=b'~')) => Ok(text.to_owned()),
        _ => Err(Error::text(match whose {
            Names::Client => {
                "ERR Client names cannot contain spaces, newlines or special characters."
            }
            Names::LibName => "ERR lib-name cannot contain spaces, newlines or special characters.",
            Names::LibVer => "ERR lib-ver cannot contain spaces, newlines or special characters.",
        })),
    }
}

/// `CLIENT GETNAME`
#[derive(Debug, Clone, Copy)]
pub struct GetName;

nullary!(GetName, SPEC_GETNAME, |ctx, reply| {
    let name = ctx.session.client.name();
    reply.bulk_or_null((!name.is_empty()).then_some(name.as_bytes()));
    Ok(())
});

/// `CLIENT SETNAME`
#[derive(Debug, Clone)]
pub struct SetName<'a> {
    /// The name.
    pub name: &'a [u8],
}

impl<'a> Command<'a> for SetName<'a> {
    const SPEC: &'static Spec = &SPEC_SETNAME;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(SetName { name: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.name);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let name = checked(self.name, Names::Client)?;
        ctx.session.client.names.lock().name = name;
        reply.ok();
        Ok(())
    }
}

/// `CLIENT SETINFO`
#[derive(Debug, Clone)]
pub struct SetInfo<'a> {
    /// What is set, as it was given.
    pub option: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Command<'a> for SetInfo<'a> {
    const SPEC: &'static Spec = &SPEC_SETINFO;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(SetInfo { option: args.word()?, value: args.word()? })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.push(self.option).push(self.value);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, ctx: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let client = &ctx.session.client;
        if self.option.eq_ignore_ascii_case(b"LIB-NAME") {
            let name = checked(self.value, Names::LibName)?;
            client.names.lock().lib_name = name;
        } else if self.option.eq_ignore_ascii_case(b"LIB-VER") {
            let version = checked(self.value, Names::LibVer)?;
            client.names.lock().lib_ver = version;
        } else {
            let option = String::from_utf8_lossy(self.option);
            return Err(Error::owned(format!("ERR Unrecognized option '{option}'")));
        }
        reply.ok();
        Ok(())
    }
}
