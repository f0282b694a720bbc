//! `larder init`: a configuration with a password that nobody can guess and every URL can carry.
//!
//! The file is made for its owner alone and never written over. Nothing is started here.
#![allow(clippy::disallowed_methods, reason = "a command that makes files, at the server's edge")]

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use larder_engine::config::{Config, Id, Profile, quote};

use crate::cli::Failure;
use crate::redis_conf::plain;

/// Name of the file that is made.
pub const FILE_NAME: &str = "larder.conf";

/// Bytes of a password before they become letters: 256 bits.
const PASSWORD_BYTES: usize = 32;

/// Makes `dir/larder.conf` and returns what to tell the user.
///
/// # Errors
/// A [`Failure`] with one sentence: the file exists, the folder cannot be written, or the system
/// gave no random bytes.
pub fn init(dir: &Path) -> Result<String, Failure> {
    let shown = dir.display().to_string();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.and_then(|()| dir.canonicalize())
        .and_then(|dir| {
            let path = dir.join(FILE_NAME);
            let password = new_password()?;
            write_new(&path, &text(&dir, &password))?;
            Ok(told(&path, &password))
        })
        .map_err(|error| {
            let sentence = match error.kind() {
                io::ErrorKind::AlreadyExists => format!(
                    "{} exists and is not touched: start with it (larder serve FILE), or move \
                     it away and run larder init again",
                    dir.join(FILE_NAME).display()
                ),
                _ => format!(
                    "{FILE_NAME} cannot be made in {shown}: {}; name a folder that this user may \
                     write with --dir",
                    plain(&error)
                ),
            };
            Failure { text: format!("larder: {sentence}\n"), code: 1 }
        })
}

/// A password of 256 random bits in 43 letters that mean nothing special in a URL, a shell or a
/// configuration file.
///
/// # Errors
/// What the system says when it has no random bytes.
pub fn new_password() -> io::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(url_safe_letters(&bytes))
}

/// Base64 with `-` and `_`, without padding (RFC 4648, section 5).
fn url_safe_letters(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * place) & 0x3f;
            text.push(LETTERS[letter as usize] as char);
        }
    }
    text
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a configuration would be worse than none; what failed first is what counts.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn text(dir: &Path, password: &str) -> String {
    let data = dir.join("larder-data");
    // Spelled out, so that the file means the same when it is read with Redis's defaults.
    let config = Config::new(Profile::Larder);
    let show = |id: Id| String::from_utf8_lossy(&config.show(id)).into_owned();
    format!(
        "# Configuration of Larder, made by `larder init`. It holds a password: keep its mode 0600.
# Start with:  larder serve {path}
# Every setting of redis.conf can stand here; `larder serve --help` names the first ones.

# Only this machine can connect. To open it: bind * -::*
bind {bind}
port {port}
protected-mode yes
requirepass {password}

# HTTP service; \"\" for none.
http-listen {http}

# Folder of the data, and how it is kept there.
dir {data}
appendonly yes
appendfsync everysec
save \"\"

# Memory for data; when it is full, writes are refused and nothing is thrown away.
# maxmemory 512mb
maxmemory-policy noeviction
",
        path = dir.join(FILE_NAME).display(),
        bind = show(Id::Bind),
        port = config.port(),
        http = show(Id::HttpListen),
        data = quote(data.to_string_lossy().as_bytes()),
    )
}

fn told(path: &Path, password: &str) -> String {
    let port = Config::new(Profile::Larder).port();
    let url = format!("redis://:{password}@localhost:{port}/0");
    let named = format!("redis://default:{password}@localhost:{port}/0");
    format!(
        "Made {path}, readable by you alone, with a new password.

Start it:
  larder serve {path}

In your app's environment:
  REDIS_URL={url}

In a Flask configuration:
  REDIS_URL = \"{url}\"

Try it (redis-cli wants the user's name, too):
  redis-cli -u {named} ping
",
        path = path.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis_conf::Reader;
    use larder_engine::config::BindAddress;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn letters_are_those_of_rfc_4648() {
        for (bytes, letters) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (&[0xfb, 0xff, 0xfe], "-__-"),
        ] {
            assert_eq!(url_safe_letters(bytes), letters);
        }
    }

    #[test]
    fn passwords_have_256_bits_and_need_no_escape() {
        let (one, other) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }

    #[test]
    fn the_file_is_private_says_what_was_told_and_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a b");
        let told = init(&dir).unwrap();
        let path = dir.join("larder.conf");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for profile in [Profile::Larder, Profile::Redis] {
            let mut reader = Reader::new(profile, Path::new("/elsewhere"), 1);
            reader.file(&path);
            let settings = reader.finish().unwrap();
            let config = &settings.config;
            let password = config.string(Id::Requirepass).unwrap();
            let url = format!("redis://:{password}@localhost:6379/0");
            assert!(told.contains(&format!("REDIS_URL = \"{url}\"")), "{told}");
            assert!(told.contains(&format!("REDIS_URL={url}\n")), "{told}");
            assert!(config.bind().iter().all(BindAddress::is_loopback));
            assert!(config.flag(Id::Appendonly) && config.protected_mode());
            assert!(settings.dir().ends_with("a b/larder-data"));
        }
        let before = std::fs::read(&path).unwrap();
        let refused = init(&dir).unwrap_err();
        assert!(refused.text.contains("larder.conf exists and is not touched"), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let refused = init(Path::new("/proc/nothing")).unwrap_err();
        assert!(refused.text.contains("cannot be made in /proc/nothing"), "{refused:?}");
    }
}
