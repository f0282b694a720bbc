//! From the ranks of all registers to a number of elements: Otmar Ertl's estimator ("New
//! cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284), in the order of
//! operations that gives Redis's numbers.

use super::REGISTERS;

/// The highest rank that a hash leads to is one more.
const MAX_RANK: usize = 50;

/// How many registers have each rank.
#[derive(Debug, Clone)]
pub struct Histogram([u32; 64]);

impl Default for Histogram {
    fn default() -> Self {
        Histogram([0; 64])
    }
}

impl Histogram {
    /// Counts registers of a rank below 64.
    pub fn add(&mut self, rank: u8, registers: usize) {
        let count = &mut self.0[usize::from(rank & 63)];
        *count = count.saturating_add(registers as u32);
    }

    /// The number of elements that the registers show.
    pub fn estimate(&self) -> u64 {
        /// 1 / (2 ln 2)
        const ALPHA: f64 = 0.721_347_520_444_481_7;
        let m = REGISTERS as f64;
        let with = |rank: usize| f64::from(self.0[rank]);
        let mut z = m * tau((m - with(MAX_RANK + 1)) / m);
        for rank in (1..=MAX_RANK).rev() {
            z += with(rank);
            z *= 0.5;
        }
        z += m * sigma(with(0) / m);
        (ALPHA * m * m / z).round() as u64
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
