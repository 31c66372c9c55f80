//! Pins what apalis-redis 1.0.0 expects in Redis. If one of these fails after an upgrade, read its scripts before anything else.

use apalis_core::worker::context::WorkerContext;
use apalis_redis::queries::fetch_next;
use redis::AsyncCommands;

use super::stage::Stage;
use crate::queue::deliver::apalis_config;

#[tokio::test]
async fn apalis_redis_fetches_what_our_scripts_write() {
    let stage = Stage::new().await;
    let job = stage.trigger("a", 5).await.job;
    let config = apalis_config(&stage.queue.prefix, 16);
    let worker = WorkerContext::new("w");
    let mut redis = stage.queue.link.commands();
    let () = redis.zadd(config.workers_set(), "w", 1).await.expect("register");

    let tasks = fetch_next(&mut redis, &worker, &config).await.expect("fetch");
    let [task] = tasks.as_slice() else { panic!("one task, not {}", tasks.len()) };
    let context = task.ctx();
    assert_eq!(context.task_id().map(ToString::to_string).as_deref(), Some(job.as_str()));
    assert_eq!((context.attempt(), context.max_attempts()), (0, Some(1)));

    let held: Vec<String> = redis.smembers(stage.key("inflight:w")).await.expect("in flight");
    assert_eq!(held, [job.as_str()]);
    assert_eq!(stage.start_job("w", &job, super::stage::LEASE).await.wants.bits(), 5);
}

#[test]
fn apalis_redis_names_its_keys_as_our_scripts_do() {
    let config = apalis_config("{q}", 16);
    let worker = WorkerContext::new("w");
    assert_eq!(config.active_jobs_list(), "{q}:active");
    assert_eq!(config.job_data_hash(), "{q}:data");
    assert_eq!(config.job_meta_hash(), "{q}:meta");
    assert_eq!(config.workers_set(), "{q}:workers");
    assert_eq!(config.inflight_set_for(&worker), "{q}:inflight:w");
    assert_eq!(config.worker_metadata_key(&worker), "{q}:workers:metadata:w");
    assert!(!config.lock_tasks && !config.persist_results && !config.emit_events);
}
