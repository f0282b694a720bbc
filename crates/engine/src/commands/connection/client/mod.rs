//! `CLIENT <subcommand>`: this connection, and the others.

pub mod filter;
pub mod info;
pub mod kill;
pub mod mode;
pub mod name;
pub mod pause;
pub mod tracking;
pub mod unblock;

use super::super::{help, subcommand};
use crate::spec::{Entry, Group, Spec, acl, flag};
use info::{Id, Info, List};
use kill::Kill;
use mode::{NoEvict, NoTouch, Replies};
use name::{GetName, SetInfo, SetName};
use pause::{Pause, Unpause};
use tracking::{Caching, GetRedir, Tracking, TrackingInfo};
use unblock::Unblock;

/// What is known of `CLIENT`.
pub const SPEC: Spec = Spec {
    name: "client",
    summary: "A container for client connection commands.",
    since: "2.4.0",
    group: Group::Connection,
    complexity: "Depends on subcommand.",
    arity: -2,
    subcommands: &[
        subcommand!(SPEC_CACHING, Caching),
        subcommand!(plain SPEC_GETNAME, GetName),
        subcommand!(plain SPEC_GETREDIR, GetRedir),
        HELP,
        subcommand!(plain SPEC_ID, Id),
        subcommand!(plain SPEC_INFO, Info),
        subcommand!(SPEC_KILL, Kill),
        subcommand!(SPEC_LIST, List),
        subcommand!(plain SPEC_NO_EVICT, NoEvict),
        subcommand!(plain SPEC_NO_TOUCH, NoTouch),
        subcommand!(plain SPEC_PAUSE, Pause),
        subcommand!(plain SPEC_REPLY, Replies),
        subcommand!(SPEC_SETINFO, SetInfo),
        subcommand!(SPEC_SETNAME, SetName),
        subcommand!(SPEC_TRACKING, Tracking),
        subcommand!(plain SPEC_TRACKINGINFO, TrackingInfo),
        subcommand!(plain SPEC_UNBLOCK, Unblock),
        subcommand!(plain SPEC_UNPAUSE, Unpause),
    ],
    ..Spec::BASE
};

use info::{SPEC_ID, SPEC_INFO, SPEC_LIST};
use kill::SPEC_KILL;
use mode::{SPEC_NO_EVICT, SPEC_NO_TOUCH, SPEC_REPLY};
use name::{SPEC_GETNAME, SPEC_SETINFO, SPEC_SETNAME};
use pause::{SPEC_PAUSE, SPEC_UNPAUSE};
use tracking::{SPEC_CACHING, SPEC_GETREDIR, SPEC_TRACKING, SPEC_TRACKINGINFO};
use unblock::SPEC_UNBLOCK;

const HELP: Entry = help::entry(&help::spec(Group::Connection, "5.0.0", acl::CONNECTION));

/// What the subcommands have in common.
const SUB: Spec = Spec {
    group: Group::Connection,
    arity: 2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
    acl: acl::CONNECTION,
    ..Spec::BASE
};

/// Its flags for those that reach other clients.
const ADMIN: crate::spec::Flags = SUB.flags | flag::ADMIN;

/// The syntax of what chooses clients.
macro_rules! filters {
    () => {
        "[ID client-id [client-id ...]] [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] \
         [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage] \
         [NAME name] [IP ip] [IDLE idle] [FLAGS flags] [DB database] [LIB-NAME libname] \
         [LIB-VER libver] [NOT-ID client-id [client-id ...]] \
         [NOT-TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [NOT-USER username] [NOT-ADDR ip:port] \
         [NOT-LADDR ip:port] [NOT-NAME name] [NOT-IP ip] [NOT-FLAGS flags] [NOT-DB database] \
         [NOT-LIB-NAME libname] [NOT-LIB-VER libver]"
    };
}

/// Of LIST.
const LIST_SYNTAX: &str = filters!();

/// Of KILL.
const KILL_SYNTAX: &str = concat!("<ip:port | ", filters!(), ">");
