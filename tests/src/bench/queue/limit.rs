//! What Redis itself can do: `redis-benchmark` with plain commands, as many for each job as our scripts run, in pipelines as
//! long as our batches.

use std::time::Duration;

use super::plan::{Case, JOBS_PER_CALL};
use super::rate::{Rate, measured};
use super::server::Server;
use crate::bench::firm::told;
use crate::installed::{program_in_path, random_hex};
use crate::{Error, Program, Result};

/// Commands in our enqueue script for one job: look the record up, write it, make it ready, and a share in number and wake-up.
const ENQUEUE_COMMANDS: u64 = 4;
/// Commands in our scripts for one job from ready to gone: take it, read its record, write the run, hold its lease; then read,
/// erase, release.
const PROCESS_COMMANDS: u64 = 7;

/// The commands of several jobs at once are sent for about a second, those of one job wait for each answer.
const COMMANDS_IN_BATCHES: u64 = 1_000_000;
const COMMANDS_ONE_BY_ONE: u64 = 100_000;

/// The plain command is a write to a hash as large as the usual backlog, about as long as a record of ours.
const FIELDS: u64 = 100_000;
const KEY: &str = "kanzleisync-bench:plain";
const VALUE: &str = "00000000000000000000000000000000000000000000000000000000000000000000000000000000";

const RUN_WITHIN: Duration = Duration::from_mins(2);

pub(super) async fn enqueue_single(server: &Server) -> Result<Rate> {
    plain(server, 1, 1, ENQUEUE_COMMANDS).await
}

pub(super) async fn enqueue_bulk(server: &Server) -> Result<Rate> {
    plain(server, 1, JOBS_PER_CALL, ENQUEUE_COMMANDS).await
}

/// One connection for each worker process, one job for each that it may run at once.
pub(super) async fn process(server: &Server, case: Case) -> Result<Rate> {
    plain(server, case.processes, case.concurrency, PROCESS_COMMANDS).await
}

async fn plain(server: &Server, clients: usize, jobs_at_once: usize, commands_per_job: u64) -> Result<Rate> {
    server.clear().await?;
    let program = program_in_path("redis-benchmark")
        .ok_or_else(|| Error::new("no `redis-benchmark` (Debian has it in the package `redis-tools`)"))?;
    // Arguments are visible to every account of the machine: this user may do nothing but what is measured.
    let password = random_hex()?;
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("plain").arg("reset").arg("on").arg(format!(">{password}"));
    user.arg(format!("~{KEY}")).arg("+hset").query_async::<()>(&mut server.connection()).await?;

    let commands = if jobs_at_once == 1 { COMMANDS_ONE_BY_ONE } else { COMMANDS_IN_BATCHES };
    let program = Program::new(program)
        .args(["-h", "127.0.0.1", "--user", "plain", "--csv", "-a", &password])
        .args(["-p".to_owned(), server.port().to_string()])
        .args(["-c".to_owned(), clients.to_string()])
        .args(["-P".to_owned(), (jobs_at_once as u64 * commands_per_job).to_string()])
        .args(["-n".to_owned(), commands.to_string()])
        .args(["-r".to_owned(), FIELDS.to_string()])
        .args(["HSET", KEY, "__rand_int__", VALUE]);
    let (finished, redis_time) = measured(server, program.run(RUN_WITHIN)).await?;
    let per_second = commands_per_second(&finished.stdout)
        .ok_or_else(|| Error::new(format!("redis-benchmark: {}{}", finished.stdout, finished.stderr)))?;
    let took = Duration::try_from_secs_f64(commands as f64 / per_second).map_err(told)?;
    Ok(Rate { jobs: commands / commands_per_job, took, redis_time })
}

/// `"HSET ...","123456.78",...`: the second column of the line after the names.
fn commands_per_second(csv: &str) -> Option<f64> {
    let line = csv.lines().find(|line| line.starts_with("\"HSET"))?;
    let per_second: f64 = line.split("\",\"").nth(1)?.trim_matches('"').parse().ok()?;
    (per_second > 0.0).then_some(per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_past_the_head_and_the_command() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"HSET k __rand_int__ v\",\"473933.66\",\"1.021\"\n";
        assert_eq!(commands_per_second(csv), Some(473_933.66));
        assert_eq!(commands_per_second("NOAUTH"), None);
    }
}
