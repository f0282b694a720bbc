//! [`Config`]: the values that one engine or server holds for the parameters of the table.
//!
//! Numbers are atomics, read by the hot paths without a lock; the rest stands behind one lock that
//! is held for a clone. Changing values at run time, all or nothing, is in [`super::change`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::error::ConfigError;
use super::kind::{Kind, Value};
use super::special::{BindAddress, ClientClass, OutputLimit, SavePoint};
use super::table::{
    AppendFsync, Apply, Id, LogLevel, MaxmemoryPolicy, OomScoreAdj, Profile, RdbSaveVersion,
    Supervised, TABLE,
};

/// The values of all parameters.
#[derive(Debug)]
pub struct Config {
    profile: Profile,
    numbers: [AtomicI64; Id::COUNT],
    limits: [[AtomicU64; 3]; 3],
    others: RwLock<Vec<Value>>,
    defaults: RwLock<Vec<Value>>,
    save_was_given: AtomicBool,
    generation: AtomicU64,
    /// See [`Config::large_element_bytes`].
    large_element_bytes: AtomicU64,
    pub(super) changing: Mutex<()>,
}

/// A parameter as somebody spelled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The parameter.
    pub id: Id,
    /// The spelling in the table: the name or one of its aliases.
    pub spelling: &'static str,
}

/// Finds a parameter by its name or an alias, in any case.
#[must_use]
pub fn lookup(name: &[u8]) -> Option<Name> {
    static NAMES: OnceLock<HashMap<&'static [u8], Name>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let spellings = Id::ALL.into_iter().flat_map(|id| {
            let param = id.param();
            std::iter::once(&param.name)
                .chain(param.aliases)
                .map(move |spelling| (spelling.as_bytes(), Name { id, spelling }))
        });
        spellings.collect()
    });
    names.get(name.to_ascii_lowercase().as_slice()).copied()
}

impl Default for Config {
    /// Larder's own defaults.
    fn default() -> Self {
        Self::new(Profile::Larder)
    }
}

