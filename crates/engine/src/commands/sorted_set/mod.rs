//! Commands on sorted sets. What they do with one is [`crate::values::sorted`]; here are words and
//! replies, and what several share: [`query`] (ranges), [`popping`], [`combining`].

pub mod bzmpop;
pub mod bzpopmin;
mod combining;
mod popping;
mod query;
pub mod zadd;
pub mod zcard;
pub mod zcount;
pub mod zdiff;
pub mod zdiffstore;
pub mod zincrby;
pub mod zinter;
pub mod zintercard;
pub mod zinterstore;
pub mod zlexcount;
pub mod zmpop;
pub mod zmscore;
pub mod zpopmin;
pub mod zrandmember;
pub mod zrange;
pub mod zrangebylex;
pub mod zrangebyscore;
pub mod zrangestore;
pub mod zrank;
pub mod zrem;
pub mod zremrangebylex;
pub mod zremrangebyrank;
pub mod zremrangebyscore;
pub mod zrevrange;
pub mod zscan;
pub mod zscore;
pub mod zunion;
pub mod zunionstore;

pub use combining::Combining;
pub use popping::{Popping, Side};
pub use query::{By, Query};
