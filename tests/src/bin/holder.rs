//! `kanzleisync-holder`: starts private servers and ends in a given way, so that the suite can see that they end with it.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a program that the suite ends")]

use std::io::Write;

use harness::{PrivatePostgres, PrivateRedis, Program, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let (redis, postgres) = tokio::try_join!(PrivateRedis::start(), PrivatePostgres::start())?;
    let program = Program::new("/bin/sleep").arg(1000).start()?;
    let servers = [redis.pid().unwrap(), postgres.pid().unwrap(), program.pid()];
    let family = servers.into_iter().flat_map(|pid| pid.children().into_iter().chain([pid]));
    let pids: Vec<String> = family.map(|pid| pid.to_string()).collect();
    println!("holding {}", pids.join(" "));
    std::io::stdout().flush()?;
    match std::env::args().nth(1).as_deref() {
        Some("panic") => panic!("as asked"),
        Some("interrupted") => harness::interrupted().await,
        _ => std::future::pending().await,
    }
}
