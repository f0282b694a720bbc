//! What the sockets and the engine have to say (events of `tracing`), and panics, as lines of the
//! log.
//!
//! Only events of Larder's own crates; spans are not used there.

use crate::logging::{Log, LogLevel};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Brings events and panics to `log` from here on.
pub fn install(log: &Log) {
    // A second log in one process (a test) leaves the first in place.
    let _ = tracing::subscriber::set_global_default(ToLog(log.clone()));
    let log = log.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        log.warning(&format!("a fault in Larder, please report it: {panic}"));
        before(panic);
    }));
}

struct ToLog(Log);

impl Subscriber for ToLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("larder")
            && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            Level::ERROR | Level::WARN => LogLevel::Warning,
            Level::INFO => LogLevel::Notice,
            Level::DEBUG => LogLevel::Verbose,
            Level::TRACE => LogLevel::Debug,
        };
        let mut line = Line::default();
        event.record(&mut line);
        self.0.log(level, &format!("{}{}", line.message, line.fields));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, and its other fields as ` name=value`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test that reads its log")]
    fn events_of_larder_become_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Log::open(LogLevel::Notice, Some(&path)).unwrap();
        tracing::subscriber::with_default(ToLog(log), || {
            tracing::warn!(target: "larder_net", client = 7, "a peer is {}", "gone");
            tracing::debug!(target: "larder_net", "hidden");
            tracing::warn!(target: "hyper", "not ours");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.ends_with(" # a peer is gone client=7\n"), "{text}");
    }
}
