//! Random commands from templates, over few keys that are shared by all types now and then.
//!
//! In a template `$s $n $S $l` are keys that mostly hold a string, a number, a set, a list; `$k` is
//! any of them; `$v` a value, `$m` a member, `$i` a small integer, `$c` a count from 1, `$f` a
//! fraction, `$d` a database; `$ms $sec` a TTL, `$at $atms` a Unix time, which may have passed.

use super::is_known;
use fastrand::Rng;

/// Commands that change data, each at least once.
const WRITES: &[&str] = &[
    "append $s $v",
    "copy $k $k",
    "copy $k $k replace",
    "copy $k $k db $d replace",
    "decr $n",
    "decrby $n $i",
    "del $k",
    "del $k $k $k",
    "delex $s",
    "delex $s ifeq $v",
    "delifeq $s $v",
    "expire $k $sec",
    "expire $k $sec nx",
    "expire $k $sec xx",
    "expireat $k $at",
    "flushall",
    "flushdb",
    "flushdb async",
    "getdel $s",
    "getex $s px $ms",
    "getex $s persist",
    "getex $s exat $at",
    "getset $s $v",
    "incr $n",
    "incrby $n $i",
    "incrbyfloat $n $f",
    "increx $n",
    "increx $n byint $i ex $sec",
    "lpush $l $v $v",
    "lpushx $l $v",
    "rpush $l $v $v $v",
    "rpushx $l $v",
    "lpop $l",
    "lpop $l $c",
    "rpop $l",
    "rpop $l $c",
    "linsert $l before $v $v",
    "linsert $l after $v $v",
    "lset $l $i $v",
    "lrem $l $i $v",
    "ltrim $l $i $i",
    "ltrim $l 0 -2",
    "rpoplpush $l $l",
    "lmove $l $l left right",
    "lmove $l $l right left",
    "lmpop 2 $l $l left count $c",
    "blpop $l $l 0",
    "brpop $l 0",
    "brpoplpush $l $l 0",
    "blmove $l $l left left 0",
    "blmpop 0 2 $l $l right count $c",
    "move $k $d",
    "mset $s $v $s $v $n $i",
    "msetex 2 $s $v $s $v",
    "msetex 2 $s $v $k $v px $ms nx",
    "msetex 2 $s $v $s $v pxat $atms xx",
    "msetex 2 $s $v $s $v keepttl",
    "msetnx $s $v $s $v",
    "persist $k",
    "pexpire $k $ms",
    "pexpire $k $ms gt",
    "pexpire $k $ms lt",
    "pexpireat $k $atms",
    "psetex $s $c $v",
    "rename $k $k",
    "renamenx $k $k",
    "sadd $S $m $m $m",
    "sadd $S $i $i $i",
    "sadd $S $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m",
    "sdiffstore $S $S $S",
    "set $s $v",
    "set $n $i",
    "set $s $v px $ms",
    "set $s $v ex $sec",
    "set $s $v pxat $atms",
    "set $s $v exat $at",
    "set $s $v keepttl",
    "set $s $v nx",
    "set $s $v xx get",
    "set $s $v get px $ms",
    "set $s $v ifeq $v",
    "setex $s $c $v",
    "setnx $s $v",
    "setrange $s $c $v",
    "sinterstore $S $S $S",
    "smove $S $S $m",
    "spop $S",
    "spop $S $c",
    "srem $S $m $m $m",
    "sunionstore $S $S $S",
    "swapdb $d $d",
    "unlink $k $k",
];

/// Commands that change nothing and whose reply is the same for every number of shards.
const READS: &[&str] = &[
    "get $s",
    "mget $s $s $k",
    "getrange $s $i $i",
    "substr $s $i $i",
    "strlen $s",
    "lcs $s $s len",
    "exists $k $k",
    "touch $k $k",
    "type $k",
    "ttl $k",
    "pttl $k",
    "expiretime $k",
    "pexpiretime $k",
    "object encoding $k",
    "object idletime $k",
    "object refcount $k",
    "scard $S",
    "sismember $S $m",
    "smismember $S $m $i",
    "sintercard 2 $S $S",
    "llen $l",
    "lindex $l $i",
    "lrange $l $i $i",
    "lpos $l $v",
    "dbsize",
    "wait 0 0",
    "get",
    "nonsense $k",
];