impl Config {
    /// The defaults of `profile`.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let defaults = default_values(profile);
        let config = Self {
            profile,
            numbers: [const { AtomicI64::new(0) }; Id::COUNT],
            limits: Default::default(),
            others: RwLock::new(defaults.to_vec()),
            defaults: RwLock::new(defaults.to_vec()),
            save_was_given: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            large_element_bytes: AtomicU64::new(0),
            changing: Mutex::new(()),
        };
        for (id, value) in Id::ALL.into_iter().zip(defaults) {
            config.put(id, value.clone());
        }
        config
    }

    /// Whose defaults hold.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Sets one parameter while starting: bounds are checked, nothing is applied, everything that
    /// is not immutable by nature can be set. Lines of `save` add up, as in a file; the first one
    /// drops the defaults.
    ///
    /// # Errors
    /// [`ConfigError`], whose [`reason`](ConfigError::reason) says what is wrong with the words.
    pub fn set(&self, name: &str, words: &[&[u8]]) -> Result<Id, ConfigError> {
        let Some(Name { id, spelling }) = lookup(name.as_bytes()) else {
            return Err(ConfigError::UnknownOption { name: name.into() });
        };
        let value =
            self.parse(id, words).map_err(|reason| ConfigError::failed(spelling, reason))?;
        match value {
            Value::Save(points) if id == Id::Save => self.add_save_points(&points),
            value => self.put(id, value),
        }
        Ok(id)
    }

    /// Moves a default that only the host knows (the number of CPUs, the current folder), and the
    /// value with it.
    pub fn set_default(&self, id: Id, value: Value) {
        write(&self.defaults)[id as usize] = value.clone();
        self.put(id, value);
    }

    /// Replaces a text without any check; for the host, which knows a path's absolute form.
    pub fn set_text(&self, id: Id, text: &[u8]) {
        self.put(id, Value::Text(text.into()));
    }

    /// The value of a parameter.
    #[must_use]
    pub fn value(&self, id: Id) -> Value {
        match &read(&self.others)[id as usize] {
            Value::Int(_) => Value::Int(self.int(id)),
            other => other.clone(),
        }
    }

    /// The default of a parameter.
    #[must_use]
    pub fn default_value(&self, id: Id) -> Value {
        read(&self.defaults)[id as usize].clone()
    }

    /// True if a parameter still has its default.
    #[must_use]
    pub fn is_default(&self, id: Id) -> bool {
        self.value(id) == self.default_value(id)
    }

    /// A number, as its [`Kind`] keeps it; of a text, its length. Costs one relaxed load.
    #[must_use]
    pub fn int(&self, id: Id) -> i64 {
        self.numbers[id as usize].load(Ordering::Relaxed)
    }

    /// A yes or no.
    #[must_use]
    pub fn flag(&self, id: Id) -> bool {
        self.int(id) != 0
    }

    /// An amount of memory in bytes.
    #[must_use]
    pub fn bytes(&self, id: Id) -> u64 {
        self.int(id).cast_unsigned()
    }

    /// A count that is never negative.
    #[must_use]
    pub fn count(&self, id: Id) -> usize {
        usize::try_from(self.int(id)).unwrap_or(if self.int(id) < 0 { 0 } else { usize::MAX })
    }

    /// A text; empty when not set.
    #[must_use]
    pub fn text(&self, id: Id) -> Arc<[u8]> {
        match &read(&self.others)[id as usize] {
            Value::Text(text) => Arc::clone(text),
            _ => [].into(),
        }
    }

    /// A text that is a path, a name or an address; `None` when not set.
    #[must_use]
    pub fn string(&self, id: Id) -> Option<String> {
        let text = self.text(id);
        (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned())
    }

    /// Counts the changes, so that somebody who caches values knows when to look again.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The parameters that match any of the patterns, with their values as `CONFIG GET` shows
    /// them. A name without `*?[` is looked up and shown as it was asked for; hidden parameters
    /// answer only to that. `glob(pattern, name)` matches without regard to case.
    #[must_use]
    pub fn get_matching(
        &self,
        patterns: &[&[u8]],
        glob: &dyn Fn(&[u8], &str) -> bool,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &[u8], id: Id| {
            if !found.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(name)) {
                found.push((name.to_vec(), self.show(id)));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
                if let Some(name) = lookup(pattern) {
                    add(pattern, name.id);
                }
                continue;
            }
            for id in Id::ALL.into_iter().filter(|id| !id.param().hidden) {
                for name in std::iter::once(&id.param().name).chain(id.param().aliases) {
                    if glob(pattern, name) {
                        add(name.as_bytes(), id);
                    }
                }
            }
        }
        found
    }

    /// The value of a parameter as `CONFIG GET` shows it.
    #[must_use]
    pub fn show(&self, id: Id) -> Vec<u8> {
        id.param().kind.show(&self.value(id))
    }

    pub(super) fn parse(&self, id: Id, words: &[&[u8]]) -> Result<Value, String> {
        let param = id.param();
        let mut value = param.kind.parse(words, &self.value(id))?;
        if let (Some((min, max)), Value::Int(number)) = (param.clamp, &mut value) {
            *number = (*number).clamp(min, max);
        }
        if let Some(sentence) = param.only_default
            && value != self.default_value(id)
        {
            return Err(sentence.into());
        }
        Ok(value)
    }

    pub(super) fn put(&self, id: Id, value: Value) {
        match &value {
            Value::Int(number) => self.numbers[id as usize].store(*number, Ordering::Relaxed),
            Value::Text(text) => {
                let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
                self.numbers[id as usize].store(length, Ordering::Relaxed);
                write(&self.others)[id as usize] = value;
            }
            Value::OutputLimits(limits) => {
                for (slots, limit) in self.limits.iter().zip(limits) {
                    let parts = [limit.hard_bytes, limit.soft_bytes, limit.soft_seconds];
                    for (slot, part) in slots.iter().zip(parts) {
                        slot.store(part, Ordering::Relaxed);
                    }
                }
                write(&self.others)[id as usize] = value;
            }
            _ => write(&self.others)[id as usize] = value,
        }
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn add_save_points(&self, points: &Arc<[SavePoint]>) {
        let first = !self.save_was_given.swap(true, Ordering::Relaxed);
        let before = if first || points.is_empty() { [].into() } else { self.save_points() };
        self.put(Id::Save, Value::Save(before.iter().chain(points.iter()).copied().collect()));
    }
}

