//! Why a record is where it is, in one sentence: what a person asks first. Decided here, told in [`words`].

mod words;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::beteiligte::SyncStatus;
use domain::finding::FindingKind;
use shared::error::System;
use shared::hub::BeteiligteView;
use shared::queue::{JobState, JobView};

use super::show;
pub(super) use words::{obstacle_sentence, sentence};

/// What the queue says of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Redis does not answer.
    NotKnown,
    /// It has no job.
    None,
    /// It has this one.
    Job(JobView),
}

/// All that an explanation is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// What the hub knows; `None`: no run came so far.
    pub(super) view: Option<&'a BeteiligteView>,
    /// What the queue knows.
    pub(super) work: &'a Work,
    /// Nobody takes jobs of the queue.
    pub(super) is_paused: bool,
    /// A worker takes jobs of the queue.
    pub(super) has_workers: bool,
    /// Systems that are left alone, and until when.
    pub(super) down: &'a [(System, DateTime<Utc>)],
    /// `SYNC_AUTO_RESET_HOURS`
    pub(super) auto_reset: Duration,
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// The queue does not answer.
    NotKnown,
    /// A worker has it.
    Running,
    /// Its turn comes.
    Waits { since: DateTime<Utc> },
    /// It failed and is tried again.
    Failed { times: u32, reason: Reason, next_try: DateTime<Utc> },
    /// It is put off, through no fault of its own.
    PutOff { until: DateTime<Utc> },
    /// Nobody tries it again by itself before `reset_at`.
    GivenUp { times: u32, reason: Reason, reset_at: Option<DateTime<Utc>> },
    /// Whether Advoware has created it is not known.
    CreationUnknown,
    /// Both sides changed the same.
    Undecided,
    /// Deletions wait for approval.
    Held,
    /// Advoware has no record of its number.
    Missing,
    /// Its number belongs to another record.
    NumberTaken,
    /// EspoCRM told that it was deleted there.
    Deleted { at: DateTime<Utc> },
    /// The next scan brings it.
    WaitsForScan,
    /// Nothing is left to write. Where `differs`, something stays different, and the findings say what.
    InSync { checked_at: DateTime<Utc>, differs: bool },
}

/// Why the last run ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// As the run told it; in English.
    Told(String),
    /// Its worker ended.
    Crashed,
    /// The queue has forgotten it with the job.
    Forgotten,
}

/// What keeps a waiting record from being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nobody may take jobs.
    Paused,
    /// Nobody is there to take them.
    NoWorker,
    /// A system is left alone until then.
    Down(System, DateTime<Utc>),
}

impl Stand {
    /// What the facts come to. What the queue does comes first: it is newer than what the last run left behind.
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let has =
            |kind: FindingKind| facts.view.is_some_and(|view| view.findings.iter().any(|finding| finding.kind == kind));
        match facts.work {
            Work::NotKnown => Self::NotKnown,
            Work::None => without_job(facts.view, has),
            Work::Job(job) => match job.state {
                JobState::Running => Self::Running,
                JobState::Ready => Self::Waits { since: show::from_ms(job.since_ms) },
                JobState::Delayed if job.failures.max(job.crashes) > 0 => Self::Failed {
                    times: job.failures.max(job.crashes),
                    reason: Reason::of(job),
                    next_try: show::from_ms(job.since_ms),
                },
                JobState::Delayed => Self::PutOff { until: show::from_ms(job.since_ms) },
                JobState::Dead if has(FindingKind::CreateOutcomeUnknown) => Self::CreationUnknown,
                JobState::Dead => {
                    let times = job.failures.max(job.crashes);
                    let dead_since = show::from_ms(job.dead_since_ms.unwrap_or(job.since_ms));
                    let reset_at = TimeDelta::from_std(facts.auto_reset).ok();
                    let reset_at = reset_at.and_then(|wait| dead_since.checked_add_signed(wait));
                    Self::GivenUp { times, reason: Reason::of(job), reset_at }
                }
            },
        }
    }

    /// Whether somebody should look.
    pub(super) fn is_trouble(&self) -> bool {
        match self {
            Self::NotKnown
            | Self::Failed { .. }
            | Self::GivenUp { .. }
            | Self::CreationUnknown
            | Self::Undecided
            | Self::Held
            | Self::Missing
            | Self::NumberTaken => true,
            Self::Running
            | Self::Waits { .. }
            | Self::PutOff { .. }
            | Self::Deleted { .. }
            | Self::WaitsForScan
            | Self::InSync { .. } => false,
        }
    }

    fn waits_for_a_worker(&self) -> bool {
        match self {
            Self::Waits { .. } | Self::Failed { .. } | Self::PutOff { .. } => true,
            Self::NotKnown
            | Self::Running
            | Self::GivenUp { .. }
            | Self::CreationUnknown
            | Self::Undecided
            | Self::Held
            | Self::Missing
            | Self::NumberTaken
            | Self::Deleted { .. }
            | Self::WaitsForScan
            | Self::InSync { .. } => false,
        }
    }
}

