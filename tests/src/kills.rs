//! Kills before and after everything that a run says to the outside (invariant 6): enumerated in a run that nobody disturbs, then
//! one world for each point, in which the worker ends there and another one finishes.

use std::fmt;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use simulator::{Calls, Edge, Fault, FaultKind, Moment};

use crate::mixed::{self, Story, check};
use crate::office::{Office, OfficeSettings};
use crate::world::{PATIENCE, World};
use crate::worlds::Worlds;
use crate::{Error, PostgresHold, PostgresProxy, Result, RunningProgram};

/// Short, because every case waits for it once.
const LEASE: Duration = Duration::from_millis(300);

/// How workers are run, and so how they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In this process, aborted.
    InProcess,
    /// A process of its own, `kill -9`.
    Process,
}

/// Where a worker ends. Numbers count from 1, from the beginning of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// At a call: before, it never arrives; after, it took effect and its answer never arrives.
    Call(Edge, u32),
    /// At a statement of the hub, in the same two ways.
    Statement(PostgresHold),
}

/// What one run says to the outside, in order.
#[derive(Clone, Debug, Default)]
pub struct Points {
    /// Calls to the two systems.
    pub calls: Vec<String>,
    /// Statements of the hub.
    pub statements: Vec<String>,
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    pub points: Points,
    /// Kills that happened, each at a point of its own.
    pub kills: usize,
    /// Last statements that did not come: what a connection asks once depends on which connections the pool gives out.
    pub not_reached: usize,
    pub failures: Vec<String>,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, statements) = (self.points.calls.len(), self.points.statements.len());
        write!(f, "{calls} calls, {statements} statements, {} kills, {} failed", self.kills, self.failures.len())
    }
}

impl Points {
    /// Each of them, before and after.
    pub fn all(&self) -> Vec<Point> {
        let calls = (1..)
            .zip(&self.calls)
            .flat_map(|(number, _)| [Edge::Before, Edge::After].map(|edge| Point::Call(edge, number)));
        let statements = (1..)
            .zip(&self.statements)
            .flat_map(|(number, _)| [PostgresHold::Before(number), PostgresHold::After(number)].map(Point::Statement));
        calls.chain(statements).collect()
    }

    fn name(&self, point: Point) -> String {
        let at = |list: &[String], number: usize| list.get(number - 1).cloned().unwrap_or_default();
        match point {
            Point::Call(edge, number) => format!("{edge:?} call {number}, {}", at(&self.calls, number as usize)),
            Point::Statement(PostgresHold::Before(number)) => {
                format!("Before statement {number}, {}", at(&self.statements, usize::try_from(number).unwrap_or(1)))
            }
            Point::Statement(PostgresHold::After(number)) => {
                format!("After statement {number}, {}", at(&self.statements, usize::try_from(number).unwrap_or(1)))
            }
        }
    }
}

/// A worker at work.
enum Worker {
    InProcess(Office),
    Process(RunningProgram),
}

impl Worker {
    async fn start(world: &World, kind: Kind, database_url: String) -> Result<Self> {
        match kind {
            Kind::InProcess => {
                let settings =
                    OfficeSettings { lease: LEASE, database_url: Some(database_url), ..OfficeSettings::default() };
                Ok(Self::InProcess(Office::open(world, settings).await?))
            }
            Kind::Process => {
                let program = world.program("kanzleisync-worker")?.env("DATABASE_URL", database_url);
                let program =
                    program.env("SYNC_LEASE_SECONDS", LEASE.as_secs_f64()).env("WORKER_CONCURRENCY", 1).start()?;
                program.wait_for_line("worker ready", PATIENCE).await?;
                Ok(Self::Process(program))
            }
        }
    }

    async fn kill(self) -> Result<()> {
        match self {
            Self::InProcess(office) => office.abort().await,
            Self::Process(program) => {
                program.kill()?;
                program.exited(PATIENCE).await.map(drop)
            }
        }
    }
}

/// What workers are killed in, and how it must end all the same.
#[expect(async_fn_in_trait, reason = "of this crate alone, and never spawned")]
pub trait Scenario {
    /// A world, and what belongs to it.
    type Place;

    async fn place(&self, worlds: &Worlds) -> Result<Self::Place>;
    fn world(place: &Self::Place) -> &World;
    /// All that comes before the run under test; a worker is at work.
    async fn given(&self, place: &Self::Place) -> Result<()>;
    /// Starts the run under test.
    async fn begin(&self, place: &Self::Place) -> Result<()>;
    async fn run_until_quiet(&self, place: &Self::Place) -> Result<()>;
    /// Nothing is lost, doubled or left to do.
    async fn then_whole(&self, place: &Self::Place) -> Result<()>;
}

impl Scenario for [Story] {
    type Place = World;

    async fn place(&self, worlds: &Worlds) -> Result<World> {
        worlds.fresh().await
    }

