//! Registers of six bits, one after the other, the lowest bits of each byte first.

use super::REGISTERS;
use super::hash::Place;

const BITS: usize = 6;
const MASK: u16 = (1 << BITS) - 1;

/// Bytes of all registers.
pub const BYTES: usize = REGISTERS * BITS / 8;

/// The rank in a register.
pub fn rank(registers: &[u8], register: usize) -> u8 {
    let (at, shift) = (register * BITS / 8, register * BITS % 8);
    let next = registers.get(at + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([registers[at], next]) >> shift & MASK) as u8
}

/// Raises a register to a rank; whether it was lower.
pub fn raise(registers: &mut [u8], Place { register, rank: new }: Place) -> bool {
    if rank(registers, register) >= new {
        return false;
    }
    let (at, shift) = (register * BITS / 8, register * BITS % 8);
    let next = registers.get(at + 1).copied().unwrap_or(0);
    let pair = u16::from_le_bytes([registers[at], next]);
    let pair = pair & !(MASK << shift) | u16::from(new) << shift;
    let [low, high] = pair.to_le_bytes();
    registers[at] = low;
    if let Some(next) = registers.get_mut(at + 1) {
        *next = high;
    }
    true
}

/// Visits the ranks of all registers in turn.
pub fn each(registers: &[u8], mut visit: impl FnMut(u8)) {
    // Four registers fill three bytes.
    let (groups, _) = registers.as_chunks::<3>();
    for &[low, middle, high] in groups {
        let group = u32::from_le_bytes([low, middle, high, 0]);
        (0..4).for_each(|nth| visit((group >> (nth * BITS) & u32::from(MASK)) as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_keep_to_themselves() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut registers, mut model) = (vec![0; BYTES], vec![0u8; REGISTERS]);
        for _ in 0..100_000 {
            let place = Place { register: rng.usize(..REGISTERS), rank: rng.u8(..64) };
            let raised = model[place.register] < place.rank;
            assert_eq!(raise(&mut registers, place), raised);
            model[place.register] = model[place.register].max(place.rank);
        }
        let mut all = Vec::new();
        each(&registers, |rank| all.push(rank));
        assert_eq!(all, model);
        assert!((0..REGISTERS).all(|at| rank(&registers, at) == model[at]));
    }
}
