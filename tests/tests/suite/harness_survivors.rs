//! The harness: whatever ends it, its servers end with it. A program that holds some is started and ended.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::{PrivateRedis, ProcessId, Program, Result, RunningProgram, eventually};

const WITHIN: Duration = Duration::from_secs(20);

async fn holder(end: &str) -> Result<(RunningProgram, Vec<ProcessId>)> {
    let holder = Program::built("kanzleisync-holder")?.arg(end).start()?;
    let line = holder.wait_for_line("holding ", WITHIN).await?;
    let family: Vec<ProcessId> = line.split_whitespace().filter_map(|word| word.parse().ok().map(ProcessId)).collect();
    assert!(family.len() > 3, "the servers' children are among them: {line}");
    Ok((holder, family))
}

async fn all_gone(family: &[ProcessId]) -> Result<()> {
    eventually(WITHIN, "servers and programs are gone", async || family.iter().all(|pid| !pid.is_alive())).await
}

#[tokio::test]
async fn servers_end_when_the_harness_is_killed() -> Result<()> {
    let (holder, family) = holder("never").await?;
    let folders: HashSet<PathBuf> =
        family.iter().filter_map(|pid| fs::read_link(format!("/proc/{pid}/cwd")).ok()).collect();
    assert!(folders.len() >= 3 && folders.iter().all(|folder| folder.is_dir()));
    holder.kill()?;
    holder.exited(WITHIN).await?;
    all_gone(&family).await?;

    // Nobody was left to remove the data; the next start does.
    let _next = PrivateRedis::start().await?;
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    Ok(())
}

#[tokio::test]
async fn servers_end_on_an_unhandled_ctrl_c() -> Result<()> {
    let (holder, family) = holder("never").await?;
    holder.interrupt()?;
    holder.exited(WITHIN).await?;
    all_gone(&family).await
}

#[tokio::test]
async fn servers_end_in_order_on_a_handled_ctrl_c() -> Result<()> {
    let (holder, family) = holder("interrupted").await?;
    holder.interrupt()?;
    assert_eq!(holder.exited(WITHIN).await?.code(), Some(0));
    assert!(family.iter().all(|pid| !pid.is_alive()), "gone before the harness itself returned");
    Ok(())
}

#[tokio::test]
async fn servers_end_on_a_panic() -> Result<()> {
    let (holder, family) = holder("panic").await?;
    assert_eq!(holder.exited(WITHIN).await?.code(), Some(101));
    all_gone(&family).await
}
