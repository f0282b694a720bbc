//! Users and their tokens, in a store that only this service reaches: no `FLUSHALL` of a client
//! deletes an account, no `GET` reads a token.
//!
//! Keys there: `user/<id>` a user as JSON, `name/<name>` their id, `users` the ids in order,
//! `token/<sha256>` a session of a user, `tries/<name>` failed logins. Passwords are argon2id
//! hashes; of a token only its SHA-256 is kept. The store's own clock decides what has expired.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder::patterns::DynData;
use larder::{Larder, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A token lives this long.
pub const TOKEN_TTL: Duration = Duration::from_secs(24 * 3600);

/// Failed logins of one name within [`TRIES_WINDOW`] after which the next are refused unread.
pub const MAX_TRIES: i64 = 10;

/// See [`MAX_TRIES`].
pub const TRIES_WINDOW: Duration = Duration::from_secs(5 * 60);

/// How long a checked Basic credential is believed without hashing again.
const BASIC_BELIEVED: Duration = Duration::from_secs(60);

/// Longest name of a user, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Shortest and longest password, in bytes.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=1024;

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct User {
    /// Number, from 1 on, never used again.
    pub id: u64,
    /// Name, unique.
    pub name: String,
    /// May create, change and list users.
    pub admin: bool,
    /// May log in.
    pub active: bool,
    password_hash: String,
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// May create, change and list users.
    pub admin: bool,
    /// May log in at once.
    pub active: bool,
}

/// What is changed of a user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// A new password.
    pub password: Option<String>,
    /// May create, change and list users.
    pub admin: Option<bool>,
    /// May log in.
    pub active: Option<bool>,
}

/// A login.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token, to be sent as `Authorization: Bearer …`.
    pub token: String,
    /// Who it is for.
    pub user: User,
    /// When it ends, in Unix milliseconds.
    pub expires_ms: u64,
}

/// Why something about an account cannot be done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AccountError {
    /// The name is taken.
    NameTaken,
    /// There is no such user.
    NoSuchUser,
    /// Name and password do not belong together.
    WrongCredentials,
    /// The user may not log in (yet, or any more).
    NotActive,
    /// Too many failed logins; seconds until the next may be tried.
    TooManyTries(u64),
    /// A name or password that cannot be one: what is wrong with it.
    Unusable(String),
    /// The store failed.
    Store(String),
}

