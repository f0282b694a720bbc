//! What a ring that was left behind adds to the log's files: a plan, made without changing anything.
//!
//! The place in the ring says which position the increment's byte `size` stands for. The frames from
//! there on give certain bytes; the file holds those that were written, which need not be whole:
//!
//! ```text
//! file      …│ size ── A ── B ── C'           C' is torn, or the write was cut short
//! frames     │         A    B    C    D       certain
//! plan       │ keep to the end of B, add C D
//! ```
//! Where the file holds more than the ring can tell, the file is right. Where it ends before the place,
//! the ring knows nothing that could follow. Only for a ring of a killed process: after a power
//! failure neither file nor ring can be relied on to be what the place says.

use super::folder::Folder;
use super::manifest::Manifest;
use crate::ring::{Left, Place};
use larder_engine::log::flags;
use std::io::{self, Read};

/// What is to be done with an increment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Number of the increment.
    pub increment: u64,
    /// Bytes of the file that stay.
    pub keep: u64,
    /// Bytes that follow them.
    pub bytes: Vec<u8>,
}

/// Compares what a ring has left with the increments; in their order.
///
/// # Errors
/// What the disk says.
pub fn plan(
    folder: &Folder,
    manifest: &Manifest,
    left: &Left,
    timestamps: bool,
) -> io::Result<Vec<Addition>> {
    let mut plan = Vec::new();
    let mut place = left.place;
    let mut frames = left.frames();
    loop {
        let mut bytes = Vec::new();
        let mut marked = false;
        for frame in frames.by_ref() {
            marked = frame.head.flags & flags::MARK != 0;
            if marked {
                break;
            }
            place.encoder.add(&frame, timestamps, &mut bytes);
        }
        let Some(addition) = compare(folder, manifest, &place, &bytes)? else { break };
        plan.push(addition);
        if !marked {
            break;
        }
        place = Place { increment: place.increment + 1, ..Place::default() };
    }
    Ok(plan)
}

fn compare(
    folder: &Folder,
    manifest: &Manifest,
    place: &Place,
    certain: &[u8],
) -> io::Result<Option<Addition>> {
    let Some(part) = manifest.increment(place.increment) else { return Ok(None) };
    let (mut file, length) = match folder.disk.read(&folder.part_path(part)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if length < place.size {
        return Ok(None);
    }
    io::copy(&mut file.by_ref().take(place.size), &mut io::sink())?;
    let mut written = Vec::new();
    file.by_ref().take(certain.len() as u64).read_to_end(&mut written)?;
    let same = certain.iter().zip(&written).take_while(|(one, other)| one == other).count();
    let keep = if same == certain.len() { length } else { place.size + same as u64 };
    let bytes = certain[same..].to_vec();
    Ok(Some(Addition { increment: place.increment, keep, bytes }))
}
