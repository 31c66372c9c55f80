//! The queue. Jobs wait in Redis, run on any number of workers, one run of an entity at a time, and are never lost.
//!
//! Two halves. The **book** is ours: one Lua script per operation, in `queue/lua`. **Delivery** is apalis-redis', fed by the
//! book in the *direct* way: our scripts write the few keys that it fetches from (the layout test fails when an upgrade
//! changes them). The *window* way (backlog in the book, a feeder through its public API) was left alone: that API goes through
//! `scheduled` (QUEUE 3, defect 1), and every job would be written twice. Nothing outside this module touches keys of the
//! queue, and nothing of apalis shows outside.
//!
//! # The life of a job
//!
//! ```text
//!                enqueue: no job of the entity waits or runs
//!                                   |
//!                                   v
//!   trigger: wants merged     +-----------+   hand_back (stop, grace period over)
//!                    +------->|  waiting  |<---------------------------------------+
//!                    +--------|   ready   |<------------- promote --------+        |
//!                             +-----------+                               |        |
//!                              |    |                               +-----------+  |
//!       drop_waiting: erased <-+    | claim: fence, lease           |  waiting  |  |
//!                                   v                               |  delayed  |  |
//!        lease ran out,       +-----------+    retry, snooze        +-----------+  |
//!        claim: a crash +---->|  running  |----------------------------^           |
//!                       +-----|           |----------------------------------------+
//!                             +-----------+
//!                  done |     | give up, or the 3rd crash
//!                       v     v
//!     erased (a follow-up   +-----------+  requeue: ready again, counters reset
//!      is a new job)        |   dead    |--------------------------------------> waiting
//!                           +-----------+  delete: erased
//! ```
//!
//! - A trigger of an entity whose job *waits* merges its wants (bitwise or) into it; in back-off it does not bring it forward,
//!   unless an operator asks. A trigger while the job *runs* is noted on it and leads to exactly one more run afterwards (J2).
//! - A job has one *token*, its id: in the active list, in one worker's in-flight set, or in `delayed`; dead jobs in `dead`.
//!   Tokens are moved, never copied. After missed heartbeats apalis-redis hands a token out again while its run may still be
//!   alive: the claim then lays it into `delayed` until the lease has ended; a run that ends without finding its token leaves a
//!   tombstone.
//! - The run's *fence* is checked by renew and finish. A completion with an old one is refused and counted.
//! - Finished jobs leave nothing (E4).
//!
//! # Keys of a queue, `P` = `{kanzleisync:<queue>}`
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `P:active` | list | ids that are ready, oldest first (apalis-redis) |
//! | `P:inflight:<worker>` | set | ids fetched by a worker (apalis-redis) |
//! | `P:data` | hash | id -> `0`, of every job that is not dead: apalis-redis wants arguments |
//! | `P:meta:<id>` | hash | the job, see below; apalis-redis delivers it |
//! | `P:workers`, `P:workers:metadata:<worker>`, `P:signal` | | liveness (apalis-redis), bounded by the live workers |
//! | `core:apalis:queues:list` | zset | names of queues (apalis-redis) |
//! | `P:book:waiting` | hash | entity -> id of its job that waits, ready or delayed |
//! | `P:book:running` | hash | entity -> id of its job that runs: the entity's slot |
//! | `P:book:delayed` | zset | tokens by due time in ms |
//! | `P:book:dead` | zset | ids by time of death in ms |
//! | `P:book:issued` | string | last number given to a job or a fence |
//! | `P:wake` | channel | there is something to fetch |
//!
//! # Fields of a job
//!
//! | field | meaning |
//! | --- | --- |
//! | `attempts` | runs begun, counted by claim (apalis-redis wants the field) |
//! | `max_attempts`, `status` | `1`, `Pending`: apalis-redis wants them, they mean nothing |
//! | `s` | `w` waiting, `x` running, `k` dead, `z` tombstone |
//! | `e`, `w` | entity, wants bits |
//! | `d` | due since or at, ms |
//! | `n`, `u`, `o` | of the run: fence, end of the lease in ms, owner (`worker/claim key`) |
//! | `fw` | wants bits of triggers that came during the run |
//! | `f`, `c` | failures, crashed runs; absent: 0 |
//! | `why` | reason of the last failure |
//! | `lt` | dead while its token is still on its way |
//!
//! The time of enqueueing is the id (microseconds); the kind is the queue's.
//!
//! # Room left
//!
//! Priorities, pausing, limits, breakers and filters come with their own issue. All jobs become ready in `make_ready` and
//! begin in `claim`: that is where priority and a pause belong. After its first crash a job does not yet run alone (J3).
//! Redis Cluster is not supported (apalis-redis keeps one key outside the hash tag); Sentinel is not yet.

mod book;
mod claim;
mod deliver;
mod error;
mod job;
mod metrics;
mod name;
mod patient;
mod script;

#[cfg(test)]
mod tests;

pub use book::Queue;
pub use deliver::{DeliverSettings, Lease, LeaseLost, Running, keep_promoting, run};
pub use error::QueueError;
pub use job::{Asker, Counts, EnqueueResult, Enqueued, JobId, JobState, JobView, NewJob, Outcome};
pub use metrics::set_queue_gauges;
pub use name::QueueName;
