//! Carries every key's value from Larder to Valkey and back by DUMP and RESTORE.
//!
//! What arrives must have the digest of the value that stands there already. It must not know how
//! keys came to be.

use anyhow::Result;
use rtest::reply::{Reply, quote};

use crate::peer::Peer;
use crate::play::words;
use crate::state::Key;

/// The name of the copy.
const COPY: &[u8] = b"carried";

/// A value that did not arrive as it was.
pub(crate) struct Lost {
    /// Its type, and between whom.
    pub(crate) what: String,
    /// The reply to RESTORE.
    pub(crate) reply: String,
    /// All of it, for people.
    pub(crate) text: String,
}

/// The values that do not arrive as they are.
///
/// # Errors
/// When one of the two does not answer.
pub(crate) fn carry(from: &mut Peer, to: &mut Peer, keys: &[Key]) -> Result<Vec<Lost>> {
    let mut requests = Vec::new();
    for key in keys {
        requests.push(words(&["SELECT", &key.db.to_string()]));
        requests.push(vec![b"DUMP".to_vec(), key.name.clone()]);
    }
    let dumps = ask(from, &requests)?;
    let mut requests = Vec::new();
    for (key, dump) in keys.iter().zip(dumps.iter().skip(1).step_by(2)) {
        let payload = dump.bytes().unwrap_or_default();
        // A digest tells whether there is a TTL.
        let ttl = if key.has_ttl { b"10000000".to_vec() } else { b"0".to_vec() };
        let name = key.name.clone();
        requests.push(words(&["SELECT", &key.db.to_string()]));
        requests.push(vec![b"RESTORE".to_vec(), COPY.to_vec(), ttl, payload]);
        requests.push(vec![b"DEBUG".to_vec(), b"DIGEST-VALUE".to_vec(), name, COPY.to_vec()]);
        requests.push(vec![b"DEL".to_vec(), COPY.to_vec()]);
    }
    let replies = ask(to, &requests)?;
    let mut lost = Vec::new();
    for ((key, replies), request) in keys.iter().zip(replies.chunks(4)).zip(requests.chunks(4)) {
        let alike = match &replies[2] {
            Reply::Array(digests) => digests.len() == 2 && digests[0] == digests[1],
            _ => false,
        };
        if !alike {
            let type_of = String::from_utf8_lossy(&key.type_of);
            let what = format!("a {type_of} of {} does not arrive at {}", from.name, to.name);
            let text = format!(
                "{}: RESTORE {}\n  {}\n  {}\n",
                quote(&key.name),
                quote(&request[1][3]),
                replies[1],
                replies[2]
            );
            lost.push(Lost { what, reply: replies[1].to_string(), text });
        }
    }
    Ok(lost)
}

fn ask(peer: &mut Peer, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Reply>> {
    let slices: Vec<&[Vec<u8>]> = requests.iter().map(Vec::as_slice).collect();
    peer.ask(&slices)
}
