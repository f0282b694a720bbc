//! Random commands: those that change data as SPEC says they are written, reads from templates.
//!
//! In a template `$s $S $l $z $h $x` are keys that mostly hold a string, a set, a list, a sorted set,
//! a hash, a stream; `$k` is any of them; `$v` a value, `$m` a member, `$n` the name of a field, `$t`
//! an ID of an entry, `$p` one whose second part is open, `$i` a small integer, `$f` a score, `$d`
//! milliseconds. Keys are those of [`Requests`].

use fastrand::Rng;
use larder_engine::commands::{Known, all};
use larder_engine::spec::{Group, flag};
use larder_engine::testing::Requests;

/// Writes that what SPEC says leads to too seldom: values that grow, change their encoding, or
/// are found again.
const WRITES: &[&str] = &[
    "lpush $l $v $v",
    "rpush $l $v $v $v",
    "linsert $l before $v $v",
    "lmove $l $l left right",
    "sadd $S $m $m $m",
    "sadd $S $i $i $i",
    "sadd $S $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m",
    "smove $S $S $m",
    "srem $S $m $m $m",
    "zadd $z $f $m $f $m $f $m $i $v",
    "zadd $z $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m $f $m",
    "zadd $z ch gt $f $m",
    "zincrby $z $f $m",
    "zrem $z $m $m $m",
    "zremrangebyscore $z $f $f",
    "zremrangebyrank $z $i $i",
    "zremrangebylex $z [$m +",
    "zrangestore $z $z $i $i",
    "zrangestore $z $z -inf $f byscore limit $i $i",
    "zunionstore $z 3 $z $S $z weights $f 1 $i",
    "zinterstore $z 2 $z $z aggregate max",
    "zdiffstore $z 2 $z $S",
    "hset $h $n $v $n $i $n $v",
    "hset $h $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m $m",
    "hpexpire $h $d fields 3 $n $n $n",
    "hpexpire $h $d fields 5 $m $m $m $m $m",
    "hpersist $h fields 3 $n $n $n",
    "hsetex $h px $d fields 1 $n $v",
    "hsetex $h keepttl fields 1 $n $i",
    "hsetnx $h $n $v",
    "hincrby $h $n $i",
    "hincrbyfloat $h $n 0.5",
    "hdel $h $n $n $m",
    "set $s $v",
    "set $s $i",
    "delifeq $s $i",
    "incr $s",
    "append $s $v",
    "xadd $x * f $v",
    "xadd $x * f $v g $m",
    "xadd $x $p f $v",
    "xgroup create $x group0 0 mkstream",
    "xgroup create $x group1 $ mkstream",
    "xreadgroup group group0 consumer0 count 3 streams $x >",
    "xreadgroup group group1 consumer1 streams $x >",
    "xreadgroup group group0 consumer0 streams $x 0",
    "xreadgroup group group0 consumer1 block 0 streams $x >",
    "xautoclaim $x group0 consumer2 0 - count 2",
    "xack $x group0 $t $t $t $t $t $t $t $t $t $t $t $t",
    "xdel $x $t $t $t $t",
    "xtrim $x maxlen 20",
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
    "hlen $h",
    "hget $h $n",
    "hmget $h $n $m",
    "hexists $h $n",
    "hstrlen $h $n",
    "hpttl $h fields 2 $n $n",
    "hexpiretime $h fields 1 $n",
    "llen $l",
    "lindex $l $i",
    "lrange $l $i $i",
    "lpos $l $v",
    "zcard $z",
    "zscore $z $m",
    "zmscore $z $m $m",
    "zrank $z $m withscore",
    "zrevrank $z $m",
    "zcount $z $f ($f",
    "zlexcount $z [$m +",
    "zrange $z $i $i withscores",
    "zrange $z $i $i rev",
    "zrange $z $f +inf byscore limit $i $i withscores",
    "zrevrangebyscore $z $f -inf withscores",
    "zrangebylex $z - ($m limit $i $i",
    "zunion 2 $z $z withscores",
    "zinter 2 $z $S withscores",
    "zdiff 2 $z $S withscores",
    "zintercard 2 $z $z limit $i",
    "xlen $x",
    "xrange $x - + count 5",
    "xrevrange $x + - count 5",
    "xpending $x group0",
    "xpending $x group0 - + 9",
    "xinfo groups $x",
    "xread count 2 streams $x $x 0 5",
    "dbsize",
    "wait 0 0",
    "get",
    "nonsense $k",
];

/// A source of random commands.
pub(crate) struct Grammar {
    requests: Requests,
    /// Those that change data.
    writes: Vec<&'static Known>,
}

impl Grammar {
    pub(crate) fn new(seed: u64, now_ms: u64) -> Self {
        let writes = all().iter().filter(|known| known.entry.spec.has(flag::WRITE)).collect();
        Grammar { requests: Requests::new(seed, now_ms), writes }
    }

    /// The same with so many keys of each type.
    pub(crate) fn with_keys(mut self, keys: u32) -> Self {
        self.requests.keys = keys;
        self
    }

    pub(crate) fn set_now_ms(&mut self, now_ms: u64) {
        self.requests.now_ms = now_ms;
    }

    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.requests.rng
    }

    /// A command that changes data.
    pub(crate) fn write(&mut self) -> Vec<Vec<u8>> {
        if self.rng().u32(..4) == 0 {
            return self.fill(WRITES);
        }
        loop {
            let number = self.requests.rng.usize(..self.writes.len());
            let command = self.writes[number];
            // What names no key empties or exchanges databases: rare, or nothing lasts.
            if !command.entry.spec.keys.is_empty() || self.rng().u32(..8) == 0 {
                return self.requests.request(command);
            }
        }
    }

    /// A command that does not.
    pub(crate) fn read(&mut self) -> Vec<Vec<u8>> {
        self.fill(READS)
    }

    /// One of some templates.
    fn fill(&mut self, templates: &[&str]) -> Vec<Vec<u8>> {
        let template = templates[self.rng().usize(..templates.len())];
        template.split(' ').map(|word| self.word(word)).collect()
    }

    fn word(&mut self, word: &str) -> Vec<u8> {
        let Some(at) = word.find('$') else { return word.into() };
        let filled = match &word[at + 1..] {
            "s" => self.requests.key(Group::String),
            "S" => self.requests.key(Group::Set),
            "l" => self.requests.key(Group::List),
            "z" => self.requests.key(Group::SortedSet),
            "h" => self.requests.key(Group::Hash),
            "n" => format!("f{}", self.rng().u32(..12)).into(),
            "d" => self.rng().u32(1..2000).to_string().into(),
            "x" => self.requests.key(Group::Stream),
            "p" => format!("{}-*", self.rng().u32(..40)).into(),
            "" => b"$".to_vec(),
            "k" => self.requests.key(Group::Generic),
            "t" => self.requests.entry_id(),
            "v" => self.requests.value(),
            "m" => format!("m{}", self.rng().u32(..300)).into(),
            "i" => self.rng().i32(-4..40).to_string().into(),
            "f" => (f64::from(self.rng().i32(-8..80)) / 4.0).to_string().into(),
            _ => panic!("{word} in a template"),
        };
        [&word.as_bytes()[..at], &filled].concat()
    }
}