    fn world(place: &World) -> &World {
        place
    }

    async fn given(&self, world: &World) -> Result<()> {
        mixed::given(world, self).await
    }

    async fn begin(&self, world: &World) -> Result<()> {
        mixed::begin(world, self).await
    }

    async fn run_until_quiet(&self, world: &World) -> Result<()> {
        world.run_until_quiet().await
    }

    async fn then_whole(&self, world: &World) -> Result<()> {
        check::then_whole(world, self).await
    }
}

/// A place in which the run under test is about to begin, with a worker behind a proxy.
struct Scene<P> {
    place: P,
    proxy: PostgresProxy,
    worker: Worker,
}

impl<P> Scene<P> {
    async fn set<S: Scenario<Place = P> + ?Sized>(worlds: &Worlds, kind: Kind, scenario: &S) -> Result<Self> {
        let place = scenario.place(worlds).await?;
        let world = S::world(&place);
        let proxy = PostgresProxy::start(&world.postgres, None).await?;
        let worker = Worker::start(world, kind, proxy.url_of(&world.database_url)).await?;
        scenario.given(&place).await?;
        Ok(Self { place, proxy, worker })
    }
}

/// The points of a run that nobody disturbs. It must end as a killed one must.
pub async fn enumerate<S: Scenario + ?Sized>(worlds: &Worlds, kind: Kind, scenario: &S) -> Result<Points> {
    let Scene { place, proxy, worker } = Scene::set(worlds, kind, scenario).await?;
    let journal = S::world(&place).simulator.journal();
    let (calls, statements) = (journal.last_sequence(), proxy.points().len());
    scenario.begin(&place).await?;
    scenario.run_until_quiet(&place).await?;
    let calls = journal.since(calls);
    let calls = calls.iter().map(|call| format!("{:?} {}", call.operation, call.keys.join(" "))).collect();
    let points = Points { calls, statements: proxy.points().split_off(statements) };
    scenario.then_whole(&place).await?;
    worker.kill().await?;
    Ok(points)
}

/// Kills at every point, so many at a time; of all points each `every`-th. Fails only if the undisturbed run does; what a kill broke is
/// listed.
pub async fn sweep<S: Scenario + ?Sized>(
    worlds: &Worlds,
    kind: Kind,
    scenario: &S,
    every: usize,
    width: usize,
) -> Result<Swept> {
    let points = enumerate(worlds, kind, scenario).await?;
    let killed = stream::iter(points.all().into_iter().step_by(every))
        .map(|point| async move { (point, killed_at(worlds, kind, scenario, point).await) })
        .buffer_unordered(width)
        .collect::<Vec<_>>()
        .await;
    let not_reached = killed.iter().filter(|(_, result)| matches!(result, Ok(false))).count();
    let kills = killed.len() - not_reached;
    let mut failures: Vec<String> = killed
        .into_iter()
        .filter_map(|(point, result)| result.err().map(|error| format!("{}: {error}", points.name(point))))
        .collect();
    failures.sort();
    Ok(Swept { points, kills, not_reached, failures })
}

/// One kill, another worker, and all must be whole. `false`: the run came to its end before this statement.
async fn killed_at<S: Scenario + ?Sized>(worlds: &Worlds, kind: Kind, scenario: &S, point: Point) -> Result<bool> {
    let Scene { place, proxy, worker } = Scene::set(worlds, kind, scenario).await?;
    let world = S::world(&place);
    let pause = match point {
        Point::Call(edge, number) => {
            let calls = Calls::any().nth(number);
            if edge == Edge::Before {
                // What has arrived is carried out, though its sender be dead; here it never arrived.
                world.simulator.faults().arm(Fault::new(calls.clone(), FaultKind::CutBefore));
            }
            Some(world.simulator.pause_at(Moment { edge, calls }))
        }
        Point::Statement(hold) => {
            proxy.hold_from_now(hold);
            None
        }
    };
    scenario.begin(&place).await?;
    let reached = async {
        match &pause {
            Some(pause) => {
                pause.reached().await;
                Ok(())
            }
            None => proxy.until_hit().await,
        }
    };
    tokio::select! {
        reached = reached => reached?,
        ended = scenario.run_until_quiet(&place) => {
            ended?;
            return match point {
                Point::Call(..) => Err(Error::new("the run ended without coming to this point")),
                Point::Statement(_) => {
                    // It may come in what follows.
                    proxy.release();
                    scenario.then_whole(&place).await.map(|()| false)
                }
            };
        }
    }
    worker.kill().await?;
    drop(pause);
    drop(proxy);
    let worker = Worker::start(world, kind, world.database_url.clone()).await?;
    scenario.run_until_quiet(&place).await?;
    scenario.then_whole(&place).await?;
    worker.kill().await.map(|()| true)
}
