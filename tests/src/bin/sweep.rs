//! `make sweep`: every state of one Beteiligter with up to three rows and three values, stopped everywhere. Minutes, all cores.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::thread;
use std::time::Instant;

use harness::sweep::{Depth, Sweep, walk};

const MAX_ROWS: usize = 3;

fn main() {
    let parts = thread::available_parallelism().map_or(1, usize::from);
    for sweep in [Sweep::Mail, Sweep::Phone] {
        #[expect(clippy::disallowed_methods, reason = "wall time of a whole program run, for its reader")]
        let since = Instant::now();
        let walks: Vec<_> = (0..parts)
            .map(|part| thread::spawn(move || walk(sweep, Depth::EveryStop, MAX_ROWS, part, parts)))
            .collect();
        // A walk panics at the first state that fails, having printed it.
        let checked: Option<usize> = walks.into_iter().map(|walk| walk.join().ok()).sum();
        let Some(checked) = checked else { std::process::exit(1) };
        let line = format!(
            "{sweep:?}: {checked} states, each converges, at every stop, in {:.0} s",
            since.elapsed().as_secs_f64()
        );
        println!("{line}");
    }
}
