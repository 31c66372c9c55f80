//! Calls at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redis::AsyncCommands;
use tokio::time::Instant;

use super::{DEADLINE, another, limits, until};
use crate::error::{Blame, ErrorKind, Next, Operation};
use crate::http::Http;
use crate::limits::parallel::{LIVENESS, LimitAway, Parallel};
use crate::limits::{Limits, script};
use crate::link::script::Call;

const KEY: &str = "{kanzleisync:limits}:parallel:advoware";

/// How many calls there are at once, and how many there were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicU32,
    most: AtomicU32,
}

impl Gauge {
    async fn call(&self, length: Duration) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(length).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn of(limits: &Limits, most: u32, liveness: Duration) -> Parallel {
    Parallel::start(limits.link.clone(), "advoware", most, liveness)
}

async fn telling(limits: &Limits, now_us: u64, process: &str, held: u32, wanted: u32, number: u64) -> i64 {
    let call = Call::new(&script::PARALLEL, KEY).arg(now_us).arg(process).arg(held).arg(wanted).arg(number);
    call.arg(3).arg(6_000_000).arg(500_000).once(&limits.link).await.expect("Redis answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j5_processes_together_never_hold_more_than_the_limit() {
    let (redis, _) = limits().await;
    let gauge = Arc::new(Gauge::default());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let parallel = of(&another(&redis).await, 3, LIVENESS);
        for _ in 0..25 {
            let (parallel, gauge) = (parallel.clone(), Arc::clone(&gauge));
            tasks.spawn(async move {
                for _ in 0..4 {
                    let _permit = parallel.acquire().await.expect("Redis answers");
                    gauge.call(Duration::from_millis(1)).await;
                }
            });
        }
    }
    tokio::time::timeout(DEADLINE, tasks.join_all()).await.expect("everybody gets a turn");
    assert_eq!(gauge.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn j5_a_busy_process_does_not_starve_another() {
    let (redis, limits) = limits().await;
    let busy = of(&limits, 1, LIVENESS);
    let served = Arc::new(AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (busy, served) = (busy.clone(), Arc::clone(&served));
        tasks.spawn(async move {
            loop {
                let _permit = busy.acquire().await.expect("Redis answers");
                served.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    let other = of(&another(&redis).await, 1, LIVENESS);
    drop(other.acquire().await.expect("Redis answers"));
    let before = served.load(Ordering::SeqCst);
    for _ in 0..20 {
        drop(other.acquire().await.expect("Redis answers"));
    }
    // Turn by turn that is 20; behind the queue of the busy one it would be 400.
    let meanwhile = served.load(Ordering::SeqCst) - before;
    assert!(meanwhile <= 60, "{meanwhile} permits for the busy process, 20 for the other");
}

#[tokio::test]
async fn j5_free_permits_go_to_the_process_that_holds_fewest_and_waited_longest() {
    let (_redis, limits) = limits().await;
    assert_eq!(telling(&limits, 1_000, "a", 0, 5, 1).await, 3);
    assert_eq!(telling(&limits, 2_000, "b", 0, 5, 1).await, 0);
    assert_eq!(telling(&limits, 3_000, "c", 0, 1, 1).await, 0);
    // One comes back: it is b's, who came before c.
    assert_eq!(telling(&limits, 4_000, "a", 2, 5, 2).await, 0);
    assert_eq!(telling(&limits, 5_000, "c", 0, 1, 2).await, 0);
    assert_eq!(telling(&limits, 6_000, "b", 0, 5, 2).await, 1);
    // The next one is c's; b holds one already.
    assert_eq!(telling(&limits, 7_000, "a", 1, 5, 3).await, 0);
    assert_eq!(telling(&limits, 8_000, "b", 1, 4, 3).await, 0);
    assert_eq!(telling(&limits, 9_000, "c", 0, 1, 3).await, 1);
    // Who does not come for it is passed over after half a second.
    assert_eq!(telling(&limits, 10_000, "c", 0, 0, 4).await, 0);
    assert_eq!(telling(&limits, 400_000, "b", 1, 4, 4).await, 0, "a has waited longer");
    assert_eq!(telling(&limits, 600_000, "b", 1, 4, 5).await, 1);
}

#[tokio::test]
async fn j5_a_repeated_or_late_telling_does_no_harm() {
    let (_redis, limits) = limits().await;
    assert_eq!(telling(&limits, 1_000, "a", 0, 2, 1).await, 2);
    // The answer was lost: the process holds nothing and says so.
    assert_eq!(telling(&limits, 2_000, "a", 0, 2, 2).await, 2);
    assert_eq!(telling(&limits, 3_000, "b", 0, 5, 1).await, 1);
    // A telling from before arrives late.
    assert_eq!(telling(&limits, 4_000, "a", 0, 0, 1).await, -1);
    assert_eq!(telling(&limits, 5_000, "b", 1, 5, 2).await, 0);
    // a is not heard of for as long as it is believed alive.
    assert_eq!(telling(&limits, 6_001_999, "b", 1, 5, 3).await, 0);
    assert_eq!(telling(&limits, 6_002_000, "b", 1, 5, 4).await, 2);
}

#[test]
fn j5_permits_of_a_killed_process_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let killed = tokio::runtime::Runtime::new().unwrap();
    let liveness = Duration::from_millis(600);
    let (redis, survivor) = runtime.block_on(async {
        let (redis, limits) = limits().await;
        (redis, of(&limits, 2, liveness))
    });
    let held = killed.block_on(async {
        let parallel = of(&another(&redis).await, 2, liveness);
        (parallel.acquire().await.unwrap(), parallel.acquire().await.unwrap())
    });
    // They are renewed as long as the process lives.
    let waited = runtime.block_on(async { tokio::time::timeout(3 * liveness, survivor.acquire()).await.is_err() });
    assert!(waited, "both permits are held");
    killed.shutdown_background();
    let died = runtime.block_on(async {
        let died = Instant::now();
        survivor.acquire().await.unwrap();
        died.elapsed()
    });
    assert!(died <= 3 * liveness, "{died:?}");
    drop(held);
}

#[tokio::test]
async fn j5_a_cancelled_call_gives_its_permit_back() {
    let (redis, limits) = limits().await;
    let parallel = of(&limits, 1, LIVENESS);
    let permit = parallel.acquire().await.unwrap();
    // One that waits, one that is cut off in the middle of its call.
    let waits = tokio::spawn({
        let parallel = parallel.clone();
        async move { parallel.acquire().await.map(drop) }
    });
    let calls = tokio::spawn(async move {
        let _permit = permit;
        std::future::pending::<()>().await;
    });
    waits.abort();
    calls.abort();
    let other = of(&another(&redis).await, 1, LIVENESS);
    tokio::time::timeout(LIVENESS / 3, other.acquire()).await.expect("no permit was lost").unwrap();
    drop((parallel, other));
    until("a process that ended leaves nothing", || async {
        let left: bool = limits.link.commands().exists(KEY).await.unwrap();
        !left
    })
    .await;
}

#[tokio::test]
async fn j5_without_redis_a_call_fails_in_time_and_goes_on_when_it_is_back() {
    let (mut redis, limits) = limits().await;
    let patience = Duration::from_millis(300);
    let parallel = Parallel::start_patiently(limits.link.clone(), "advoware", 1, LIVENESS, patience);
    let permit = parallel.acquire().await.unwrap();
    redis.kill();
    drop(permit);
    let began = Instant::now();
    assert_eq!(parallel.acquire().await.expect_err("nobody counts"), LimitAway);
    assert!(began.elapsed() >= patience && began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    redis.start_again().await;
    until("permits are given again", || async { parallel.acquire().await.is_ok() }).await;
}

/// Not a bound that a slow machine could miss, only figures: `--nocapture` shows them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j5_overhead_of_a_permit() {
    const CALLS: u32 = 20_000;
    for (processes, tasks, most) in [(1, 1, 64), (1, 64, 64), (1, 64, 8), (2, 64, 64), (2, 64, 8)] {
        let (redis, limits) = limits().await;
        let began = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..processes {
            let parallel = of(&another(&redis).await, most, LIVENESS);
            for _ in 0..tasks / processes {
                let parallel = parallel.clone();
                running.spawn(async move {
                    for _ in 0..CALLS / tasks {
                        drop(parallel.acquire().await.expect("Redis answers"));
                        tokio::task::yield_now().await;
                    }
                });
            }
        }
        running.join_all().await;
        let took = began.elapsed();
        let info: String =
            redis::cmd("INFO").arg("commandstats").query_async(&mut limits.link.commands()).await.unwrap();
        let calls_of = |line: &str| line.split(['=', ',']).nth(1)?.parse::<f64>().ok();
        let scripts = info.lines().find(|line| line.starts_with("cmdstat_evalsha:")).and_then(calls_of).unwrap();
        let calls = f64::from(CALLS / tasks * tasks);
        println!(
            "{processes} processes, {tasks} tasks, limit {most}: {:.0} permits/s, {:.2} script calls per permit",
            calls / took.as_secs_f64(),
            scripts / calls
        );
        assert!(scripts <= 2.1 * calls + 100.0, "{scripts} script calls for {calls} permits");
    }
}

#[tokio::test]
async fn j5_a_call_that_gets_no_permit_is_never_sent_and_is_tried_again() {
    let (mut redis, limits) = limits().await;
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", server.local_addr().unwrap());
    let parallel = Parallel::start_patiently(limits.link.clone(), "advoware", 1, LIVENESS, Duration::from_millis(100));
    let http = Http::new(Duration::from_secs(5)).unwrap().within(parallel);
    redis.kill();
    let request = http.requests().get(address);
    let error = http.call(Operation::AdvowareGetBeteiligte, request, |_| Ok(())).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.next(), error.blame()),
        (ErrorKind::LimitUnavailable, Next::Retry, Blame::Nobody)
    );
    assert!(tokio::time::timeout(Duration::from_millis(50), server.accept()).await.is_err(), "somebody called");
}

#[tokio::test]
async fn k8b_a_write_waits_behind_earlier_writes_and_before_all_reads() {
    let (_redis, limits) = limits().await;
    let parallel = of(&limits, 1, LIVENESS);
    let held = parallel.acquire().await.expect("Redis answers");
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut calls = tokio::task::JoinSet::new();
    for (name, is_write) in [("read 1", false), ("write 1", true), ("read 2", false), ("write 2", true)] {
        let (parallel, order) = (parallel.clone(), Arc::clone(&order));
        calls.spawn(async move {
            let permit = if is_write { parallel.acquire_next().await } else { parallel.acquire().await };
            order.lock().expect("no panic").push(name);
            drop(permit.expect("Redis answers"));
        });
        // Each has asked before the next one does.
        tokio::task::yield_now().await;
    }
    drop(held);
    calls.join_all().await;
    assert_eq!(*order.lock().expect("no panic"), ["write 1", "write 2", "read 1", "read 2"]);
}
