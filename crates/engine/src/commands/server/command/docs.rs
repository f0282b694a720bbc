//! `COMMAND DOCS [name ...]`
//!
//! What commands do, for people: summary, version, group, complexity, arguments, subcommands, as a
//! map by name. Names that are unknown are left out.

use super::arguments::{Argument, Shape, arguments_of};
use super::{SUB, by_name, commands, known};
use crate::args::Args;
use crate::command::{Command, Ctx, Words};
use crate::commands::Known;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Spec, flag};

/// What is known of `COMMAND DOCS`.
pub(super) const SPEC_DOCS: Spec = Spec {
    name: "docs",
    syntax: "[command-name [command-name ...]]",
    summary: "Returns documentary information about one, multiple or all commands.",
    complexity: "O(N) where N is the number of commands to look up",
    ..SUB
};

/// `COMMAND DOCS`
#[derive(Debug, Clone)]
pub struct Docs<'a> {
    /// The commands; none means all.
    pub names: &'a [&'a [u8]],
}

impl<'a> Command<'a> for Docs<'a> {
    const SPEC: &'static Spec = &SPEC_DOCS;

    fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        Ok(Docs { names: args.rest() })
    }

    fn words(&self, words: &mut Words<'_>) {
        words.all(self.names);
    }

    fn keys(&self, _: &mut dyn FnMut(&'a [u8])) {}

    fn run(&self, _: &mut Ctx<'_, '_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let found: Vec<&Known> = match self.names {
            [] => commands().collect(),
            names => names.iter().filter_map(|name| by_name(name)).collect(),
        };
        reply.map(found.len());
        found.iter().for_each(|known| document(known, reply));
        Ok(())
    }
}

/// A command's name and its map.
fn document(known: &Known, reply: &mut dyn Reply) {
    let spec = known.entry.spec;
    let arguments = arguments_of(spec);
    let is_container = known.entry.invoke.is_none();
    let facts: [(&str, &str); 4] = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", if is_container { "" } else { spec.complexity }),
    ];
    let facts = facts.iter().filter(|(_, text)| !text.is_empty());
    let admin = spec.has(flag::PROTECTED);
    reply.bulk(known.name.as_bytes());
    reply.map(
        facts.clone().count()
            + usize::from(admin)
            + usize::from(!arguments.is_empty())
            + usize::from(!spec.subcommands.is_empty()),
    );
    for (name, text) in facts {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if admin {
        reply.bulk(b"doc_flags");
        reply.set(1);
        reply.simple("syscmd");
    }
    if !arguments.is_empty() {
        reply.bulk(b"arguments");
        reply.array(arguments.len());
        arguments.iter().for_each(|argument| document_argument(argument, spec, reply));
    }
    if !spec.subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(spec.subcommands.len());
        spec.subcommands.iter().for_each(|sub| document(self::known(sub), reply));
    }
}

fn document_argument(argument: &Argument, spec: &Spec, reply: &mut dyn Reply) {
    let text = |reply: &mut dyn Reply, name: &str, text: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    };
    let Argument { name, token, shape, optional, multiple } = argument;
    let flags = [(*optional, "optional"), (*multiple, "multiple")];
    let flags: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    let inner = match shape {
        Shape::OneOf(inner) | Shape::Block(inner) => Some(inner),
        Shape::Token | Shape::Value(_) => None,
    };
    let key = matches!(shape, Shape::Value("key")) && !spec.keys.is_empty();
    let display = inner.is_none() && !matches!(shape, Shape::Token);
    reply.map(
        2 + usize::from(display)
            + usize::from(key)
            + usize::from(token.is_some())
            + usize::from(!flags.is_empty())
            + usize::from(inner.is_some()),
    );
    text(reply, "name", name);
    text(reply, "type", shape.name());
    if display {
        text(reply, "display_text", name);
    }
    if key {
        reply.bulk(b"key_spec_index");
        reply.int(0);
    }
    if let Some(token) = token {
        text(reply, "token", token);
    }
    if !flags.is_empty() {
        reply.bulk(b"flags");
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
    }
    if let Some(inner) = inner {
        reply.bulk(b"arguments");
        reply.array(inner.len());
        inner.iter().for_each(|argument| document_argument(argument, spec, reply));
    }
}
