//! The worker: executes jobs from the queue until it is asked to stop.

pub mod jobs;
mod program;

pub use program::{Jobs, ProgramError, assemble, deliver_settings, run};