/// What the last run left behind decides.
fn without_job(view: Option<&BeteiligteView>, has: impl Fn(FindingKind) -> bool) -> Stand {
    let Some(view) = view else { return Stand::WaitsForScan };
    if let Some(at) = view.deleted_at {
        return Stand::Deleted { at };
    }
    if has(FindingKind::CreateOutcomeUnknown) {
        return Stand::CreationUnknown;
    }
    if has(FindingKind::BetnrTaken) {
        return Stand::NumberTaken;
    }
    match view.status {
        Some(SyncStatus::Conflict) => Stand::Undecided,
        Some(SyncStatus::DeletedInAdvoware) => Stand::Missing,
        Some(SyncStatus::PermanentlyFailed) => Stand::GivenUp { times: 0, reason: Reason::Forgotten, reset_at: None },
        Some(SyncStatus::Clean) if has(FindingKind::MassDeletionHeld) => Stand::Held,
        Some(SyncStatus::Clean) => {
            let differs = view.findings.iter().any(|finding| leaves_a_difference(finding.kind));
            Stand::InSync { checked_at: view.looked_at, differs }
        }
        Some(SyncStatus::PendingSync | SyncStatus::Dirty | SyncStatus::Syncing | SyncStatus::Failed) | None => {
            Stand::WaitsForScan
        }
    }
}

/// Whether a record in agreement still says different things on its sides.
fn leaves_a_difference(kind: FindingKind) -> bool {
    match kind {
        FindingKind::UnreadableMarker
        | FindingKind::TypeDiffers
        | FindingKind::CannotHold
        | FindingKind::NotAgreed
        | FindingKind::LeftToDiffer
        | FindingKind::KindDiffers
        | FindingKind::CreatedTwice
        | FindingKind::WriteRefused => true,
        FindingKind::OverwrittenByEspo
        | FindingKind::MassDeletionHeld
        | FindingKind::OverwrittenByAdvoware
        | FindingKind::Undecided
        | FindingKind::CreateOutcomeUnknown
        | FindingKind::NoBetnr
        | FindingKind::MissingInAdvoware
        | FindingKind::BetnrTaken
        | FindingKind::OddEntry
        | FindingKind::NotRepresentable
        | FindingKind::NoPermission
        | FindingKind::OthersPrivate
        | FindingKind::UnreadableEntry
        | FindingKind::EmptyListHeld => false,
    }
}

impl Reason {
    fn of(job: &JobView) -> Self {
        match job.reason.as_str() {
            "" if job.crashes > 0 => Self::Crashed,
            "" => Self::Forgotten,
            told => Self::Told(told.to_owned()),
        }
    }
}

/// What keeps a record that waits from being taken; the one that must go first comes first.
pub(super) fn obstacles(stand: &Stand, facts: &Facts<'_>) -> Vec<Obstacle> {
    if !stand.waits_for_a_worker() {
        return Vec::new();
    }
    let mut found = Vec::new();
    found.extend(facts.is_paused.then_some(Obstacle::Paused));
    found.extend((!facts.has_workers).then_some(Obstacle::NoWorker));
    found.extend(facts.down.iter().map(|(system, next_try)| Obstacle::Down(*system, *next_try)));
    found
}

