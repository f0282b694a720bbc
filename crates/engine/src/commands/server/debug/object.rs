//! `DEBUG OBJECT`, `SDSLEN`, `LISTPACK`, `QUICKLIST`: how a value is held.

use crate::command::Ctx;
use crate::commands::generic::object::encoding_of;
use crate::config::Id;
use crate::error::Error;
use crate::keys::Keys;
use crate::keyspace::{Kind, ValueRef};
use crate::reply::Reply;
use crate::values::Object;
use crate::values::dump;
use crate::values::list::{Chunks, Node};
use larder_codec::integer::parse_i64_canonical;
use larder_codec::listpack;
use larder_codec::rdb::{Version, Writer};
use std::fmt::Write;

/// `DEBUG OBJECT`: one line.
///
/// # Errors
/// Without the key.
pub(super) fn describe(
    ctx: &Ctx<'_, '_>,
    key: &[u8],
    fast: bool,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let (keys, config) = (&*ctx.keys, ctx.config());
    let value = keys.peek(keys.db(), key).ok_or(Error::NoSuchKey)?;
    let mut line =
        format!("Value at:{:p} refcount:1 encoding:{}", address(value), encoding_of(value));
    if !fast {
        let version = dump::version_of(value, dump::Choice::of(config)).unwrap_or(Version::V12);
        let mut writer = Writer::new(Vec::new(), config.flag(Id::Rdbcompression));
        dump::write(value, version, &mut writer);
        // The form's number is not part of the value.
        add(&mut line, format_args!(" serializedlength:{}", writer.len() - 1));
    }
    let bits = keys.access_bits(key).unwrap_or(0);
    match (keys.idle_seconds(key).flatten(), keys.frequency(key).flatten()) {
        (Some(idle), _) => add(&mut line, format_args!(" lru:{bits} lru_seconds_idle:{idle}")),
        (None, Some(frequency)) => {
            let minutes = bits >> 8;
            let text = format_args!(" lfu_freq:{frequency} lfu_access_time_minutes:{minutes}");
            add(&mut line, text);
        }
        (None, None) => {}
    }
    if let ValueRef::Object(_, Object::List(list)) = value {
        describe_nodes(list, config.list_max_listpack_size(), fast, &mut line);
    }
    reply.simple(&line);
    Ok(())
}

/// `DEBUG SDSLEN`: lengths of a key and its string. A string has no room to spare in its entry.
///
/// # Errors
/// Without the key, or where its value is not text.
pub(super) fn lengths(keys: &Keys<'_>, key: &[u8], reply: &mut dyn Reply) -> Result<(), Error> {
    let value = keys.peek(keys.db(), key).ok_or(Error::NoSuchKey)?;
    let text = match value {
        ValueRef::String(text, _) if parse_i64_canonical(text).is_none() => text,
        _ => return Err(Error::text("ERR Not an sds encoded string.")),
    };
    let bytes = keys.bytes_of(keys.db(), key).unwrap_or(0);
    reply.simple(&format!(
        "key_sds_len:{} key_sds_avail:0 obj_alloc:{bytes} val_sds_len:{} val_sds_avail:0 \
         val_alloc:0",
        key.len(),
        text.len(),
    ));
    Ok(())
}

/// `DEBUG LISTPACK`: a line about the listpack, and one for each of its elements.
///
/// # Errors
/// Without the key, or where its value is no listpack.
pub(super) fn list_pack(ctx: &Ctx<'_, '_>, key: &[u8], reply: &mut dyn Reply) -> Result<(), Error> {
    let value = ctx.keys.peek(ctx.keys.db(), key).ok_or(Error::NoSuchKey)?;
    let lp = match value {
        ValueRef::Packed(kind, lp) if kind != Kind::SetInts => lp,
        _ => return Err(Error::text("ERR Not a listpack encoded object.")),
    };
    let mut text = String::new();
    show_listpack(lp, &mut text);
    reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// `DEBUG QUICKLIST`: a line for each node of a long list, and with `full` its elements.
///
/// # Errors
/// Without the key, or where its value is no long list.
pub(super) fn quick_list(
    keys: &Keys<'_>,
    key: &[u8],
    full: bool,
    reply: &mut dyn Reply,
) -> Result<(), Error> {
    let list = match keys.peek(keys.db(), key).ok_or(Error::NoSuchKey)? {
        ValueRef::Object(_, Object::List(list)) => list,
        _ => return Err(Error::text("ERR Not a quicklist encoded object.")),
    };
    let mut text = String::new();
    add(&mut text, format_args!("{{count : {}}}\n{{len : {}}}\n", list.len(), list.nodes().len()));
    for (number, node) in list.nodes().enumerate() {
        let (container, bytes, count) = match node {
            Node::Packed(lp) => ("PACKED", lp, listpack::len(lp)),
            Node::Plain(element) => ("PLAIN", element, 1),
        };
        let size = bytes.len();
        let line = format_args!(
            "{{quicklist node({number})\n{{container : {container}, size: {size}, count: {count}}}\n"
        );
        add(&mut text, line);
        if full && container == "PACKED" {
            show_listpack(bytes, &mut text);
        } else if full {
            add(&mut text, format_args!("{}\n", bytes.escape_ascii()));
        }
    }
    reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

fn describe_nodes(list: &Chunks, fill: i64, fast: bool, line: &mut String) {
    let nodes = list.nodes().len();
    let average = list.len() as f64 / nodes as f64;
    let figures = format_args!(
        " ql_nodes:{nodes} ql_avg_node:{average:.2} ql_listpack_max:{fill} ql_compressed:0"
    );
    add(line, figures);
    if !fast {
        let bytes: usize = list
            .nodes()
            .map(|node| match node {
                Node::Packed(bytes) | Node::Plain(bytes) => bytes.len(),
            })
            .sum();
        add(line, format_args!(" ql_uncompressed_size:{bytes}"));
    }
}

fn show_listpack(lp: &[u8], text: &mut String) {
    let (bytes, count) = (lp.len(), listpack::len(lp));
    add(text, format_args!("{{total bytes {bytes}}} {{num entries {count}}}\n"));
    let mut pos = listpack::first(lp);
    let mut index = 0;
    while let Some(at) = pos {
        let span = listpack::span(lp, at);
        let shown = listpack::entry(lp, at).to_cow();
        let (offset, size, shown) = (span.start, span.len(), shown.escape_ascii());
        add(text, format_args!("{{index {index}, offset {offset}, entry size {size}}} {shown}\n"));
        pos = listpack::next(lp, at);
        index += 1;
    }
}

/// Where a value lies.
fn address(value: ValueRef<'_>) -> *const u8 {
    match value {
        ValueRef::String(bytes, _) | ValueRef::Packed(_, bytes) => bytes.as_ptr(),
        ValueRef::Object(_, object) => std::ptr::from_ref(object).cast(),
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(more);
}
