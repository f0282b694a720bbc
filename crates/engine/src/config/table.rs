//! The one table of parameters (amber: a row is public interface).
//!
//! redis.conf, the command line, `CONFIG GET/SET/REWRITE` and the documents all read it; a
//! parameter's quoted name stands nowhere else. It holds every setting of Redis 7.2's file and
//! Larder's own. What the values do is told by the part that applies them ([`Apply`]).

use super::kind::{Kind, TextRule};

/// Which set of defaults a process starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Those of Redis 7.2: for a process that was started as a `redis-server` is.
    Redis,
    /// Larder's own, safe and durable.
    Larder,
}

/// When a parameter can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutable {
    /// By `CONFIG SET`, at any time.
    AtRunTime,
    /// By `CONFIG SET` only if `enable-protected-configs` admits the client.
    IfUnprotected,
    /// Only by the file and the command line.
    AtStart,
}

/// Who acts on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// The engine: sessions, commands, values.
    Engine,
    /// The event loops: listeners, connections, buffers.
    Net,
    /// The process around the engine: files, log, supervision.
    Host,
    /// Nobody: it has no meaning here; accepted, and named once in the log.
    Nothing,
}

/// One row of the table.
#[derive(Debug)]
pub struct Param {
    /// The name, in lower case.
    pub name: &'static str,
    /// Other spellings of the name.
    pub aliases: &'static [&'static str],
    /// Type and bounds.
    pub kind: Kind,
    /// The default of Redis, as a file would say it.
    pub redis: &'static str,
    /// The default of Larder, as a file would say it.
    pub larder: &'static str,
    /// When it can change.
    pub mutable: Mutable,
    /// Who acts on it.
    pub apply: Apply,
    /// The value is a secret: never logged, redacted in MONITOR and SLOWLOG.
    pub sensitive: bool,
    /// Found by its whole name only, never by a pattern.
    pub hidden: bool,
    /// Not to be changed while data is being loaded.
    pub denied_while_loading: bool,
    /// Any value but the default would promise what is not there; this says what, and what to do.
    pub only_default: Option<&'static str>,
    /// Values outside are moved to the nearer end, silently, as in Redis.
    pub clamp: Option<(i64, i64)>,
    /// What it does, in one line.
    pub doc: &'static str,
}

impl Param {
    /// The default of `profile`, as a file would say it.
    #[must_use]
    pub fn default_text(&self, profile: Profile) -> &'static str {
        match profile {
            Profile::Redis => self.redis,
            Profile::Larder => self.larder,
        }
    }

    const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        apply: Apply,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            redis: default,
            larder: default,
            mutable: Mutable::AtRunTime,
            apply,
            sensitive: false,
            hidden: false,
            denied_while_loading: false,
            only_default: None,
            clamp: None,
            doc,
        }
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn larder(mut self, default: &'static str) -> Self {
        self.larder = default;
        self
    }

    const fn at_start(mut self) -> Self {
        self.mutable = Mutable::AtStart;
        self
    }

    const fn protected(mut self) -> Self {
        self.mutable = Mutable::IfUnprotected;
        self
    }

    const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    const fn denied_while_loading(mut self) -> Self {
        self.denied_while_loading = true;
        self
    }

    const fn only_default(mut self, sentence: &'static str) -> Self {
        self.only_default = Some(sentence);
        self
    }

    const fn clamp(mut self, min: i64, max: i64) -> Self {
        self.clamp = Some((min, max));
        self
    }
}

/// Defines an enum whose discriminants are the values of a [`Kind::Choice`].
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $number:literal
        $($word:literal)+),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(i64)]
        pub enum $name { $($(#[$item_doc])* $item = $number),+ }

        impl $name {
            /// The words and their values, in the order in which errors list them.
            pub const WORDS: &'static [(&'static str, i64)] = &[$($(($word, $number)),+),+];

            /// The choice that a value of this parameter stands for.
            #[must_use]
            pub fn from_value(value: i64) -> Option<Self> {
                match value { $($number => Some(Self::$item),)+ _ => None }
            }

            /// The word that a file uses.
            #[must_use]
            pub fn word(self) -> &'static str {
                let value = self as i64;
                Self::WORDS.iter().find(|(_, n)| *n == value).map_or("unknown", |(word, _)| word)
            }
        }
    )+};
}

