//! A server over TCP, TLS or a Unix socket, through the `redis` crate.
//!
//! Blocking callers each take a connection of their own from a small pool, async callers share
//! one that is multiplexed (no blocking command ever goes over it). Every call has a deadline.

use crate::Error;
use crate::plan::request;
use larder_engine::command::Command;
use larder_resp::Value;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Connection, ConnectionLike};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time to reach the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(2500);

/// Idle connections that are kept.
const MAX_IDLE: usize = 16;

/// A server and the connections to it.
pub(crate) struct Remote {
    client: Client,
    /// Host and port, or path, without password.
    address: String,
    idle: Mutex<Vec<Connection>>,
    shared: tokio::sync::Mutex<Option<MultiplexedConnection>>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Remote {
    /// A server by its URL; no connection is made yet.
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        let client = Client::open(url).map_err(|error| Error::Connection {
            address: "the URL".to_owned(),
            cause: error.to_string(),
        })?;
        let address = client.get_connection_info().addr().to_string();
        Ok(Remote {
            client,
            address,
            idle: Mutex::new(Vec::new()),
            shared: tokio::sync::Mutex::new(None),
        })
    }

    pub(crate) fn call<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        self.batch(&[request(command)]).map(|mut replies| replies.pop().unwrap_or(Value::Null))
    }

    pub(crate) async fn call_async<'a, C: Command<'a>>(&self, command: &C) -> Result<Value, Error> {
        let replies = self.batch_async(&[request(command)]).await;
        replies.map(|mut replies| replies.pop().unwrap_or(Value::Null))
    }

    /// Sends requests as one: in MULTI and EXEC if there are several.
    pub(crate) fn batch(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        self.send(&pipeline(requests), requests.len())
    }

    /// Sends requests together, each on its own.
    pub(crate) fn pipeline(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        self.send(&each_alone(requests), requests.len())
    }

    fn send(&self, pipeline: &redis::Pipeline, count: usize) -> Result<Vec<Value>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let result = pipeline.query::<redis::Value>(&mut connection);
        // A connection with an answer under way must not be used by anybody else.
        if connection.is_open() && result.as_ref().map_or_else(is_reply, |_| true) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
        }
        self.replies(result, count)
    }

    pub(crate) async fn batch_async(&self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Error> {
        let mut connection = self.shared().await?;
        let result = pipeline(requests).query_async::<redis::Value>(&mut connection).await;
        if result.as_ref().is_err_and(|error| !is_reply(error)) {
            *self.shared.lock().await = None;
        }
        self.replies(result, requests.len())
    }

    fn connect(&self) -> Result<Connection, Error> {
        let connection = self.client.get_connection_with_timeout(CONNECT_TIMEOUT);
        let connection = connection.map_err(|error| self.failed(&error))?;
        let timeout = Some(ANSWER_TIMEOUT);
        connection.set_read_timeout(timeout).map_err(|error| self.failed(&error))?;
        connection.set_write_timeout(timeout).map_err(|error| self.failed(&error))?;
        Ok(connection)
    }

    async fn shared(&self) -> Result<MultiplexedConnection, Error> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = made.map_err(|error| self.failed(&error))?;
        *shared = Some(connection.clone());
        Ok(connection)
    }

    fn replies(
        &self,
        result: redis::RedisResult<redis::Value>,
        count: usize,
    ) -> Result<Vec<Value>, Error> {
        match result {
            Ok(redis::Value::Array(replies)) if replies.len() == count => {
                Ok(replies.into_iter().map(value).collect())
            }
            Ok(other) => Err(Error::UnexpectedReply(format!("{other:?}"))),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &redis::RedisError) -> Error {
        let address = self.address.clone();
        if let Some(code) = error.code() {
            let detail = error.detail().unwrap_or_default();
            return Error::Refused(format!("{code} {detail}"));
        }
        let cause = error.to_string();
        if error.is_connection_refusal() {
            Error::Connection { address, cause }
        } else {
            Error::OutcomeUnknown { address, cause }
        }
    }
}

/// Whether an error is something that the server said.
fn is_reply(error: &redis::RedisError) -> bool {
    error.code().is_some()
}

fn pipeline(requests: &[Vec<Vec<u8>>]) -> redis::Pipeline {
    let mut pipeline = each_alone(requests);
    if requests.len() > 1 {
        pipeline.atomic();
    }
    pipeline
}

fn each_alone(requests: &[Vec<Vec<u8>>]) -> redis::Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for words in requests {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word.as_slice());
        }
        pipeline.add_command(command);
    }
    pipeline
}

fn value(value: redis::Value) -> Value {
    use redis::Value as R;
    match value {
        R::Nil => Value::Null,
        R::Int(n) => Value::Int(n),
        R::BulkString(bytes) => Value::Bulk(bytes),
        R::Array(items) => Value::Array(items.into_iter().map(self::value).collect()),
        R::SimpleString(text) => Value::Simple(text.into_bytes()),
        R::Okay => Value::Simple(b"OK".to_vec()),
        R::Map(pairs) => {
            Value::Map(pairs.into_iter().map(|(k, v)| (self::value(k), self::value(v))).collect())
        }
        R::Set(items) => Value::Set(items.into_iter().map(self::value).collect()),
        R::Double(n) => Value::Double(n),
        R::Boolean(b) => Value::Boolean(b),
        R::VerbatimString { text, .. } => {
            Value::Verbatim { format: *b"txt", text: text.into_bytes() }
        }
        R::ServerError(error) => {
            let detail = error.details().unwrap_or_default();
            Value::Error(format!("{} {detail}", error.code()).into_bytes())
        }
        other => Value::Error(format!("ERR a reply of an unknown kind: {other:?}").into_bytes()),
    }
}
