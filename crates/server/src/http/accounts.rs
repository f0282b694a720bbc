//! Users and their tokens, in a store that only this service reaches: no `FLUSHALL` of a client
//! deletes an account, no `GET` reads a token.
//!
//! Keys there: `user/<id>` a user as JSON, `name/<name>` their id, `last-id` the newest id,
//! `token/<sha256>` whose a token is, `tokens/<id>` the tokens of a user, `tries/<name>` failed
//! logins. Passwords are argon2id hashes; of a token only its SHA-256 is kept. The store's own
//! clock decides what has expired.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder::engine::commands::generic::pexpiretime::PExpireTime;
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

/// Tokens of one user; the next one ends the oldest.
pub const MAX_TOKENS: usize = 64;

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
    /// Tokens that were made for another number have ended.
    generation: u64,
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
    /// A name or password that cannot be one.
    Unusable(Unusable),
    /// So many passwords are being checked that this one would wait too long.
    Busy,
    /// The store failed.
    Store(String),
}

/// What is wrong with a name or a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// The name is empty or longer than [`MAX_NAME_BYTES`].
    NameLength,
    /// The name has a colon, a control character, or a space at an end.
    NameLetters,
    /// The password's length is not in [`PASSWORD_BYTES`].
    PasswordLength,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unusable::NameLength => write!(f, "a user's name has 1 to {MAX_NAME_BYTES} bytes"),
            Unusable::NameLetters => f.write_str(
                "a user's name has no colon, no control character and no space at its ends",
            ),
            Unusable::PasswordLength => {
                write!(
                    f,
                    "a password has {} to {} bytes",
                    PASSWORD_BYTES.start(),
                    PASSWORD_BYTES.end()
                )
            }
        }
    }
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
            AccountError::Unusable(why) => why.fmt(f),
            AccountError::Busy => f.write_str("too many logins at this moment; try again"),
            AccountError::Store(why) => f.write_str(why),
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
        let id = self.store.incr_by(LAST_ID, 1)?.unsigned_abs();
        let NewUser { name, admin, active, .. } = *new;
        let name = name.to_owned();
        let user = User { id, name, admin, active, password_hash, generation: 0 };
        self.store.set(user_key(id), json(&user)?)?;
        self.store.set(&name_key, id.to_string())?;
        Ok(user)
    }

    /// A user by their id.
    ///
    /// # Errors
    /// No such user.
    pub fn user(&self, id: u64) -> Result<User, AccountError> {
        let stored = self.store.get(user_key(id))?.ok_or(AccountError::NoSuchUser)?;
        user_of(&stored)
    }

    /// Users in the order in which they were created, and how many there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self, offset: u64, limit: u64) -> Result<(u64, Vec<User>), AccountError> {
        // Ids are given in order and users are never removed.
        let count = number(self.store.get(LAST_ID)?).unwrap_or(0);
        let last = count.min(offset.saturating_add(limit));
        let keys: Vec<String> = (offset..last).map(|before| user_key(before + 1)).collect();
        if keys.is_empty() {
            return Ok((count, Vec::new()));
        }
        let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        let stored = self.store.mget(&keys)?;
        let users = stored.iter().flatten().map(|bytes| user_of(bytes));
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
        if change.active == Some(false) || password_hash.is_some() {
            user.generation += 1;
        }
        user.active = change.active.unwrap_or(user.active);
        user.password_hash = password_hash.unwrap_or(user.password_hash);
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
        let key = token_key(&token);
        self.store.set_for(&key, session_of(&user), TOKEN_TTL)?;
        self.keep_token(user.id, &key)?;
        let expires_ms = match self.store.call(&PExpireTime { key: key.as_bytes() })? {
            Value::Int(at_ms) => at_ms.unsigned_abs(),
            other => return Err(AccountError::Store(format!("no end of a token: {other:?}"))),
        };
        Ok(Login { token, user, expires_ms })
    }

    /// Notes a user's new token; one too many ends the oldest.
    fn keep_token(&self, id: u64, key: &str) -> Result<(), AccountError> {
        let _changing = self.lock();
        let tokens_key = format!("tokens/{id}");
        let known = self.store.get(&tokens_key)?.unwrap_or_default();
        let known = String::from_utf8_lossy(&known).into_owned();
        let mut keys: Vec<&str> = known.lines().collect();
        if keys.len() >= MAX_TOKENS {
            self.store.del(keys.remove(0))?;
        }
        keys.push(key);
        Ok(self.store.set_for(&tokens_key, keys.join("\n"), TOKEN_TTL)?)
    }

    /// The user of a token that lives.
    ///
    /// # Errors
    /// Wrong credentials for a token that is unknown, expired or revoked.
    pub fn by_token(&self, token: &str) -> Result<User, AccountError> {
        let owner = self.store.get(token_key(token))?.ok_or(AccountError::WrongCredentials)?;
        let owner = String::from_utf8_lossy(&owner);
        let id = owner.split_once(':').and_then(|(id, _)| id.parse().ok());
        let user = active(self.user(id.ok_or(AccountError::WrongCredentials)?)?)?;
        if session_of(&user) != owner {
            return Err(AccountError::WrongCredentials);
        }
        Ok(user)
    }

    /// Ends a token; whether it lived.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revoke(&self, token: &str) -> Result<bool, AccountError> {
        Ok(self.store.del(token_key(token))?)
    }

    /// The user of a name and password that were right a moment ago; `None` says nothing of them.
    ///
    /// # Errors
    /// A user who is not active.
    pub fn believed(&self, name: &str, password: &str) -> Result<Option<User>, AccountError> {
        let Some(user) = self.by_name(name)? else { return Ok(None) };
        match self.believed.get(&proof_of(&user, password)).run()? {
            Some(_) => active(user).map(Some),
            None => Ok(None),
        }
    }

    /// The user of a name and password, who is believed for a while. Takes the time of a password
    /// hash.
    ///
    /// # Errors
    /// As [`Accounts::log_in`].
    pub fn by_password(&self, name: &str, password: &str) -> Result<User, AccountError> {
        let user = self.check(name, password)?;
        self.believed.mark(&proof_of(&user, password), 1).run()?;
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
        number(self.store.get(name_key(name))?).map(|id| self.user(id)).transpose()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn active(user: User) -> Result<User, AccountError> {
    if user.active { Ok(user) } else { Err(AccountError::NotActive) }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(AccountError::Unusable(Unusable::NameLength));
    }
    if name.contains(|c: char| c.is_control() || c == ':') || name.trim() != name {
        return Err(AccountError::Unusable(Unusable::NameLetters));
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), AccountError> {
    if PASSWORD_BYTES.contains(&password.len()) {
        return Ok(());
    }
    Err(AccountError::Unusable(Unusable::PasswordLength))
}

fn hash_of(password: &str) -> Result<String, AccountError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| AccountError::Store(error.to_string()))
}

fn verifies(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// What a token stands for: the user, and the generation of tokens that it belongs to.
fn session_of(user: &User) -> String {
    format!("{}:{}", user.id, user.generation)
}

/// What is remembered of a password that was right; another password of the user is another one.
fn proof_of(user: &User, password: &str) -> String {
    sha256_hex(&[&user.password_hash, "\0", password].concat())
}

fn user_of(stored: &[u8]) -> Result<User, AccountError> {
    serde_json::from_slice(stored).map_err(|error| AccountError::Store(error.to_string()))
}

fn number(stored: Option<Vec<u8>>) -> Option<u64> {
    std::str::from_utf8(&stored?).ok()?.parse().ok()
}

/// Key of the newest user's id.
const LAST_ID: &str = "last-id";

fn user_key(id: u64) -> String {
    format!("user/{id}")
}

fn name_key(name: &str) -> String {
    format!("name/{name}")
}

fn token_key(token: &str) -> String {
    format!("token/{}", sha256_hex(token))
}

pub(super) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(user: &User) -> Result<String, AccountError> {
    serde_json::to_string(user).map_err(|error| AccountError::Store(error.to_string()))
}