/// Getters with the type that the reader wants; hot ones cost one relaxed load.
impl Config {
    /// `maxclients`.
    #[must_use]
    pub fn maxclients(&self) -> usize {
        self.count(Id::Maxclients)
    }

    /// `timeout`, in seconds; 0 means never.
    #[must_use]
    pub fn timeout(&self) -> u64 {
        self.bytes(Id::Timeout)
    }

    /// `tcp-keepalive`, in seconds; 0 means off.
    #[must_use]
    pub fn tcp_keepalive(&self) -> u64 {
        self.bytes(Id::TcpKeepalive)
    }

    /// `proto-max-bulk-len`, in bytes.
    #[must_use]
    pub fn proto_max_bulk_len(&self) -> u64 {
        self.bytes(Id::ProtoMaxBulkLen)
    }

    /// `client-query-buffer-limit`, in bytes.
    #[must_use]
    pub fn client_query_buffer_limit(&self) -> u64 {
        self.bytes(Id::ClientQueryBufferLimit)
    }

    /// `client-output-buffer-limit` of one class of clients.
    #[must_use]
    pub fn output_limit(&self, class: ClientClass) -> OutputLimit {
        let [hard, soft, seconds] = &self.limits[class as usize];
        OutputLimit {
            hard_bytes: hard.load(Ordering::Relaxed),
            soft_bytes: soft.load(Ordering::Relaxed),
            soft_seconds: seconds.load(Ordering::Relaxed),
        }
    }

    /// `maxmemory`, in bytes; 0 means no limit.
    #[must_use]
    pub fn maxmemory(&self) -> u64 {
        self.bytes(Id::Maxmemory)
    }

    /// `maxmemory-policy`.
    #[must_use]
    pub fn maxmemory_policy(&self) -> MaxmemoryPolicy {
        MaxmemoryPolicy::from_value(self.int(Id::MaxmemoryPolicy))
            .unwrap_or(MaxmemoryPolicy::NoEviction)
    }

    /// `maxmemory-clients` in bytes, a percentage worked out; 0 means no limit.
    #[must_use]
    pub fn maxmemory_clients(&self) -> u64 {
        match self.int(Id::MaxmemoryClients) {
            percent @ ..0 => {
                let share = u128::from(self.maxmemory()) * u128::from(percent.unsigned_abs());
                u64::try_from(share / 100).unwrap_or(u64::MAX)
            }
            bytes => bytes.cast_unsigned(),
        }
    }

    /// `rdb-save-version`.
    #[must_use]
    pub fn rdb_save_version(&self) -> RdbSaveVersion {
        RdbSaveVersion::from_value(self.int(Id::RdbSaveVersion)).unwrap_or(RdbSaveVersion::Auto)
    }

    /// `databases`.
    #[must_use]
    pub fn databases(&self) -> usize {
        self.count(Id::Databases)
    }

    /// `list-max-listpack-size`: elements, or -1 to -5 for a size in bytes.
    #[must_use]
    pub fn list_max_listpack_size(&self) -> i64 {
        self.int(Id::ListMaxListpackSize)
    }

    /// Elements of a list of so many bytes have a node of their own; 0 as its size says. No
    /// parameter: tests set it by `DEBUG QUICKLIST-PACKED-THRESHOLD`.
    #[must_use]
    pub fn large_element_bytes(&self) -> u64 {
        self.large_element_bytes.load(Ordering::Relaxed)
    }

    /// Sets that.
    pub(crate) fn set_large_element_bytes(&self, bytes: u64) {
        self.large_element_bytes.store(bytes, Ordering::Relaxed);
    }

    /// `hash-max-listpack-entries`.
    #[must_use]
    pub fn hash_max_listpack_entries(&self) -> usize {
        self.count(Id::HashMaxListpackEntries)
    }

