//! The queue. Jobs wait in Redis, run on any number of workers, one run of an entity at a time, and are never lost.
//!
//! One Lua script per operation, in `queue/lua`; nothing outside this module touches keys of the queue. Needs Redis 7 or Valkey.
//!
//! # The life of a job
//!
//! An entity (a Beteiligter, an employee) has at most one job, in one of four states.
//!
//! ```text
//!                       trigger: wants merged         trigger: wants merged; an operator's makes it ready
//!                          +------+                      +------+
//!                          |      v                      |      v
//!      trigger        +----------------+   due      +----------------+
//!   ------------->    |  ready (r)     |<-----------|  delayed (d)   |
//!    no job yet       |  in a list     |            |  in `delayed`  |
//!                     +----------------+            +----------------+
//!                       |            ^                      ^
//!   taken: fence, lease |            | handed back,         | retry: a failure; snooze: none
//!   start counted       v            | or the lease ran     |
//!                     +----------------+ out: a crash       |
//!     done            |  running (x)   |--------------------+
//!   <-----------------|  in `running`  |
//!    erased; one more +----------------+<--- trigger: noted, one more run follows
//!    run if asked for       | give up, or the 3rd crash
//!                           v
//!                     +----------------+   requeue, or a trigger that is not the scan's: ready
//!                     |  dead (k)      |---------------------------------------------------->
//!                     |  in `dead`     |   deleted, or past its retention: erased
//!                     +----------------+
//! ```
//!
//! - `drop_waiting` erases a ready or delayed job, and the follow-up of a running one.
//! - A trigger while the job *runs* leads to exactly one more run (J2), however that run ends: of the same job where it would wait or be
//!   dead, of a new one where it is done. An operator's also ends the back-off that the run may have earned.
//! - A dead job stays dead for the scan; a webhook, an operator, or the scan of a record that changed since bring it back,
//!   with what they want; what it was asked for before is over.
//! - The run's *fence* is checked by renew and by the outcome. An outcome with an old fence is refused and counted; where its answer was
//!   lost it is sent again, and an old fence then means that it may have been written.
//! - A run whose lease ran out counts as crashed, unless nobody has tended the queue for a second: then Redis was away, and its worker gets
//!   two seconds to come back. Crashes count in a row: a run that tells its outcome ends the row.
//! - A job that crashed twice runs *alone* in its process (J3): a worker that asks for more lets its runs end and takes nothing else.
//! - Finished jobs leave nothing (E4).
//! - The one exception to one run at a time: if Redis loses that a job was taken (wiped, failed over, power cut), another worker takes it,
//!   and the first learns it at its next renewal, at most a third of a lease later.
//!
//! # Keys of a queue, `P` = `{kanzleisync:<queue>}`
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `P:jobs` | hash | entity -> the job, packed (msgpack), fields below |
//! | `P:ready:events`, `:scans`, `:alone` | list | tokens (entities) of ready jobs: asked for by anybody, by the scan only, to run alone. Every eighth place asked for is the scan's (J6) |
//! | `P:delayed`, `P:running`, `P:dead` | zset | entities by due time, end of the lease, time of death, in ms |
//! | `P:workers` | zset | workers by last sign of life, in ms |
//! | `P:workers:calls` | hash | worker -> number of its last call; one that arrives later with a lower number does nothing |
//! | `P:issued`, `P:turns` | string | last number given to a job or a fence; places asked for so far |
//! | `P:tended` | string | when the queue was tended last, and until when no run counts as crashed, in ms |
//! | `P:drain` | string | the worker that lets its runs end for a job that runs alone; expires by itself |
//! | `P:paused` | string | exists while nobody may take jobs |
//! | `P:wake` | channel | a list of ready jobs was empty and is not any more, or a pause is over |
//!
//! A ready job has a token in its list; tokens of jobs that were dropped, or moved to another line, stay behind and are thrown away by
//! whoever meets them. The job says what it is.
//!
//! # Fields of a job, in the order in which they are packed
//!
//! | field | meaning |
//! | --- | --- |
//! | state | `r`, `d`, `x`, `k`, as above |
//! | number | with the entity the job's id; Redis' time in microseconds when it was made, moved on where two fall together |
//! | wants | bits of what is asked for |
//! | rank | who asks: 0 scan, 1 event, 2 operator, 3 requeue; the highest stays |
//! | since | ms since when it is ready, or until when it is delayed |
//! | failures, crashes, starts | counted failures, crashed runs in a row, runs begun; these and the rest are absent in a fresh job |
//! | fence, owner | of the run: its number, the worker |
//! | next wants, next rank | of triggers during the run |
//! | why | reason of the last failure |
//! | traces, next traces | where the traces of its triggers stand, and of those during the run (`traces.rs`); absent where traces are off |
//!
//! The kind of a job is its queue's. Redis Cluster: all keys of a queue share a hash tag, so its scripts would run there, but the link
//! does not follow a cluster's redirects: not supported.

mod book;
mod deliver;
mod error;
mod job;
mod metrics;
mod name;
mod script;
mod select;
mod server;
mod traces;
mod turn;

#[cfg(test)]
mod tests;

pub use book::Queue;
pub use deliver::{DeliverSettings, Lease, LeaseLost, Progress, Running, keep_tending, run};
pub use error::QueueError;
pub use job::{Asker, Counts, EnqueueResult, Enqueued, JobId, JobState, JobView, Matching, NewJob, Outcome, Seen};
pub use metrics::set_queue_gauges;
pub use name::QueueName;
pub use server::{RedisServer, RedisSetUp};
pub use turn::Retention;
