//! How far a long command is, on a terminal: one line that is drawn over. Elsewhere nothing is drawn.
#![allow(clippy::disallowed_methods, reason = "draws as time passes, at the program's edge")]

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(200);

/// Characters of the bar.
const WIDTH: u64 = 30;

/// A line that shows how far something is.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    drawn: Option<Instant>,
    on_terminal: bool,
}

impl Progress {
    /// Nothing is drawn yet.
    #[must_use]
    pub fn new() -> Progress {
        let on_terminal = std::io::stderr().is_terminal();
        Progress { began: Instant::now(), drawn: None, on_terminal }
    }

    /// So much of so much is done; `what` is said behind it.
    pub fn show(&mut self, done: u64, total: u64, what: &str) {
        let is_due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY);
        if self.on_terminal && is_due {
            self.drawn = Some(Instant::now());
            // Nobody is told of a line that nobody sees.
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", line(done, total, what));
        }
    }

    /// Takes the line away; how long it took, in seconds.
    pub fn end(self) -> f64 {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        self.began.elapsed().as_secs_f64()
    }
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

fn line(done: u64, total: u64, what: &str) -> String {
    let (done, total) = (done.min(total), total.max(1));
    let filled = (u128::from(done) * u128::from(WIDTH) / u128::from(total)) as usize;
    let percent = u128::from(done) * 100 / u128::from(total);
    let empty = WIDTH as usize - filled;
    format!("[{}{}] {percent:3} % {what}", "#".repeat(filled), ".".repeat(empty))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bar_grows() {
        assert_eq!(super::line(0, 0, "k"), "[..............................]   0 % k");
        assert_eq!(super::line(5, 10, "k"), "[###############...............]  50 % k");
        assert_eq!(super::line(11, 10, "k"), "[##############################] 100 % k");
    }
}