/// What the whole database is emptied or exchanged by: rare, or nothing lasts.
const RARE: &[&str] = &["flushall", "flushdb", "swapdb"];

/// A source of random commands.
pub(crate) struct Grammar {
    rng: Rng,
    writes: Vec<&'static str>,
    reads: Vec<&'static str>,
    /// Keys of each kind.
    pub(crate) keys: u32,
    /// The clock, for Unix times.
    pub(crate) now_ms: u64,
}

impl Grammar {
    pub(crate) fn new(seed: u64) -> Self {
        let known = |list: &[&'static str]| -> Vec<&'static str> {
            list.iter().copied().filter(|template| is_known(first(template))).collect()
        };
        let (writes, reads) = (known(WRITES), known(READS));
        Grammar { rng: Rng::with_seed(seed), writes, reads, keys: 6, now_ms: 0 }
    }

    /// The first words of all templates that change data.
    pub(crate) fn written() -> impl Iterator<Item = &'static str> {
        WRITES.iter().map(|template| first(template))
    }

    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A command that changes data.
    pub(crate) fn write(&mut self) -> Vec<Vec<u8>> {
        loop {
            let template = self.writes[self.rng.usize(..self.writes.len())];
            if !RARE.contains(&first(template)) || self.rng.u32(..8) == 0 {
                return self.fill(template);
            }
        }
    }

    /// A command that does not.
    pub(crate) fn read(&mut self) -> Vec<Vec<u8>> {
        let template = self.reads[self.rng.usize(..self.reads.len())];
        self.fill(template)
    }

    fn fill(&mut self, template: &str) -> Vec<Vec<u8>> {
        template.split(' ').map(|word| self.word(word)).collect()
    }

    fn word(&mut self, word: &str) -> Vec<u8> {
        let Some(hole) = word.strip_prefix('$') else { return word.into() };
        match hole {
            "s" | "n" | "S" | "l" => self.key(hole),
            "k" => {
                let kind = ["s", "n", "S", "l"][self.rng.usize(..4)];
                self.key(kind)
            }
            "v" => self.value(),
            "m" => format!("m{}", self.rng.u32(..300)).into(),
            "i" => (self.rng.i32(-4..40)).to_string().into(),
            "c" => (1 + self.rng.u32(..5)).to_string().into(),
            "f" => format!("{}.5", self.rng.i32(-9..9)).into(),
            "d" => self.rng.u32(..3).to_string().into(),
            "ms" => self.rng.i64(-50..3000).to_string().into(),
            "sec" => self.rng.i64(-1..4).to_string().into(),
            "at" => ((self.now_ms / 1000) as i64 + self.rng.i64(-1..4)).to_string().into(),
            "atms" => (self.now_ms as i64 + self.rng.i64(-50..3000)).to_string().into(),
            _ => panic!("{word} in a template"),
        }
    }

    fn key(&mut self, kind: &str) -> Vec<u8> {
        let kind = if self.rng.u32(..16) == 0 { "s" } else { kind };
        let mut key = format!("{kind}{}", self.rng.u32(..self.keys)).into_bytes();
        if self.rng.u32(..64) == 0 {
            key.resize(5000, b'k');
        }
        key
    }

    /// Mostly short; a few are longer than an entry, or than what is copied.
    fn value(&mut self) -> Vec<u8> {
        let len = match self.rng.u32(..40) {
            0 => self.rng.usize(8000..12_000),
            1 => self.rng.usize(200..400),
            2 => 70_000,
            3..=20 => 1,
            _ => self.rng.usize(..20),
        };
        (0..len).map(|_| b'a' + self.rng.u8(..3)).collect()
    }
}

fn first(template: &str) -> &str {
    template.split(' ').next().unwrap_or_default()
}
