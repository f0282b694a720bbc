//! `<container> HELP`, the same for every container: its subcommands with their syntax and what
//! they do, as their SPECs say.

use super::find;
use crate::command::Ctx;
use crate::error::Error;
use crate::reply::Reply;
use crate::spec::{Categories, Entry, Group, Spec, flag};

/// What is known of `HELP`; containers fill in where it belongs.
pub(crate) const fn spec(group: Group, since: &'static str, acl: Categories) -> Spec {
    Spec {
        name: "help",
        summary: "Returns helpful text about the different subcommands.",
        group,
        since,
        complexity: "O(1)",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        acl,
        ..Spec::BASE
    }
}

/// The entry of a container's `HELP`.
pub(crate) const fn entry(spec: &'static Spec) -> Entry {
    Entry {
        spec,
        invoke: Some(help),
        #[cfg(test)]
        round_trip: None,
    }
}

fn help(_: &mut Ctx<'_, '_>, words: &[&[u8]], reply: &mut dyn Reply) -> Result<(), Error> {
    let Some(container) = words.first().and_then(|name| find(name)) else {
        return Err(Error::Syntax);
    };
    let name = container.spec.name.to_uppercase();
    let mut lines =
        vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for Entry { spec, .. } in container.spec.subcommands {
        let name = spec.name.to_uppercase();
        lines.push(format!("{name} {}", spec.syntax).trim_end().to_owned());
        lines.push(format!("    {}", spec.summary));
    }
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}