    /// `hash-max-listpack-value`, in bytes.
    #[must_use]
    pub fn hash_max_listpack_value(&self) -> usize {
        self.count(Id::HashMaxListpackValue)
    }

    /// `set-max-intset-entries`.
    #[must_use]
    pub fn set_max_intset_entries(&self) -> usize {
        self.count(Id::SetMaxIntsetEntries)
    }

    /// `set-max-listpack-entries`.
    #[must_use]
    pub fn set_max_listpack_entries(&self) -> usize {
        self.count(Id::SetMaxListpackEntries)
    }

    /// `set-max-listpack-value`, in bytes.
    #[must_use]
    pub fn set_max_listpack_value(&self) -> usize {
        self.count(Id::SetMaxListpackValue)
    }

    /// `zset-max-listpack-entries`.
    #[must_use]
    pub fn zset_max_listpack_entries(&self) -> usize {
        self.count(Id::ZsetMaxListpackEntries)
    }

    /// `zset-max-listpack-value`, in bytes.
    #[must_use]
    pub fn zset_max_listpack_value(&self) -> usize {
        self.count(Id::ZsetMaxListpackValue)
    }

    /// `hll-sparse-max-bytes`: bytes of a sparse HyperLogLog, its header included.
    #[must_use]
    pub fn hll_sparse_max_bytes(&self) -> usize {
        self.count(Id::HllSparseMaxBytes)
    }

    /// `stream-node-max-bytes`; 0 means no limit.
    #[must_use]
    pub fn stream_node_max_bytes(&self) -> usize {
        self.count(Id::StreamNodeMaxBytes)
    }

    /// `stream-node-max-entries`; 0 means no limit.
    #[must_use]
    pub fn stream_node_max_entries(&self) -> u64 {
        self.bytes(Id::StreamNodeMaxEntries)
    }

    /// `notify-keyspace-events`: the bits of [`super::notify`].
    #[must_use]
    pub fn notify_keyspace_events(&self) -> i64 {
        self.int(Id::NotifyKeyspaceEvents)
    }

    /// `latency-tracking`
    #[must_use]
    #[inline]
    pub fn latency_tracking(&self) -> bool {
        self.flag(Id::LatencyTracking)
    }

    /// `slowlog-log-slower-than`, in microseconds; below 0 means never.
    #[must_use]
    pub fn slowlog_log_slower_than(&self) -> i64 {
        self.int(Id::SlowlogLogSlowerThan)
    }

    /// `busy-reply-threshold`, in milliseconds; 0 means that scripts may run as long as they do.
    #[must_use]
    pub fn busy_reply_threshold(&self) -> u64 {
        self.int(Id::BusyReplyThreshold).unsigned_abs()
    }

    /// `requirepass`; `None` when there is no password.
    #[must_use]
    pub fn requirepass(&self) -> Option<Arc<[u8]>> {
        Some(self.text(Id::Requirepass)).filter(|password| !password.is_empty())
    }