choices! {
    /// What is evicted when memory is full.
    MaxmemoryPolicy {
        /// Keys with a TTL, least recently used first.
        VolatileLru = 0 "volatile-lru",
        /// Keys with a TTL, least frequently used first.
        VolatileLfu = 1 "volatile-lfu",
        /// Keys with a TTL, at random.
        VolatileRandom = 2 "volatile-random",
        /// Keys with a TTL, soonest to expire first.
        VolatileTtl = 3 "volatile-ttl",
        /// Any key, least recently used first.
        AllkeysLru = 4 "allkeys-lru",
        /// Any key, least frequently used first.
        AllkeysLfu = 5 "allkeys-lfu",
        /// Any key, at random.
        AllkeysRandom = 6 "allkeys-random",
        /// Nothing: writes that need memory are refused.
        NoEviction = 7 "noeviction",
    }
    /// The least level that is logged.
    LogLevel {
        /// Everything.
        Debug = 0 "debug",
        /// Much that is rarely useful.
        Verbose = 1 "verbose",
        /// What one wants in production.
        Notice = 2 "notice",
        /// Only what is important or critical.
        Warning = 3 "warning",
        /// Nothing at all.
        Nothing = 4 "nothing",
    }
    /// Who supervises the process.
    Supervised {
        /// Upstart: the process stops itself when it is ready.
        Upstart = 0 "upstart",
        /// systemd: messages to `NOTIFY_SOCKET`.
        Systemd = 1 "systemd",
        /// Whoever the environment names.
        Auto = 2 "auto",
        /// Nobody.
        No = 3 "no",
    }
    /// When the log is forced to disk.
    AppendFsync {
        /// Once a second.
        EverySec = 0 "everysec",
        /// Before a reply leaves.
        Always = 1 "always",
        /// When the kernel likes.
        No = 2 "no",
    }
    /// Which versions of the RDB format are read.
    RdbVersionCheck {
        /// Those that are known.
        Strict = 0 "strict",
        /// Any, as far as its values are written as before.
        Relaxed = 1 "relaxed",
    }
    /// Which version of the RDB format values are written in.
    RdbSaveVersion {
        /// The oldest that can hold the value, but not below 10.
        Auto = 0 "auto",
        /// Redis 7.0.
        V10 = 10 "10",
        /// Redis 7.2, Valkey 7.2 and 8.
        V11 = 11 "11",
        /// Redis 7.4.
        V12 = 12 "12",
        /// Valkey 9.
        Valkey80 = 80 "valkey80",
    }
    /// How the kernel's out-of-memory score of the process is set.
    OomScoreAdj {
        /// It is left alone.
        No = 0 "no",
        /// Values are added to the score that the process started with.
        Relative = 1 "yes" "relative",
        /// Values are the score.
        Absolute = 2 "absolute",
    }
    /// Who may use what is protected.
    ProtectedAction {
        /// Nobody.
        No = 0 "no",
        /// Everybody.
        Yes = 1 "yes",
        /// Clients on this machine.
        Local = 2 "local",
    }
    /// Which channels a new ACL user may use.
    AclPubsubDefault {
        /// All.
        AllChannels = 1 "allchannels",
        /// None.
        ResetChannels = 0 "resetchannels",
    }
    /// The facility of messages to syslog; the numbers are RFC 5424's.
    SyslogFacility {
        /// User-level messages.
        User = 1 "user",
        /// Local use 0.
        Local0 = 16 "local0",
        /// Local use 1.
        Local1 = 17 "local1",
        /// Local use 2.
        Local2 = 18 "local2",
        /// Local use 3.
        Local3 = 19 "local3",
        /// Local use 4.
        Local4 = 20 "local4",
        /// Local use 5.
        Local5 = 21 "local5",
        /// Local use 6.
        Local6 = 22 "local6",
        /// Local use 7.
        Local7 = 23 "local7",
    }
}

/// The bits of `shutdown-on-sigint` and `shutdown-on-sigterm`.
pub mod shutdown {
    /// Save, even without save points.
    pub const SAVE: i64 = 1;
    /// Do not save, even with save points.
    pub const NOSAVE: i64 = 2;
    /// Do not wait for replicas.
    pub const NOW: i64 = 4;
    /// Leave even if saving fails.
    pub const FORCE: i64 = 8;
    pub(super) const WORDS: &[(&str, i64)] =
        &[("default", 0), ("save", SAVE), ("nosave", NOSAVE), ("now", NOW), ("force", FORCE)];
}

const DISKLESS_LOAD: &[(&str, i64)] = &[("disabled", 0), ("on-empty-db", 1), ("swapdb", 2)];
const ENDPOINT: &[(&str, i64)] = &[("ip", 0), ("hostname", 1), ("unknown-endpoint", 2)];
const NO_YES_CLIENTS: &[(&str, i64)] = &[("no", 0), ("yes", 1), ("clients", 2)];
const NO_YES_OPTIONAL: &[(&str, i64)] = &[("no", 0), ("yes", 1), ("optional", 2)];
const PANIC: &[(&str, i64)] = &[("ignore", 0), ("panic", 1), ("panic-on-replicas", 2)];

const I32: i64 = i32::MAX as i64;
const U32: i64 = u32::MAX as i64;
const I64: i64 = i64::MAX;
const MEM: u64 = i64::MAX as u64;
const MIB: u64 = 1 << 20;

const NEEDS_TLS: &str = "needs TLS, which Larder does not have yet: remove it and let a TLS \
                         proxy such as stunnel or nginx stand in front";
const NEEDS_CLUSTER: &str = "needs cluster mode, which Larder does not have: use a Redis or \
                             Valkey Cluster there; the larder library reaches it by URL";
const NEEDS_REPLICATION: &str = "needs replication, which Larder does not have yet: remove it, \
                                 or let Redis or Valkey run this server";
const NEEDS_ACL: &str = "needs ACL users, which Larder does not have yet: remove it and use \
                         requirepass";

const fn yes_no(name: &'static str, default: &'static str, by: Apply, doc: &'static str) -> Param {
    Param::new(name, Kind::Bool, default, by, doc)
}

const fn int(
    name: &'static str,
    default: &'static str,
    (min, max): (i64, i64),
    by: Apply,
    doc: &'static str,
) -> Param {
    Param::new(name, Kind::Int { min, max }, default, by, doc)
}

const fn mem(
    name: &'static str,
    default: &'static str,
    (min, max): (u64, u64),
    by: Apply,
    doc: &'static str,
) -> Param {
    Param::new(name, Kind::Memory { min, max }, default, by, doc)
}

const fn choice(
    name: &'static str,
    default: &'static str,
    words: &'static [(&'static str, i64)],
    by: Apply,
    doc: &'static str,
) -> Param {
    Param::new(name, Kind::Choice(words), default, by, doc)
}

const fn text(name: &'static str, default: &'static str, by: Apply, doc: &'static str) -> Param {
    Param::new(name, Kind::Text(any_text), default, by, doc)
}

