//! What the integration suite, the demo and the benchmarks stand on: private servers and programs under control.
//!
//! Everything started here belongs to the process that started it and ends with it, however that process ends: on
//! drop, on a panic, on Ctrl-C and when it is killed. `process` says how. Nothing needs a free port, a running
//! service or Docker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    reason = "harness of tests and of the demo: a broken assumption should stop it, and it talks to a terminal"
)]

pub mod bench;
mod browser;
pub mod calendar;
mod certificates;
pub mod collector;
pub mod converge;
pub mod demo;
mod error;
mod folder;
mod installed;
pub mod kills;
pub mod ledger;
pub mod mixed;
pub mod office;
pub mod planted;
mod port;
mod postgres_proxy;
mod private_postgres;
mod private_prometheus;
mod private_redis;
mod private_sentinels;
mod process;
mod program;
pub mod races;
mod redis_proxy;
pub mod soak;
pub mod stammdaten;
pub mod sweep;
pub mod table;
mod wait;
pub mod world;
pub mod worlds;

pub use browser::{Browser, Scheme, Screen};
pub use certificates::Certificates;
pub use error::{Error, Result};
pub use installed::{built_binary, google_client_python, in_repository};
pub use port::ReservedPort;
pub use postgres_proxy::{PostgresHold, PostgresProxy};
pub use private_postgres::{Database, PrivatePostgres};
pub use private_prometheus::{AlertRule, PrivatePrometheus};
pub use private_redis::{PrivateRedis, RedisOptions};
pub use private_sentinels::{PrivateSentinels, SENTINEL_SERVICE};
pub use process::ProcessId;
pub use program::{Finished, Program, RunningProgram};
pub use redis_proxy::{ProxyCall, ProxyFault, RedisProxy};
pub use wait::{Condition, eventually, interrupted};
