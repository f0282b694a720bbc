//! Requests to another server and its replies, for the command that hands keys over.
//!
//! One connection, used once; every step has the same time limit. It must not know what the
//! requests say: [`larder_engine::host::Exchange`] is bytes and a number of replies.

use larder_engine::host::{Broken, Exchange, Exchanged};
use larder_resp::{Value, ValueScanner};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Most bytes of one reply: statuses and errors are short.
const REPLY_BYTES: usize = 64 * 1024;

/// Sends the requests and reads the replies, as far as it gets.
pub(crate) fn perform(exchange: &Exchange<'_>) -> Exchanged {
    let mut replies = Vec::new();
    let broken = converse(exchange, &mut replies).err();
    Exchanged { replies, broken }
}

fn converse(exchange: &Exchange<'_>, replies: &mut Vec<Result<(), String>>) -> Result<(), Broken> {
    let mut stream = connect(exchange)?;
    let limit = Some(Duration::from_millis(exchange.timeout_ms));
    stream.set_write_timeout(limit).map_err(|_| Broken::Writing)?;
    stream.set_read_timeout(limit).map_err(|_| Broken::Writing)?;
    stream.write_all(exchange.requests).map_err(|_| Broken::Writing)?;
    let mut buffer = Vec::new();
    while replies.len() < exchange.replies {
        let used = take_replies(&buffer, exchange.replies, replies)?;
        buffer.drain(..used);
        if replies.len() == exchange.replies {
            break;
        }
        let mut more = [0; READ_BYTES];
        match stream.read(&mut more) {
            Ok(read @ 1..) if buffer.len() < REPLY_BYTES => buffer.extend_from_slice(&more[..read]),
            _ => return Err(Broken::Reading),
        }
    }
    Ok(())
}

/// Takes the replies that are there whole, up to `most`; how many bytes they are.
fn take_replies(
    buffer: &[u8],
    most: usize,
    replies: &mut Vec<Result<(), String>>,
) -> Result<usize, Broken> {
    let mut used = 0;
    while replies.len() < most {
        let front = &buffer[used..];
        let Some((value, len)) = ValueScanner::new().decode(front).map_err(|_| Broken::Reading)?
        else {
            break;
        };
        used += len;
        replies.push(match value {
            Value::Error(text) => Err(String::from_utf8_lossy(&text).into_owned()),
            _ => Ok(()),
        });
    }
    Ok(used)
}

fn connect(exchange: &Exchange<'_>) -> Result<TcpStream, Broken> {
    let host = std::str::from_utf8(exchange.host).map_err(|_| Broken::Connecting)?;
    let port = std::str::from_utf8(exchange.port).ok().and_then(|port| port.parse().ok());
    let limit = Duration::from_millis(exchange.timeout_ms);
    // As in Redis: a port that is none is one where nobody listens, and a refusal shows when the
    // first byte is to be sent.
    let port = port.unwrap_or(0);
    let mut addresses = (host, port).to_socket_addrs().map_err(|_| Broken::Connecting)?;
    let address: SocketAddr = addresses.next().ok_or(Broken::Connecting)?;
    TcpStream::connect_timeout(&address, limit).map_err(|error| match error.kind() {
        std::io::ErrorKind::TimedOut => Broken::Connecting,
        _ => Broken::Writing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn exchange(port: &[u8], replies: usize) -> Exchanged {
        let requests = b"*1\r\n$4\r\nPING\r\n";
        perform(&Exchange { host: b"127.0.0.1", port, timeout_ms: 5000, requests, replies })
    }

    /// A server of one connection that says `text` after the first request and hangs up.
    fn says(text: &'static [u8]) -> Vec<u8> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 14];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(text).unwrap();
        });
        port.to_string().into_bytes()
    }

    #[test]
    fn replies_are_good_or_errors() {
        let good = exchange(&says(b"+OK\r\n-BUSYKEY no\r\n:1\r\n"), 3);
        let replies = vec![Ok(()), Err("BUSYKEY no".to_owned()), Ok(())];
        assert_eq!(good, Exchanged { replies, broken: None });
    }

    #[test]
    fn what_came_before_the_end_counts() {
        let broken = exchange(&says(b"+OK\r\n+O"), 2);
        assert_eq!(broken, Exchanged { replies: vec![Ok(())], broken: Some(Broken::Reading) });
        assert_eq!(exchange(&says(b"nonsense\r\n"), 1).broken, Some(Broken::Reading));
    }

    #[test]
    fn nobody_is_there() {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let port = port.to_string().into_bytes();
        assert_eq!(exchange(&port, 1).broken, Some(Broken::Writing));
        assert_eq!(exchange(b"bad", 1).broken, Some(Broken::Writing));
    }
}