const fn ruled(
    name: &'static str,
    default: &'static str,
    rule: TextRule,
    by: Apply,
    doc: &'static str,
) -> Param {
    Param::new(name, Kind::Text(rule), default, by, doc)
}

macro_rules! params {
    ($($id:ident: $row:expr;)+) => {
        /// A parameter; its number is its place in the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "each row of the table says what its parameter does")]
        pub enum Id { $($id),+ }

        impl Id {
            /// Every parameter, in the table's order.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$id),+];

            /// How many parameters there are.
            pub const COUNT: usize = [$(stringify!($id)),+].len();

            /// The parameter's row.
            #[must_use]
            pub fn param(self) -> &'static Param {
                &TABLE[self as usize]
            }
        }

        /// Every parameter.
        pub static TABLE: [Param; Id::COUNT] = [$($row),+];
    };
}

use Apply::{Engine, Host, Net, Nothing};

params! {
    // Listening.
    Bind: Param::new("bind", Kind::Bind, "* -::*", Net,
        "Addresses to listen on; `-` before one means that the machine may lack it.")
        .larder("127.0.0.1 -::1");
    Port: int("port", "6379", (0, 65535), Net, "TCP port; 0 opens none.");
    TcpBacklog: int("tcp-backlog", "511", (0, I32), Net,
        "Connections that the kernel holds until they are accepted.").at_start();
    Unixsocket: text("unixsocket", "", Net, "Path of a Unix socket to listen on.").at_start();
    Unixsocketperm: Param::new("unixsocketperm", Kind::Octal, "0", Net,
        "Permissions of the Unix socket, in octal; 0 leaves them to the umask.").at_start();
    HttpListen: ruled("http-listen", "", http_address, Host,
        "Address and port of the HTTP service, such as 127.0.0.1:8379; empty opens none.")
        .larder("127.0.0.1:8379").at_start();
    HttpHost: text("http-host", "", Host,
        "One more name by which requests may call the HTTP service, beside the loopback names.")
        .at_start();
    ProtectedMode: yes_no("protected-mode", "yes", Net,
        "Without a password, answer only clients on this machine.");
    Timeout: int("timeout", "0", (0, I32), Net,
        "Seconds after which an idle client is closed; 0 means never.");
    TcpKeepalive: int("tcp-keepalive", "300", (0, I32), Net,
        "Seconds between TCP's own signs of life; 0 sends none.");
    Maxclients: int("maxclients", "10000", (1, U32), Net, "Clients at one time.");
    MaxmemoryClients: Param::new("maxmemory-clients", Kind::MemoryOrPercent, "0", Net,
        "Memory of all clients together, in bytes or percent of maxmemory; 0 means no limit.");
    MaxNewConnectionsPerCycle: int("max-new-connections-per-cycle", "10", (1, 1000), Net,
        "Connections accepted in one turn of a loop.");
    MaxNewTlsConnectionsPerCycle: int("max-new-tls-connections-per-cycle", "1", (1, 1000),
        Nothing, "TLS connections accepted in one turn of a loop.");
    ClientOutputBufferLimit: Param::new("client-output-buffer-limit", Kind::OutputLimits,
        "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60", Net,
        "When a client that does not read its replies is closed, by class.");
    ClientQueryBufferLimit: mem("client-query-buffer-limit", "1gb", (MIB, MEM), Net,
        "Bytes of one client's unfinished request.");
    ProtoMaxBulkLen: mem("proto-max-bulk-len", "512mb", (MIB, MEM), Engine,
        "Bytes of one argument, and of one string value.");
    IoThreads: int("io-threads", "1", (1, 128), Net,
        "Event loops; the default is the number of CPUs that the process may use.").at_start();
    IoThreadsDoReads: yes_no("io-threads-do-reads", "no", Nothing,
        "Every event loop reads and writes.").at_start();
    BindSourceAddr: text("bind-source-addr", "", Nothing, "Address of outgoing connections.");
    SocketMarkId: int("socket-mark-id", "0", (0, U32), Nothing,
        "Mark of the sockets for the kernel's packet filter.").at_start();

    // Security.
    Requirepass: text("requirepass", "", Engine, "The default user's password; empty means none.")
        .sensitive();
    Aclfile: text("aclfile", "", Engine, "File of ACL users.").at_start().only_default(NEEDS_ACL);
    AcllogMaxLen: int("acllog-max-len", "128", (0, I64), Engine, "Entries kept in ACL LOG.");
    AclPubsubDefault: choice("acl-pubsub-default", "resetchannels", AclPubsubDefault::WORDS,
        Engine, "Which channels a new ACL user may use.");
    EnableProtectedConfigs: choice("enable-protected-configs", "no", ProtectedAction::WORDS,
        Engine, "Who may change protected settings by CONFIG SET.").at_start();
    EnableDebugCommand: choice("enable-debug-command", "no", ProtectedAction::WORDS, Engine,
        "Who may use DEBUG.").at_start();
    EnableModuleCommand: choice("enable-module-command", "no", ProtectedAction::WORDS, Nothing,
        "Who may use MODULE.").at_start();

    // The process.
    Daemonize: yes_no("daemonize", "no", Host, "Go on in the background.").at_start();
    Supervised: choice("supervised", "no", Supervised::WORDS, Host,
        "Who is told that the server is ready.").larder("auto").at_start();
    Pidfile: text("pidfile", "", Host, "File that holds the process's number.").at_start();
    Loglevel: choice("loglevel", "notice", LogLevel::WORDS, Host, "The least level logged.");
    Logfile: text("logfile", "", Host, "File to log to; empty means standard output.").at_start();
    SyslogEnabled: yes_no("syslog-enabled", "no", Host, "Log to syslog as well.").at_start();
    SyslogIdent: text("syslog-ident", "redis", Host, "Name in syslog.")
        .larder("larder").at_start();
    SyslogFacility: choice("syslog-facility", "local0", SyslogFacility::WORDS, Host,
        "Facility in syslog.").at_start();
    ShutdownTimeout: int("shutdown-timeout", "10", (0, I32), Host,
        "Seconds that a shutdown waits for replicas.");
    ShutdownOnSigint: Param::new("shutdown-on-sigint", Kind::Flags(shutdown::WORDS), "default",
        Host, "How SIGINT stops the server.");
    ShutdownOnSigterm: Param::new("shutdown-on-sigterm", Kind::Flags(shutdown::WORDS), "default",
        Host, "How SIGTERM stops the server.");
    OomScoreAdj: choice("oom-score-adj", "no", OomScoreAdj::WORDS, Host,
        "Whether the kernel's out-of-memory score of the process is set.");
    OomScoreAdjValues: Param::new("oom-score-adj-values", Kind::OomValues, "0 200 800", Host,
        "Scores as master, as replica, and of a child process.");
    AlwaysShowLogo: yes_no("always-show-logo", "no", Host,
        "Log a banner with port and PID at the start, for tools that wait for it.").at_start();
    SetProcTitle: yes_no("set-proc-title", "yes", Nothing, "The title is left alone.").at_start();
    ProcTitleTemplate: ruled("proc-title-template", "{title} {listen-addr} {server-mode}",
        proc_title, Nothing, "The title is left alone.");
    DisableThp: yes_no("disable-thp", "yes", Nothing,
        "Huge pages are chosen for each arena, not for the process.").at_start();
    CrashLogEnabled: yes_no("crash-log-enabled", "yes", Nothing, "A panic is always logged.");
    CrashMemcheckEnabled: yes_no("crash-memcheck-enabled", "yes", Nothing,
        "Memory is not tested after a crash.");
    HideUserDataFromLog: yes_no("hide-user-data-from-log", "yes", Nothing,
        "Valkey's; keys and values are never logged here.").hidden();
    IoThreadsAlwaysActive: yes_no("io-threads-always-active", "no", Nothing,
        "When Valkey's threads rest.").hidden();
    PrefetchBatchMaxSize: int("prefetch-batch-max-size", "16", (0, 128), Nothing,
        "How many keys Valkey fetches ahead.").hidden();
    MinIoThreadsAvoidCopyReply: int("min-io-threads-avoid-copy-reply", "7", (0, I32), Nothing,
        "When Valkey sends a value uncopied.").hidden();
    MinStringSizeAvoidCopyReply: int("min-string-size-avoid-copy-reply", "16384", (0, I32),
        Nothing, "When Valkey sends a value uncopied.").hidden();
    MinStringSizeAvoidCopyReplyThreaded: int("min-string-size-avoid-copy-reply-threaded", "65536",
        (0, I32), Nothing, "When Valkey sends a value uncopied.").hidden();
    UseExitOnPanic: yes_no("use-exit-on-panic", "no", Nothing, "For tests of Redis.").hidden();
    EnableDebugAssert: yes_no("enable-debug-assert", "no", Nothing, "For tests of Redis.")
        .hidden().at_start();
    WatchdogPeriod: int("watchdog-period", "0", (0, I32), Nothing, "For tests of Redis.").hidden();
    IgnoreWarnings: text("ignore-warnings", "", Nothing, "Warnings that are not to be given.");
    LocaleCollate: text("locale-collate", "", Nothing, "Bytes are compared as bytes.");
    ServerCpulist: text("server-cpulist", "", Nothing, "CPUs of the server's threads.")
        .alias(&["server_cpulist"]).at_start();
    BioCpulist: text("bio-cpulist", "", Nothing, "CPUs of the background threads.")
        .alias(&["bio_cpulist"]).at_start();
    AofRewriteCpulist: text("aof-rewrite-cpulist", "", Nothing, "No child rewrites the log.")
        .alias(&["aof_rewrite_cpulist"]).at_start();
    BgsaveCpulist: text("bgsave-cpulist", "", Nothing, "No child saves.")
        .alias(&["bgsave_cpulist"]).at_start();
    Hz: int("hz", "10", (0, I32), Nothing, "Nothing waits for a regular tick.").clamp(1, 500);
    DynamicHz: yes_no("dynamic-hz", "yes", Nothing, "Nothing waits for a regular tick.");

    // Data and memory.
    Databases: int("databases", "16", (1, I32), Engine, "Number of databases.").at_start();
    Maxmemory: mem("maxmemory", "0", (0, u64::MAX), Engine,
        "Bytes that data may take; 0 means no limit.");
    MaxmemoryPolicy: choice("maxmemory-policy", "noeviction", MaxmemoryPolicy::WORDS, Engine,
        "What goes when memory is full.");
    MaxmemorySamples: int("maxmemory-samples", "5", (1, I32), Nothing,
        "Eviction follows an order, not samples.");
    MaxmemoryEvictionTenacity: int("maxmemory-eviction-tenacity", "10", (0, 100), Nothing,
        "Eviction frees exactly enough.");
    LfuLogFactor: int("lfu-log-factor", "10", (0, I32), Engine,
        "How slowly the counter of uses grows.");
    LfuDecayTime: int("lfu-decay-time", "1", (0, I32), Engine,
        "Minutes after which the counter of uses falls by one.");
    LazyfreeLazyEviction: yes_no("lazyfree-lazy-eviction", "no", Engine,
        "Evicted values are freed in the background; large ones always are.");
    LazyfreeLazyExpire: yes_no("lazyfree-lazy-expire", "no", Engine,
        "Expired values are freed in the background; large ones always are.");
    LazyfreeLazyServerDel: yes_no("lazyfree-lazy-server-del", "no", Engine,
        "Overwritten values are freed in the background; large ones always are.");
    LazyfreeLazyUserDel: yes_no("lazyfree-lazy-user-del", "no", Engine,
        "DEL acts as UNLINK; both leave large values to the background in any case.");
    LazyfreeLazyUserFlush: yes_no("lazyfree-lazy-user-flush", "no", Engine,
        "FLUSHDB and FLUSHALL act as with ASYNC.");
    HashMaxListpackEntries: int("hash-max-listpack-entries", "512", (0, I64), Engine,
        "Fields of a hash in its small form.").alias(&["hash-max-ziplist-entries"]);
    HashMaxListpackValue: mem("hash-max-listpack-value", "64", (0, MEM), Engine,
        "Bytes of a field or value in the small form of a hash.")
        .alias(&["hash-max-ziplist-value"]);
    ListMaxListpackSize: int("list-max-listpack-size", "-2", (i32::MIN as i64, I32), Engine,
        "Elements in a node of a list, or -1 to -5 for 4, 8, 16, 32, 64 KiB.")
        .alias(&["list-max-ziplist-size"]);
    ListCompressDepth: int("list-compress-depth", "0", (0, I32), Engine,
        "Nodes at each end of a list that are not compressed; 0 compresses none.");
    SetMaxIntsetEntries: int("set-max-intset-entries", "512", (0, I64), Engine,
        "Members of a set of integers in its smallest form.");
    SetMaxListpackEntries: int("set-max-listpack-entries", "128", (0, I64), Engine,
        "Members of a set in its small form.");
    SetMaxListpackValue: mem("set-max-listpack-value", "64", (0, MEM), Engine,
        "Bytes of a member in the small form of a set.");
    ZsetMaxListpackEntries: int("zset-max-listpack-entries", "128", (0, I64), Engine,
        "Members of a sorted set in its small form.").alias(&["zset-max-ziplist-entries"]);
    ZsetMaxListpackValue: mem("zset-max-listpack-value", "64", (0, MEM), Engine,
        "Bytes of a member in the small form of a sorted set.")
        .alias(&["zset-max-ziplist-value"]);
    HllSparseMaxBytes: mem("hll-sparse-max-bytes", "3000", (0, MEM), Engine,
        "Bytes of a HyperLogLog in its sparse form.");
    StreamNodeMaxBytes: mem("stream-node-max-bytes", "4096", (0, MEM), Engine,
        "Bytes of a node of a stream.");
    StreamNodeMaxEntries: int("stream-node-max-entries", "100", (0, I64), Engine,
        "Entries of a node of a stream.");
    Activerehashing: yes_no("activerehashing", "yes", Nothing, "Tables grow as they are used.");
    ActiveExpireEffort: int("active-expire-effort", "1", (1, 10), Nothing,
        "Expiry is exact at any load.");
    JemallocBgThread: yes_no("jemalloc-bg-thread", "yes", Nothing,
        "Memory goes back to the system without it.");
    Activedefrag: yes_no("activedefrag", "no", Nothing, "Data lives in arenas of its own.");
    ActiveDefragIgnoreBytes: mem("active-defrag-ignore-bytes", "100mb", (1, MEM), Nothing,
        "Data lives in arenas of its own.");
    ActiveDefragThresholdLower: int("active-defrag-threshold-lower", "10", (0, 1000), Nothing,
        "Data lives in arenas of its own.");
    ActiveDefragThresholdUpper: int("active-defrag-threshold-upper", "100", (0, 1000), Nothing,
        "Data lives in arenas of its own.");
    ActiveDefragCycleMin: int("active-defrag-cycle-min", "1", (1, 99), Nothing,
        "Data lives in arenas of its own.");
    ActiveDefragCycleMax: int("active-defrag-cycle-max", "25", (1, 99), Nothing,
        "Data lives in arenas of its own.");
    ActiveDefragMaxScanFields: int("active-defrag-max-scan-fields", "1000", (1, I64), Nothing,
        "Data lives in arenas of its own.");

    // Commands.
    BusyReplyThreshold: int("busy-reply-threshold", "5000", (0, I64), Engine,
        "Milliseconds after which a script counts as busy.").alias(&["lua-time-limit"]);
    NotifyKeyspaceEvents: Param::new("notify-keyspace-events", Kind::Notify, "", Engine,
        "Which events of keys are published.");
    SlowlogLogSlowerThan: int("slowlog-log-slower-than", "10000", (-1, I64), Engine,
        "Microseconds from which SLOWLOG keeps a command; -1 keeps none.")
        .alias(&["commandlog-execution-slower-than"]);
    SlowlogMaxLen: int("slowlog-max-len", "128", (0, I64), Engine, "Entries kept in SLOWLOG.")
        .alias(&["commandlog-slow-execution-max-len"]);
    CommandlogRequestLargerThan: int("commandlog-request-larger-than", "1048576", (-1, I64),
        Engine, "Bytes from which COMMANDLOG keeps a request; -1 keeps none.");
    CommandlogLargeRequestMaxLen: int("commandlog-large-request-max-len", "128", (0, I64),
        Engine, "Large requests kept in COMMANDLOG.");
    CommandlogReplyLargerThan: int("commandlog-reply-larger-than", "1048576", (-1, I64), Engine,
        "Bytes from which COMMANDLOG keeps the request of a reply; -1 keeps none.");
    CommandlogLargeReplyMaxLen: int("commandlog-large-reply-max-len", "128", (0, I64), Engine,
        "Requests with large replies kept in COMMANDLOG.");
    LatencyMonitorThreshold: int("latency-monitor-threshold", "0", (0, I64), Engine,
        "Milliseconds from which LATENCY keeps an event; 0 keeps none.");
    LatencyTracking: yes_no("latency-tracking", "yes", Engine,
        "Times of each command are kept for INFO.");
    LatencyTrackingInfoPercentiles: Param::new("latency-tracking-info-percentiles",
        Kind::Percentiles, "50 99 99.9", Engine, "Percentiles that INFO shows.");
    TrackingTableMaxKeys: int("tracking-table-max-keys", "1000000", (0, I64), Engine,
        "Keys remembered for client-side caching; 0 means no limit.");
    SanitizeDumpPayload: choice("sanitize-dump-payload", "no", NO_YES_CLIENTS, Nothing,
        "RESTORE always checks what it is given.");
    PropagationErrorBehavior: choice("propagation-error-behavior", "ignore", PANIC, Nothing,
        "What a replica does with an error of its master.");

    // Files.
    Dir: text("dir", ".", Host, "Folder of the data.").larder("./larder-data")
        .protected().denied_while_loading();
    Dbfilename: ruled("dbfilename", "dump.rdb", db_file_name, Host, "Name of the snapshot.")
        .protected();
    Save: Param::new("save", Kind::Save, "3600 1 300 100 60 10000", Host,
        "A snapshot after so many seconds with so many changes.").larder("");
    StopWritesOnBgsaveError: yes_no("stop-writes-on-bgsave-error", "yes", Host,
        "Refuse writes after a snapshot has failed.");
    Rdbcompression: yes_no("rdbcompression", "yes", Host, "Compress strings in snapshots.");
    Rdbchecksum: yes_no("rdbchecksum", "yes", Host, "Snapshots end in a checksum.").at_start();
    RdbSaveVersion: choice("rdb-save-version", "auto", RdbSaveVersion::WORDS, Engine,
        "Version of DUMP's bytes: 10, 11, 12, valkey80, or the oldest that can hold the value.");
    RdbVersionCheck: choice("rdb-version-check", "strict", RdbVersionCheck::WORDS, Engine,
        "Whether RESTORE takes bytes of versions that are not known.");
    RdbDelSyncFiles: yes_no("rdb-del-sync-files", "no", Nothing,
        "Replication leaves no snapshots behind.");
    RdbSaveIncrementalFsync: yes_no("rdb-save-incremental-fsync", "yes", Nothing,
        "A snapshot is always written to disk piece by piece.");
    RdbKeySaveDelay: int("rdb-key-save-delay", "0", (i32::MIN as i64, I32), Nothing,
        "For tests of Redis.").hidden();
    KeyLoadDelay: int("key-load-delay", "0", (i32::MIN as i64, I32), Nothing,
        "For tests of Redis.").hidden();
    LoadingProcessEventsIntervalBytes: int("loading-process-events-interval-bytes", "2097152",
        (1024, I32), Nothing, "For tests of Redis.").hidden();
    Appendonly: yes_no("appendonly", "no", Host, "Log every write.").larder("yes")
        .denied_while_loading();
    Appendfilename: ruled("appendfilename", "appendonly.aof", aof_file_name, Host,
        "How the names of the log's files begin.").at_start();
    Appenddirname: ruled("appenddirname", "appendonlydir", aof_dir_name, Host,
        "Folder of the log's files, inside dir.").at_start();
    Appendfsync: choice("appendfsync", "everysec", AppendFsync::WORDS, Host,
        "When the log is forced to disk.");
    NoAppendfsyncOnRewrite: yes_no("no-appendfsync-on-rewrite", "no", Nothing,
        "The log is forced to disk during a rewrite, too.");
    AutoAofRewritePercentage: int("auto-aof-rewrite-percentage", "100", (0, I32), Host,
        "Growth of the log, in percent, that starts a rewrite; 0 starts none.");
    AutoAofRewriteMinSize: mem("auto-aof-rewrite-min-size", "64mb", (0, MEM), Host,
        "Size of the log below which no rewrite starts by itself.");
    AofLoadTruncated: yes_no("aof-load-truncated", "yes", Host,
        "Load a log whose end is torn, with a warning.");
    AofUseRdbPreamble: yes_no("aof-use-rdb-preamble", "yes", Host,
        "The base of the log is a snapshot.");
    AofTimestampEnabled: yes_no("aof-timestamp-enabled", "no", Host, "Times stand in the log.");
    AofDisableAutoGc: yes_no("aof-disable-auto-gc", "no", Host,
        "Keep files of the log that are no longer needed.").hidden();
    AofRewriteIncrementalFsync: yes_no("aof-rewrite-incremental-fsync", "yes", Nothing,
        "A rewrite is always written to disk piece by piece.");

    // Replication.
    Replicaof: Param::new("replicaof", Kind::ReplicaOf, "", Host, "The master to follow.")
        .alias(&["slaveof"]).at_start().only_default(NEEDS_REPLICATION);
    Masteruser: text("masteruser", "", Nothing, "User name at the master.").sensitive();
    Masterauth: text("masterauth", "", Nothing, "Password at the master.").sensitive();
    MinReplicasToWrite: int("min-replicas-to-write", "0", (0, I32), Nothing,
        "Replicas without which writes are refused.").alias(&["min-slaves-to-write"])
        .only_default(NEEDS_REPLICATION);
    MinReplicasMaxLag: int("min-replicas-max-lag", "10", (0, I32), Nothing,
        "Seconds after which a silent replica does not count.").alias(&["min-slaves-max-lag"]);
    ReplicaServeStaleData: yes_no("replica-serve-stale-data", "yes", Nothing,
        "Answer while the master is away.").alias(&["slave-serve-stale-data"]);
    ReplicaReadOnly: yes_no("replica-read-only", "yes", Nothing,
        "A replica refuses writes.").alias(&["slave-read-only"]);
    ReplicaLazyFlush: yes_no("replica-lazy-flush", "no", Nothing,
        "A replica frees its old data in the background.").alias(&["slave-lazy-flush"]);
    ReplicaIgnoreMaxmemory: yes_no("replica-ignore-maxmemory", "yes", Nothing,
        "A replica leaves eviction to its master.").alias(&["slave-ignore-maxmemory"]);
    ReplicaIgnoreDiskWriteErrors: yes_no("replica-ignore-disk-write-errors", "no", Nothing,
        "A replica goes on when its disk fails.");
    ReplicaPriority: int("replica-priority", "100", (0, I32), Nothing,
        "Rank of a replica for Sentinel.").alias(&["slave-priority"]);
    ReplicaAnnounced: yes_no("replica-announced", "yes", Nothing,
        "Sentinel shows this replica.");
    ReplicaAnnounceIp: text("replica-announce-ip", "", Nothing,
        "Address that a replica tells its master.").alias(&["slave-announce-ip"]);
    ReplicaAnnouncePort: int("replica-announce-port", "0", (0, 65535), Nothing,
        "Port that a replica tells its master.").alias(&["slave-announce-port"]);
    ReplDisklessSync: yes_no("repl-diskless-sync", "yes", Nothing,
        "Send snapshots to replicas without a file.");
    ReplDisklessSyncDelay: int("repl-diskless-sync-delay", "5", (0, I32), Nothing,
        "Seconds that a snapshot waits for more replicas.");
    ReplDisklessSyncMaxReplicas: int("repl-diskless-sync-max-replicas", "0", (0, I32), Nothing,
        "Replicas that end the wait.");
    ReplDisklessLoad: choice("repl-diskless-load", "disabled", DISKLESS_LOAD, Nothing,
        "Load a master's snapshot without a file.").denied_while_loading();
    ReplDisableTcpNodelay: yes_no("repl-disable-tcp-nodelay", "no", Nothing,
        "Collect bytes for replicas.");
    ReplTimeout: int("repl-timeout", "60", (1, I32), Nothing,
        "Seconds after which a silent link is given up.");
    ReplPingReplicaPeriod: int("repl-ping-replica-period", "10", (1, I32), Nothing,
        "Seconds between a master's signs of life.").alias(&["repl-ping-slave-period"]);
    ReplBacklogSize: mem("repl-backlog-size", "1mb", (1, MEM), Nothing,
        "Bytes kept for replicas that come back.");
    ReplBacklogTtl: int("repl-backlog-ttl", "3600", (0, I64), Nothing,
        "Seconds that they are kept without any replica.");

    // Cluster.
    ClusterEnabled: yes_no("cluster-enabled", "no", Nothing, "Be a node of a cluster.")
        .at_start().only_default(NEEDS_CLUSTER);
    ClusterConfigFile: text("cluster-config-file", "nodes.conf", Nothing, "File of a node.")
        .at_start();
    ClusterNodeTimeout: int("cluster-node-timeout", "15000", (0, I64), Nothing,
        "Milliseconds after which a node is taken for dead.");
    ClusterPort: int("cluster-port", "0", (0, 65535), Nothing, "Port of the bus.").at_start();
    ClusterReplicaValidityFactor: int("cluster-replica-validity-factor", "10", (0, I32), Nothing,
        "How old a replica's data may be when it takes over.")
        .alias(&["cluster-slave-validity-factor"]);
    ClusterReplicaNoFailover: yes_no("cluster-replica-no-failover", "no", Nothing,
        "A replica never takes over.").alias(&["cluster-slave-no-failover"]);
    ClusterMigrationBarrier: int("cluster-migration-barrier", "1", (0, I32), Nothing,
        "Replicas that a master keeps.");
    ClusterAllowReplicaMigration: yes_no("cluster-allow-replica-migration", "yes", Nothing,
        "Replicas move to masters without any.");
    ClusterRequireFullCoverage: yes_no("cluster-require-full-coverage", "yes", Nothing,
        "A cluster with a hole refuses all.");
    ClusterAllowReadsWhenDown: yes_no("cluster-allow-reads-when-down", "no", Nothing,
        "Reads go on in a cluster with a hole.");
    ClusterAllowPubsubshardWhenDown: yes_no("cluster-allow-pubsubshard-when-down", "yes",
        Nothing, "Shard channels go on in a cluster with a hole.");
    ClusterLinkSendbufLimit: mem("cluster-link-sendbuf-limit", "0", (0, u64::MAX), Nothing,
        "Bytes that wait for one link of the bus.");
    ClusterPreferredEndpointType: choice("cluster-preferred-endpoint-type", "ip", ENDPOINT,
        Nothing, "How a node is named to clients.");
    ClusterAnnounceIp: text("cluster-announce-ip", "", Nothing, "A node's address.");
    ClusterAnnounceHostname: ruled("cluster-announce-hostname", "", host_name, Nothing,
        "A node's host name.");
    ClusterAnnounceHumanNodename: ruled("cluster-announce-human-nodename", "", host_name,
        Nothing, "A node's name in the log.");
    ClusterAnnouncePort: int("cluster-announce-port", "0", (0, 65535), Nothing, "A node's port.");
    ClusterAnnounceTlsPort: int("cluster-announce-tls-port", "0", (0, 65535), Nothing,
        "A node's TLS port.");
    ClusterAnnounceBusPort: int("cluster-announce-bus-port", "0", (0, 65535), Nothing,
        "A node's port of the bus.");

    // TLS.
    TlsPort: int("tls-port", "0", (0, 65535), Nothing, "TLS port; 0 opens none.")
        .only_default(NEEDS_TLS);
    TlsReplication: yes_no("tls-replication", "no", Nothing, "TLS to the master.")
        .only_default(NEEDS_TLS);
    TlsCluster: yes_no("tls-cluster", "no", Nothing, "TLS on the bus.").only_default(NEEDS_TLS);
    TlsAuthClients: choice("tls-auth-clients", "yes", NO_YES_OPTIONAL, Nothing,
        "Whether clients show a certificate.");
    TlsCertFile: text("tls-cert-file", "", Nothing, "The server's certificate.");
    TlsKeyFile: text("tls-key-file", "", Nothing, "The certificate's key.");
    TlsKeyFilePass: text("tls-key-file-pass", "", Nothing, "The key's passphrase.").sensitive();
    TlsClientCertFile: text("tls-client-cert-file", "", Nothing, "Certificate towards others.");
    TlsClientKeyFile: text("tls-client-key-file", "", Nothing, "That certificate's key.");
    TlsClientKeyFilePass: text("tls-client-key-file-pass", "", Nothing, "That key's passphrase.")
        .sensitive();
    TlsDhParamsFile: text("tls-dh-params-file", "", Nothing, "Diffie-Hellman parameters.");
    TlsCaCertFile: text("tls-ca-cert-file", "", Nothing, "Trusted certificates.");
    TlsCaCertDir: text("tls-ca-cert-dir", "", Nothing, "Folder of trusted certificates.");
    TlsProtocols: text("tls-protocols", "", Nothing, "Versions of TLS.");
    TlsCiphers: text("tls-ciphers", "", Nothing, "Ciphers of TLS 1.2.");
    TlsCiphersuites: text("tls-ciphersuites", "", Nothing, "Ciphers of TLS 1.3.");
    TlsPreferServerCiphers: yes_no("tls-prefer-server-ciphers", "no", Nothing,
        "The server's order of ciphers holds.");
    TlsSessionCaching: yes_no("tls-session-caching", "yes", Nothing, "Sessions can be resumed.");
    TlsSessionCacheSize: int("tls-session-cache-size", "20480", (0, I32), Nothing,
        "Sessions kept for resumption.");
    TlsSessionCacheTimeout: int("tls-session-cache-timeout", "300", (0, I32), Nothing,
        "Seconds that they are kept.");
}

