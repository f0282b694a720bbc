//! `DEBUG HELP`

use crate::reply::Reply;

const LINES: &[&str] = &[
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DIGEST",
    "    A digest of all data; equal data has an equal one.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    A digest of each key's value.",
    "ERROR <string>",
    "    Reply with <string> as an error.",
    "HTSTATS <dbid> [full]",
    "    Figures of the hash tables of a database.",
    "HTSTATS-KEY <key> [full]",
    "    Figures of the hash table that holds the value of <key>.",
    "LISTPACK <key>",
    "    The elements of the listpack of <key>, and where they lie.",
    "LOG <message>",
    "    Write <message> to the server's log.",
    "OBJECT <key> [fast]",
    "    How the value of <key> is held.",
    "PAUSE-CRON <0|1>",
    "    With 1, nothing is done from time to time: keys do not expire by themselves, memory waits.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Create <count> string keys named key:<num>, or <prefix>:<num>. They are not replicated.",
    "PROTOCOL <type>",
    "    Reply with a value of a type: string, integer, double, bignum, null, array, set, map,",
    "    attrib, push, verbatim, true, false.",
    "QUICKLIST <key> [<0|1>]",
    "    The nodes of the long list of <key>; with 1, their elements as well.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Elements of <size> bytes get a node of their own. 0 restores the default.",
    "RELOAD [option ...]",
    "    Write all data in the form of a file, remove it, and read it again. Options:",
    "    * MERGE: keys that are there are replaced.",
    "    * NOFLUSH: data is not removed; without MERGE, a key that is there is an error.",
    "    * NOSAVE: read what was written the last time.",
    "SDSLEN <key>",
    "    Lengths of <key> and its string.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    With 0, keys that are due are removed only when somebody asks for them.",
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Lets scripts call commands that are not for them.",
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    With 1, RESTORE takes payloads with any checksum.",
    "SLEEP <seconds>",
    "    Stop the thread that serves this client for <seconds>. Decimals allowed.",
    "HELP",
    "    Print this help.",
];

/// Answers all lines.
pub(super) fn answer(reply: &mut dyn Reply) {
    reply.array(LINES.len());
    LINES.iter().for_each(|line| reply.simple(line));
}
