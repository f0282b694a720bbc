//! Makes a sequence shorter while it still shows the same difference.
//!
//! First whole runs of steps go, halves first (delta debugging), then settings and words. It must
//! not know what a difference is; the caller says whether one is still there.

use anyhow::Result;

use crate::sequence::{Sequence, Step};

/// Sequences that are tried at most.
const TRIES: usize = 600;

/// The shortest sequence found for which `shows` still holds.
///
/// # Errors
/// Those of `shows`.
pub(crate) fn minimise(
    sequence: Sequence,
    shows: impl FnMut(&Sequence) -> Result<bool>,
) -> Result<Sequence> {
    let mut search = Search { best: sequence, shows, tries: 0 };
    search.drop_steps()?;
    search.simplify()?;
    search.drop_words()?;
    search.drop_steps()?;
    Ok(search.best)
}

struct Search<F> {
    best: Sequence,
    shows: F,
    tries: usize,
}

impl<F: FnMut(&Sequence) -> Result<bool>> Search<F> {
    /// Keeps a candidate that still shows the difference.
    fn attempt(&mut self, candidate: Sequence) -> Result<bool> {
        self.tries += 1;
        let better = self.tries <= TRIES && (self.shows)(&candidate)?;
        if better {
            self.best = candidate;
        }
        Ok(better)
    }

    fn drop_steps(&mut self) -> Result<()> {
        let mut size = self.best.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (at + size).min(candidate.steps.len());
                candidate.steps.drain(at..end);
                if !self.attempt(candidate)? {
                    at += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        Ok(())
    }

    fn simplify(&mut self) -> Result<()> {
        if self.best.resp3 {
            self.attempt(Sequence { resp3: false, ..self.best.clone() })?;
        }
        for at in (0..self.best.settings.len()).rev() {
            let mut candidate = self.best.clone();
            candidate.settings.remove(at);
            self.attempt(candidate)?;
        }
        Ok(())
    }

    fn drop_words(&mut self) -> Result<()> {
        for step in 0..self.best.steps.len() {
            let mut word = 1;
            while let Step::Send(words) | Step::Beside(words) = &self.best.steps[step]
                && word < words.len()
            {
                let long = words[word].len() > 12;
                let mut candidate = self.best.clone();
                if let Step::Send(words) | Step::Beside(words) = &mut candidate.steps[step] {
                    words.remove(word);
                }
                if self.attempt(candidate)? {
                    continue;
                }
                let mut candidate = self.best.clone();
                if let (true, Step::Send(words) | Step::Beside(words)) =
                    (long, &mut candidate.steps[step])
                {
                    words[word] = b"x".to_vec();
                    self.attempt(candidate)?;
                }
                word += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(lines: &[&str]) -> Sequence {
        Sequence::parse(&lines.join("\n")).unwrap()
    }

    #[test]
    fn keeps_only_what_the_difference_needs() {
        let lines: Vec<String> = (0..40).map(|n| format!("> SET k{n} a b c")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let needs = |sequence: &Sequence| {
            let text = sequence.to_string();
            Ok(text.contains("> SET k7 ") && text.contains("k31 a"))
        };
        let found = minimise(sequence(&lines), needs).unwrap();
        assert_eq!(found.to_string().lines().count(), 2);
        assert!(found.to_string().contains("> SET k31 a\n"), "{found}");
    }
}
