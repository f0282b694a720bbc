//! `math.random` and `math.randomseed` over the generator that Redis gives scripts, the 48-bit one
//! of POSIX's `lrand48`: a seed gives the same numbers here and there.

use super::{bad_argument, function, number_of};
use mlua::{Lua, MultiValue, Result, Table, Value};
use std::cell::Cell;
use std::rc::Rc;

/// Numbers are below this.
const RANGE: f64 = 2_147_483_647.0;

/// The generator's state: 48 bits.
struct Generator(Cell<u64>);

impl Generator {
    const MASK: u64 = (1 << 48) - 1;

    fn seed(&self, seed: i64) {
        let seed = u64::from(seed as u32);
        self.0.set(seed << 16 | 0x330E);
    }

    /// The next number in [0, 1).
    fn next(&self) -> f64 {
        let state = self.0.get().wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & Self::MASK;
        self.0.set(state);
        ((state >> 17) as f64 % RANGE) / RANGE
    }
}

/// Puts both in a table in the place of those of C's library.
pub(crate) fn install(lua: &Lua, math: &Table, seed: u32) -> Result<()> {
    let generator = Rc::new(Generator(Cell::new(0)));
    generator.seed(seed.into());
    let own = generator.clone();
    math.raw_set("random", function(lua, move |_, args| random(&own, &args))?)?;
    let seed = move |_: &Lua, args: MultiValue| match args.front().and_then(number_of) {
        Some(seed) => {
            generator.seed(seed as i64);
            Ok(())
        }
        None => bad_argument(1, "randomseed", "number expected, got no value"),
    };
    math.raw_set("randomseed", function(lua, seed)?)
}

fn random(generator: &Generator, args: &MultiValue) -> Result<Value> {
    let bound = |at: usize| match args.get(at).and_then(number_of) {
        Some(bound) => Ok(bound.trunc()),
        None => {
            let got = args.get(at).map_or("no value", Value::type_name);
            bad_argument(at + 1, "random", &format!("number expected, got {got}"))
        }
    };
    let drawn = generator.next();
    let (from, to) = match args.len() {
        0 => return Ok(Value::Number(drawn)),
        1 => (1.0, bound(0)?),
        2 => (bound(0)?, bound(1)?),
        _ => return Err(mlua::Error::runtime("wrong number of arguments")),
    };
    if from > to {
        return bad_argument(args.len(), "random", "interval is empty");
    }
    Ok(Value::Number((drawn * (to - from + 1.0)).floor() + from))
}