    /// True if there is a password. Costs one relaxed load.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.flag(Id::Requirepass)
    }

    /// `protected-mode`.
    #[must_use]
    pub fn protected_mode(&self) -> bool {
        self.flag(Id::ProtectedMode)
    }

    /// `bind`.
    #[must_use]
    pub fn bind(&self) -> Arc<[BindAddress]> {
        match &read(&self.others)[Id::Bind as usize] {
            Value::Bind(list) => Arc::clone(list),
            _ => [].into(),
        }
    }

    /// `port`; 0 means none.
    #[must_use]
    pub fn port(&self) -> u16 {
        u16::try_from(self.int(Id::Port)).unwrap_or(0)
    }

    /// `save`.
    #[must_use]
    pub fn save_points(&self) -> Arc<[SavePoint]> {
        match &read(&self.others)[Id::Save as usize] {
            Value::Save(points) => Arc::clone(points),
            _ => [].into(),
        }
    }

    /// `latency-tracking-info-percentiles`.
    #[must_use]
    pub fn percentiles(&self) -> Arc<[f64]> {
        match &read(&self.others)[Id::LatencyTrackingInfoPercentiles as usize] {
            Value::Percentiles(list) => Arc::clone(list),
            _ => [].into(),
        }
    }

    /// `oom-score-adj-values`: as master, as replica, of a child.
    #[must_use]
    pub fn oom_score_adj_values(&self) -> [i32; 3] {
        match self.value(Id::OomScoreAdjValues) {
            Value::OomValues(values) => values,
            _ => [0; 3],
        }
    }

    /// `oom-score-adj`.
    #[must_use]
    pub fn oom_score_adj(&self) -> OomScoreAdj {
        OomScoreAdj::from_value(self.int(Id::OomScoreAdj)).unwrap_or(OomScoreAdj::No)
    }

    /// `loglevel`.
    #[must_use]
    pub fn loglevel(&self) -> LogLevel {
        LogLevel::from_value(self.int(Id::Loglevel)).unwrap_or(LogLevel::Notice)
    }

    /// `supervised`.
    #[must_use]
    pub fn supervised(&self) -> Supervised {
        Supervised::from_value(self.int(Id::Supervised)).unwrap_or(Supervised::No)
    }

    /// `appendfsync`.
    #[must_use]
    pub fn appendfsync(&self) -> AppendFsync {
        AppendFsync::from_value(self.int(Id::Appendfsync)).unwrap_or(AppendFsync::EverySec)
    }

    /// The parameters that `by` acts on.
    pub fn applied_by(by: Apply) -> impl Iterator<Item = Id> {
        Id::ALL.into_iter().filter(move |id| id.param().apply == by)
    }
}