fn any_text(_: &[u8]) -> Result<(), &'static str> {
    Ok(())
}

fn is_base_name(name: &[u8]) -> bool {
    !name.contains(&b'/') && !name.contains(&b'\\')
}

fn db_file_name(name: &[u8]) -> Result<(), &'static str> {
    if is_base_name(name) { Ok(()) } else { Err("dbfilename can't be a path, just a filename") }
}

fn aof_file_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("appendfilename can't be empty"),
        _ if is_base_name(name) => Ok(()),
        _ => Err("appendfilename can't be a path, just a filename"),
    }
}

fn aof_dir_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("appenddirname can't be empty"),
        _ if is_base_name(name) => Ok(()),
        _ => Err("appenddirname can't be a path, just a dirname"),
    }
}

fn host_name(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= 256 {
        return Err("Hostnames must be less than 256 characters");
    }
    if name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        Ok(())
    } else {
        Err("Hostnames may only contain alphanumeric characters, hyphens or dots")
    }
}

fn proc_title(template: &[u8]) -> Result<(), &'static str> {
    const BAD: &str = "template format is invalid or contains unknown variables";
    const KNOWN: [&str; 7] =
        ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];
    let mut rest = std::str::from_utf8(template).map_err(|_| BAD)?;
    if rest.is_empty() {
        return Err(BAD);
    }
    while let Some((_, after)) = rest.split_once('{') {
        let (variable, tail) = after.split_once('}').ok_or(BAD)?;
        if !KNOWN.contains(&variable) {
            return Err(BAD);
        }
        rest = tail;
    }
    Ok(())
}

