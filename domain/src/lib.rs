//! Vocabulary, rules and plans of kanzleisync, as pure functions.
//!
//! Nothing here waits, connects, reads a clock or draws a random number. What a sync saw goes in as plain values, an
//! ordered list of steps and findings comes out; carrying the steps out is the worker's business.

pub mod beteiligte;
pub mod calendar;
pub mod divergence;
pub mod finding;
pub mod ids;
pub mod job;
pub mod kommunikation;