impl std::fmt::Display for AccountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AccountError::NameTaken => f.write_str("a user of this name exists already"),
            AccountError::NoSuchUser => f.write_str("there is no such user"),
            AccountError::WrongCredentials => f.write_str("wrong name or password"),
            AccountError::NotActive => f.write_str("the user is not active"),
            AccountError::TooManyTries(s) => {
                write!(f, "too many failed logins; try again in {s} s")
            }
            AccountError::Unusable(why) | AccountError::Store(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for AccountError {}

impl From<larder::Error> for AccountError {
    fn from(error: larder::Error) -> Self {
        AccountError::Store(error.to_string())
    }
}

/// The accounts.
#[derive(Debug)]
pub struct Accounts {
    store: Larder,
    tries: DynData,
    believed: DynData,
    /// Held while a user is read, changed and written back.
    changing: Mutex<()>,
    /// A hash to check unknown names against, so that they take as long as known ones.
    nobody: String,
}

impl Accounts {
    /// Accounts in a store of their own.
    ///
    /// # Errors
    /// When a hash cannot be made.
    pub fn new(store: Larder) -> Result<Self, AccountError> {
        let tries = DynData::new(&store).namespace("tries").ttl(TRIES_WINDOW);
        let believed = DynData::new(&store).namespace("believed").ttl(BASIC_BELIEVED);
        let nobody = hash_of("nobody has this password")?;
        Ok(Accounts { store, tries, believed, changing: Mutex::new(()), nobody })
    }

    /// Creates a user. Takes the time of a password hash: not on an async thread.
    ///
    /// # Errors
    /// A taken name, an unusable name or password.
    pub fn create(&self, new: &NewUser<'_>) -> Result<User, AccountError> {
        check_name(new.name)?;
        check_password(new.password)?;
        let password_hash = hash_of(new.password)?;
        let _changing = self.lock();
        let name_key = name_key(new.name);
        if self.store.get(&name_key)?.is_some() {
            return Err(AccountError::NameTaken);
        }
        let id = match self.store.command(&["INCR", "last-id"])? {
            Value::Int(id) => id.unsigned_abs(),
            other => {
                return Err(AccountError::Store(format!("an id that is no number: {other:?}")));
            }
        };
        let NewUser { name, admin, active, .. } = *new;
        let user = User { id, name: name.to_owned(), admin, active, password_hash };
        let (key, id_text) = (user_key(id), id.to_string());
        self.store.transaction(&[
            &["SET", key.as_str(), json(&user)?.as_str()],
            &["SET", name_key.as_str(), id_text.as_str()],
            &["RPUSH", "users", id_text.as_str()],
        ])?;
        Ok(user)
    }

    /// A user by their id.
    ///
    /// # Errors
    /// No such user.
    pub fn user(&self, id: u64) -> Result<User, AccountError> {
        let stored = self.store.get(user_key(id))?.ok_or(AccountError::NoSuchUser)?;
        serde_json::from_slice(&stored).map_err(|error| AccountError::Store(error.to_string()))
    }

    /// Users in the order in which they were created, and how many there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self, offset: u64, limit: u64) -> Result<(u64, Vec<User>), AccountError> {
        let count = match self.store.command(&["LLEN", "users"])? {
            Value::Int(count) => count.unsigned_abs(),
            _ => 0,
        };
        if limit == 0 || offset >= count {
            return Ok((count, Vec::new()));
        }
        let (first, last) = (offset.to_string(), (offset + limit - 1).to_string());
        let ids = match self.store.command(&["LRANGE", "users", &first, &last])? {
            Value::Array(ids) => ids,
            _ => Vec::new(),
        };
        let id_of = |value: &Value| match value {
            Value::Bulk(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        };
        let users = ids.iter().filter_map(id_of).map(|id| self.user(id));
        Ok((count, users.collect::<Result<_, _>>()?))
    }

    /// Changes a user. Deactivating or a new password ends the user's tokens.
    ///
    /// # Errors
    /// No such user, an unusable password.
    pub fn change(&self, id: u64, change: &UserChange) -> Result<User, AccountError> {
        if let Some(password) = &change.password {
            check_password(password)?;
        }
        let password_hash = change.password.as_deref().map(hash_of).transpose()?;
        let _changing = self.lock();
        let mut user = self.user(id)?;
        user.admin = change.admin.unwrap_or(user.admin);
        user.active = change.active.unwrap_or(user.active);
        if let Some(password_hash) = password_hash {
            user.password_hash = password_hash;
        }
        self.store.set(user_key(id), json(&user)?)?;
        Ok(user)
    }

    /// Checks name and password and makes a token. Takes the time of a password hash.
    ///
    /// # Errors
    /// Wrong credentials, an inactive user, too many tries.
    pub fn log_in(&self, name: &str, password: &str) -> Result<Login, AccountError> {
        let user = self.check(name, password)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| AccountError::Store(error.to_string()))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let (key, ttl_ms) = (token_key(&token), TOKEN_TTL.as_millis().to_string());
        let owner = session_of(&user);
        self.store.command(&["SET", &key, &owner, "PX", &ttl_ms])?;
        let expires_ms = match self.store.command(&["PEXPIRETIME", &key])? {
            Value::Int(at_ms) => at_ms.unsigned_abs(),
            other => return Err(AccountError::Store(format!("no end of a token: {other:?}"))),
        };
        Ok(Login { token, user, expires_ms })
    }

    /// The user of a token that lives.
    ///
    /// # Errors
    /// Wrong credentials for a token that is unknown, expired or revoked.
    pub fn by_token(&self, token: &str) -> Result<User, AccountError> {
        let owner = self.store.get(token_key(token))?.ok_or(AccountError::WrongCredentials)?;
        let owner = String::from_utf8_lossy(&owner);
        let id = owner.split_once(':').and_then(|(id, _)| id.parse().ok());
        let user = self.user(id.ok_or(AccountError::WrongCredentials)?)?;
        // A new password or a deactivation ends tokens that were made before it.
        if session_of(&user) != owner {
            return Err(AccountError::WrongCredentials);
        }
        active(user)
    }

    /// Ends a token; whether it lived.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revoke(&self, token: &str) -> Result<bool, AccountError> {
        Ok(self.store.del(token_key(token))?)
    }

    /// The user of a name and password. A pair that was right a moment ago is believed without
    /// hashing again; otherwise this takes the time of a password hash.
    ///
    /// # Errors
    /// As [`Accounts::log_in`].
    pub fn by_password(&self, name: &str, password: &str) -> Result<User, AccountError> {
        let Some(user) = self.by_name(name)? else {
            return self.check(name, password);
        };
        let proof = sha256_hex(&[&user.password_hash, "\0", password].concat());
        if self.believed.get(&proof).run()?.is_some() {
            return active(user);
        }
        let user = self.check(name, password)?;
        self.believed.mark(&proof, 1).run()?;
        Ok(user)
    }

    fn check(&self, name: &str, password: &str) -> Result<User, AccountError> {
        // Names that are too long to be anybody's share one counter.
        let counted = if name.len() <= MAX_NAME_BYTES { name } else { "" };
        let tries = self.tries.int(counted).run()?.unwrap_or(0);
        if tries >= MAX_TRIES {
            let left = self.tries.time_left(counted).run()?.unwrap_or_default();
            return Err(AccountError::TooManyTries(left.as_secs() + 1));
        }
        let user = self.by_name(name)?;
        let hash = user.as_ref().map_or(self.nobody.as_str(), |user| &user.password_hash);
        let right = password.len() <= *PASSWORD_BYTES.end() && verifies(hash, password);
        match user {
            Some(user) if right => {
                self.tries.delete(counted).run()?;
                active(user)
            }
            _ => {
                self.tries.incr(counted, 1).run()?;
                Err(AccountError::WrongCredentials)
            }
        }
    }

    fn by_name(&self, name: &str) -> Result<Option<User>, AccountError> {
        let id = self.store.get(name_key(name))?;
        let id = id.and_then(|id| std::str::from_utf8(&id).ok()?.parse().ok());
        id.map(|id| self.user(id)).transpose()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn active(user: User) -> Result<User, AccountError> {
    if user.active { Ok(user) } else { Err(AccountError::NotActive) }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let unusable = |why: &str| Err(AccountError::Unusable(why.to_owned()));
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return unusable("a user's name has 1 to 64 bytes");
    }
    if name.contains(|c: char| c.is_control() || c == ':') || name.trim() != name {
        return unusable(
            "a user's name has no colon, no control character and no space at its ends",
        );
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), AccountError> {
    if PASSWORD_BYTES.contains(&password.len()) {
        return Ok(());
    }
    Err(AccountError::Unusable("a password has 8 to 1024 bytes".to_owned()))
}

fn hash_of(password: &str) -> Result<String, AccountError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| AccountError::Store(error.to_string()))
}

fn verifies(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// What a token stands for: the user, and the password that was theirs when it was made.
fn session_of(user: &User) -> String {
    format!("{}:{}", user.id, sha256_hex(&user.password_hash))
}

fn user_key(id: u64) -> String {
    format!("user/{id}")
}

fn name_key(name: &str) -> String {
    format!("name/{name}")
}

fn token_key(token: &str) -> String {
    format!("token/{}", sha256_hex(token))
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(user: &User) -> Result<String, AccountError> {
    serde_json::to_string(user).map_err(|error| AccountError::Store(error.to_string()))
}
