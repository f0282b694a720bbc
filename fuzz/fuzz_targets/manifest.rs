//! Any bytes as a manifest of the log: no panic, and what is taken is written again and comes back the
//! same. Run: `cargo +nightly fuzz run manifest`.
#![no_main]

use larder_store::aof::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(manifest) = Manifest::parse(data) else { return };
    let text = manifest.to_text();
    if !text.is_empty() {
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest), "{text}");
    }
});