#[cfg(test)]
mod tests {
    use domain::finding::Finding;
    use domain::ids::EspoId;
    use domain::job::Wants;
    use domain::kommunikation::Direction;
    use shared::queue::JobId;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
    }

    fn ms(seconds: i64) -> u64 {
        u64::try_from(at(seconds).timestamp_millis()).unwrap()
    }

    fn view(status: Option<SyncStatus>, kinds: &[FindingKind]) -> BeteiligteView {
        BeteiligteView {
            id: EspoId::parse("abc").unwrap(),
            betnr: None,
            status,
            findings: kinds.iter().map(|kind| Finding::general(*kind)).collect(),
            looked_at: at(1),
            agreed_at: Some(at(0)),
            deleted_at: None,
        }
    }

    fn job(state: JobState, failures: u32, crashes: u32, reason: &str) -> Work {
        Work::Job(JobView {
            job: JobId::parse("abc.1780000000000000").unwrap(),
            state,
            entity: "abc".to_owned(),
            wants: Wants::sync(Direction::Both),
            is_from_scan: false,
            since_ms: ms(60),
            starts: failures,
            failures,
            crashes,
            reason: reason.to_owned(),
            dead_since_ms: (state == JobState::Dead).then(|| ms(100)),
            lease_until_ms: None,
        })
    }

    fn facts<'a>(view: Option<&'a BeteiligteView>, work: &'a Work) -> Facts<'a> {
        let auto_reset = Duration::from_hours(1);
        Facts { view, work, is_paused: false, has_workers: true, down: &[], auto_reset }
    }

    fn stand(view: Option<&BeteiligteView>, work: &Work) -> Stand {
        Stand::of(&facts(view, work))
    }

    #[test]
    fn without_a_job_the_last_run_decides() {
        let of = |status, kinds: &[FindingKind]| stand(Some(&view(Some(status), kinds)), &Work::None);
        assert_eq!(of(SyncStatus::Clean, &[]), Stand::InSync { checked_at: at(1), differs: false });
        let unsynced = of(SyncStatus::Clean, &[FindingKind::CannotHold]);
        assert_eq!(unsynced, Stand::InSync { checked_at: at(1), differs: true });
        assert_eq!(of(SyncStatus::Dirty, &[FindingKind::BetnrTaken]), Stand::NumberTaken);
        assert_eq!(of(SyncStatus::Clean, &[FindingKind::MassDeletionHeld]), Stand::Held);
        assert_eq!(of(SyncStatus::Conflict, &[FindingKind::Undecided]), Stand::Undecided);
        assert_eq!(of(SyncStatus::DeletedInAdvoware, &[]), Stand::Missing);
        assert_eq!(of(SyncStatus::PermanentlyFailed, &[FindingKind::CreateOutcomeUnknown]), Stand::CreationUnknown);
        let forgotten = Stand::GivenUp { times: 0, reason: Reason::Forgotten, reset_at: None };
        assert_eq!(of(SyncStatus::PermanentlyFailed, &[]), forgotten);
        for waits in [SyncStatus::PendingSync, SyncStatus::Dirty, SyncStatus::Syncing, SyncStatus::Failed] {
            assert_eq!(of(waits, &[]), Stand::WaitsForScan);
        }
        assert_eq!(stand(None, &Work::None), Stand::WaitsForScan);
        let deleted = BeteiligteView { deleted_at: Some(at(9)), ..view(Some(SyncStatus::Clean), &[]) };
        assert_eq!(stand(Some(&deleted), &Work::None), Stand::Deleted { at: at(9) });
    }

    #[test]
    fn what_the_queue_does_is_newer_than_what_the_last_run_left() {
        let clean = view(Some(SyncStatus::Clean), &[]);
        let of = |work: Work| stand(Some(&clean), &work);
        assert_eq!(of(Work::NotKnown), Stand::NotKnown);
        assert_eq!(of(job(JobState::Running, 0, 0, "")), Stand::Running);
        assert_eq!(of(job(JobState::Ready, 2, 0, "x")), Stand::Waits { since: at(60) });
        assert_eq!(of(job(JobState::Delayed, 0, 0, "")), Stand::PutOff { until: at(60) });
        let told = Reason::Told("HTTP 502".to_owned());
        let failed = Stand::Failed { times: 2, reason: told.clone(), next_try: at(60) };
        assert_eq!(of(job(JobState::Delayed, 2, 0, "HTTP 502")), failed);
        let crashed = Stand::Failed { times: 1, reason: Reason::Crashed, next_try: at(60) };
        assert_eq!(of(job(JobState::Delayed, 0, 1, "")), crashed);
        let given_up = Stand::GivenUp { times: 5, reason: told, reset_at: Some(at(3700)) };
        assert_eq!(of(job(JobState::Dead, 5, 0, "HTTP 502")), given_up);
        let unknown = view(Some(SyncStatus::PermanentlyFailed), &[FindingKind::CreateOutcomeUnknown]);
        assert_eq!(stand(Some(&unknown), &job(JobState::Dead, 1, 0, "x")), Stand::CreationUnknown);
    }

    #[test]
    fn only_who_waits_for_a_worker_has_obstacles() {
        let down = [(System::Advoware, at(90))];
        let blocked = |work: &Work| {
            let facts = Facts { is_paused: true, has_workers: false, down: &down, ..facts(None, work) };
            obstacles(&Stand::of(&facts), &facts)
        };
        let all = [Obstacle::Paused, Obstacle::NoWorker, Obstacle::Down(System::Advoware, at(90))];
        assert_eq!(blocked(&job(JobState::Ready, 0, 0, "")), all);
        assert_eq!(blocked(&job(JobState::Delayed, 1, 0, "x")), all);
        for work in [job(JobState::Running, 0, 0, ""), job(JobState::Dead, 1, 0, "x"), Work::None, Work::NotKnown] {
            assert_eq!(blocked(&work), []);
        }
    }
}