/// The table's defaults of `profile`, parsed once.
fn default_values(profile: Profile) -> &'static [Value] {
    static DEFAULTS: [OnceLock<Vec<Value>>; 2] = [const { OnceLock::new() }; 2];
    DEFAULTS[profile as usize].get_or_init(|| {
        let one = |param: &super::Param| {
            let text = param.default_text(profile).as_bytes();
            let words: Vec<&[u8]> = match param.kind {
                Kind::ReplicaOf => return param.kind.blank(),
                kind if kind.takes_words() => text.split(|byte| *byte == b' ').collect(),
                _ => vec![text],
            };
            // A default of the table that its own type refuses is found by the tests.
            param.kind.parse(&words, &param.kind.blank()).unwrap_or_else(|_| param.kind.blank())
        };
        TABLE.iter().map(one).collect()
    })
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(config: &Config, name: &str) -> String {
        let id = lookup(name.as_bytes()).expect(name).id;
        String::from_utf8(config.show(id)).unwrap()
    }

    #[test]
    fn every_default_is_a_value_of_its_type() {
        for profile in [Profile::Redis, Profile::Larder] {
            for param in &TABLE {
                let text = param.default_text(profile).as_bytes();
                let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
                let words = if param.kind.takes_words() { words } else { vec![text] };
                if matches!(param.kind, Kind::ReplicaOf) {
                    continue;
                }
                let value = param.kind.parse(&words, &param.kind.blank());
                assert!(value.is_ok(), "{}: {value:?}", param.name);
            }
        }
    }

    #[test]
    fn the_two_profiles_differ_in_what_is_safe() {
        let (redis, ours) = (Config::new(Profile::Redis), Config::new(Profile::Larder));
        for (name, theirs, own) in [
            ("bind", "* -::*", "127.0.0.1 -::1"),
            ("protected-mode", "yes", "yes"),
            ("appendonly", "no", "yes"),
            ("appendfsync", "everysec", "everysec"),
            ("maxmemory-policy", "noeviction", "noeviction"),
            ("save", "3600 1 300 100 60 10000", ""),
            ("dir", ".", "./larder-data"),
            ("http-listen", "", "127.0.0.1:8379"),
            ("supervised", "no", "auto"),
        ] {
            assert_eq!(shown(&redis, name), theirs, "{name}");
            assert_eq!(shown(&ours, name), own, "{name}");
        }
        assert_eq!(ours.output_limit(ClientClass::PubSub).hard_bytes, 32 << 20);
        assert_eq!(ours.client_query_buffer_limit(), 1 << 30);
        assert!(!ours.has_password());
        ours.set("requirepass", &[b"x"]).unwrap();
        assert!(ours.has_password());
    }

    #[test]
    fn lines_of_save_add_up_and_an_empty_one_clears() {
        let config = Config::new(Profile::Redis);
        config.set("save", &[b"60", b"1"]).unwrap();
        config.set("save", &[b"70", b"2"]).unwrap();
        assert_eq!(shown(&config, "save"), "60 1 70 2");
        config.set("save", &[b""]).unwrap();
        assert_eq!(shown(&config, "save"), "");
        config.set("save", &[b"80", b"3"]).unwrap();
        assert_eq!(shown(&config, "save"), "80 3");
    }

    #[test]
    fn setting_checks_names_words_and_bounds() {
        let config = Config::new(Profile::Redis);
        let refused =
            |name, words: &[&[u8]]| config.set(name, words).unwrap_err().reason().to_string();
        assert_eq!(refused("port", &[]), "wrong number of arguments");
        assert_eq!(refused("port", &[b"1", b"2"]), "wrong number of arguments");
        assert_eq!(refused("port", &[b"70000"]), "argument must be between 0 and 65535 inclusive");
        assert_eq!(
            refused("unixsocketperm", &[b"9"]),
            "argument couldn't be parsed as an octal number"
        );
        assert_eq!(refused("bla", &[b"x"]), "Bad directive or wrong number of arguments");
        assert!(refused("tls-port", &[b"6380"]).starts_with("needs TLS"));
        assert!(refused("replicaof", &[b"10.0.0.1", b"6379"]).starts_with("needs replication"));
        assert_eq!(config.set("replicaof", &[b"no", b"one"]), Ok(Id::Replicaof));
        assert_eq!(config.set("cluster-enabled", &[b"no"]), Ok(Id::ClusterEnabled));
        assert_eq!(config.set("SLAVE-priority", &[b"7"]), Ok(Id::ReplicaPriority));
        assert_eq!(shown(&config, "replica-priority"), "7");
        config.set("unixsocketperm", &[b"770"]).unwrap();
        assert_eq!(config.int(Id::Unixsocketperm), 0o770);
        assert_eq!(shown(&config, "unixsocketperm"), "770");
        config.set("oom-score-adj", &[b"relative"]).unwrap();
        assert_eq!(shown(&config, "oom-score-adj"), "yes");
        config.set("shutdown-on-sigterm", &[b"force", b"now"]).unwrap();
        assert_eq!(shown(&config, "shutdown-on-sigterm"), "now force");
        config.set("maxmemory", &[b"18446744073709551615"]).unwrap();
        assert_eq!(config.maxmemory(), u64::MAX);
        assert_eq!(shown(&config, "maxmemory"), "18446744073709551615");
        config.set("hz", &[b"9999"]).unwrap();
        assert_eq!(shown(&config, "hz"), "500");
    }

    #[test]
    fn a_share_of_memory_follows_the_memory() {
        let config = Config::new(Profile::Redis);
        config.set("maxmemory", &[b"200mb"]).unwrap();
        config.set("maxmemory-clients", &[b"5%"]).unwrap();
        assert_eq!(config.maxmemory_clients(), 10 << 20);
    }

    #[test]
    fn patterns_show_names_and_hide_what_is_hidden() {
        let config = Config::new(Profile::Redis);
        let glob = |pattern: &[u8], name: &str| {
            let text = std::str::from_utf8(pattern).unwrap();
            text.strip_suffix('*').is_some_and(|start| name.starts_with(start))
        };
        let names = |patterns: &[&[u8]]| -> Vec<String> {
            let found = config.get_matching(patterns, &glob);
            found.into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
        };
        assert_eq!(names(&[b"time*", b"timeout", b"TIMEOUT"]), ["timeout"]);
        assert_eq!(names(&[b"SAVE"]), ["SAVE"]);
        assert_eq!(names(&[b"slave-p*"]), ["slave-priority"]);
        assert_eq!(names(&[b"watchdog*"]), Vec::<String>::new());
        assert_eq!(names(&[b"watchdog-period"]), ["watchdog-period"]);
        assert_eq!(names(&[b"nothing-such"]), Vec::<String>::new());
    }
}
