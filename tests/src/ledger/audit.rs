//! Reading the ledger: who overlapped, who ran again.

use std::collections::HashMap;

/// What the lines of a ledger add up to. Memory grows with the entities, and with the runs only until
/// [`forget_times`](Self::forget_times).
#[derive(Debug, Default)]
pub struct Audit {
    /// Runs that have begun and not ended; what a killed process leaves stays until the entity runs again.
    open: HashMap<String, Open>,
    /// Runs begun.
    pub runs: u64,
    /// Runs that brought about what was wanted.
    pub fresh: u64,
    /// Runs that ended after they had lost their lease; they had no effect.
    pub too_late: u64,
    /// Runs that something of had been done before: the earlier run was cut off, or its outcome was.
    pub repeats: Vec<Repeat>,
    /// Two runs of one entity that both held their lease: never.
    pub overlaps: Vec<String>,
    /// When each run began (milliseconds, the ledger's clock), and in which process.
    pub begins: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Open {
    token: String,
    began_ms: u64,
    pid: u32,
}

/// A run that would not have been without a fault, or without a trigger in the middle of the run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub entity: String,
    /// By the ledger's clock.
    pub began_ms: u64,
    pub pid: u32,
}

impl Audit {
    /// Reads one more line, in the ledger's order. A line that nobody could have written stops the test.
    pub fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["begin", ms, entity, token, pid, _starts] => {
                let (began_ms, pid) = (ms.parse().expect("a time"), pid.parse().expect("a process id"));
                self.begin(entity, Open { token: (*token).to_owned(), began_ms, pid });
            }
            ["end", ms, entity, token, held, effect] => self.end(ms, entity, token, *held == "1", effect),
            _ => panic!("not a line of the ledger: {line:?}"),
        }
    }

    fn begin(&mut self, entity: &str, run: Open) {
        self.runs += 1;
        self.begins.push((run.began_ms, run.pid));
        let (began_ms, pid) = (run.began_ms, run.pid);
        if self.open.insert(entity.to_owned(), run).is_some() {
            self.repeats.push(Repeat { entity: entity.to_owned(), began_ms, pid });
        }
    }

    fn end(&mut self, ms: &str, entity: &str, token: &str, held: bool, effect: &str) {
        let current = self.open.get(entity).is_some_and(|open| open.token == token);
        if !held {
            self.too_late += 1;
        } else if !current {
            self.overlaps.push(format!("{entity}: {token} held its lease at {ms}, after another run had begun"));
        }
        if effect == "fresh" {
            self.fresh += 1;
        }
        if current
            && let Some(run) = self.open.remove(entity)
            && effect == "again"
        {
            self.repeats.push(Repeat { entity: entity.to_owned(), began_ms: run.began_ms, pid: run.pid });
        }
    }

    /// Entities with a run that has begun and not ended, and the process of it.
    pub fn open_in(&self, pid: u32) -> Vec<&str> {
        self.open.iter().filter(|(_, run)| run.pid == pid).map(|(entity, _)| entity.as_str()).collect()
    }

    /// Whether a run has begun and not ended.
    pub fn any_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// When the first run at or after that time began.
    pub fn first_begin_since(&self, ms: u64) -> Option<u64> {
        self.begins.iter().map(|(began_ms, _)| *began_ms).filter(|began_ms| *began_ms >= ms).min()
    }

    /// Drops what grows with the runs.
    pub fn forget_times(&mut self) {
        self.begins.clear();
        self.repeats.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(lines: &[&str]) -> Audit {
        let mut audit = Audit::default();
        for line in lines {
            audit.read(line);
        }
        audit
    }

    #[test]
    fn j1_an_end_with_its_lease_after_another_begin_is_an_overlap() {
        let lines = ["begin 1 ok-1 a 7 1", "begin 5 ok-1 b 8 2", "end 6 ok-1 a 1 fresh", "end 7 ok-1 b 1 again"];
        assert_eq!(audit(&lines).overlaps.len(), 1);
    }

    #[test]
    fn j1_a_run_that_lost_its_lease_is_late_and_no_overlap() {
        let late = audit(&["begin 1 ok-1 a 7 1", "begin 5 ok-1 b 8 2", "end 6 ok-1 b 1 fresh", "end 7 ok-1 a 0 none"]);
        assert_eq!((late.overlaps.len(), late.too_late, late.repeats.len(), late.fresh), (0, 1, 1, 1));
    }

    #[test]
    fn j1_a_run_whose_outcome_was_lost_counts_as_repeated() {
        let lines = ["begin 1 ok-1 a 7 1", "end 2 ok-1 a 1 fresh", "begin 5 ok-1 b 8 2", "end 6 ok-1 b 1 again"];
        assert_eq!(audit(&lines).repeats, [Repeat { entity: "ok-1".into(), began_ms: 5, pid: 8 }]);
    }
}