fn http_address(address: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(address).unwrap_or("?");
    if text.is_empty() || text.parse::<std::net::SocketAddr>().is_ok() {
        Ok(())
    } else {
        Err("argument must be an address and a port such as 127.0.0.1:8379, or empty for no HTTP")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_is_unique_and_in_lower_case() {
        let mut seen = HashSet::new();
        for param in &TABLE {
            for name in std::iter::once(&param.name).chain(param.aliases) {
                assert!(seen.insert(*name), "{name} stands twice");
                assert_eq!(*name, name.to_ascii_lowercase());
            }
            assert!(param.doc.ends_with('.'), "{}", param.name);
        }
    }

    /// The names that Redis 7.0 answers to `CONFIG GET *`, and what 7.2 added.
    #[test]
    fn the_settings_of_redis_are_all_there() {
        let names: HashSet<&str> = TABLE
            .iter()
            .flat_map(|param| std::iter::once(&param.name).chain(param.aliases))
            .copied()
            .collect();
        for name in include_str!("redis_settings.txt").split_whitespace() {
            assert!(names.contains(name), "{name} is missing");
        }
    }

    #[test]
    fn proc_titles_know_their_variables() {
        assert!(proc_title(b"{title} {port} x").is_ok());
        assert!(proc_title(b"{foo}").is_err());
        assert!(proc_title(b"{title").is_err());
        assert!(proc_title(b"").is_err());
    }
}
