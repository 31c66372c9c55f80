//! Commands about single records: plan, audit, decide, erase.

use std::time::Duration;

use clap::{Args, Subcommand};
use domain::beteiligte::stammdaten::Side;

use super::calendar_audit::{AuditCalendar, PlanCalendar};
use super::values;

/// `plan`
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Of one Beteiligter
    Beteiligte(PlanBeteiligte),
    /// Of one employee's calendar; what is left as it is, and why, stands below
    Calendar(PlanCalendar),
}

/// `plan beteiligte`
#[derive(Debug, Args)]
pub struct PlanBeteiligte {
    /// Id of the EspoCRM record (`CBeteiligte`)
    #[arg(value_name = "ID")]
    pub id: String,
    /// Carry out exactly the plan of this hash, or nothing if that is not what a sync would do now
    #[arg(long, value_name = "HASH")]
    pub apply: Option<String>,
    /// How long to wait for a worker
    #[command(flatten)]
    pub wait: Wait,
}

/// `audit`
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// What syncs have written, overwritten or removed on one record or in one calendar, latest first, with values
    History(History),
    /// Write back what an audit entry replaced, as a user would; the sync that follows takes it to the other side. A deleted entry of a
    /// calendar comes back as a new one
    Restore(Restore),
    /// About calendars
    #[command(flatten)]
    Calendar(AuditCalendar),
}

/// `audit history`
#[derive(Debug, Args)]
pub struct History {
    /// Id of the EspoCRM record (`CBeteiligte`), of a row of the calendars' hub, or a Kürzel
    #[arg(value_name = "ID")]
    pub id: String,
    /// At most so many entries
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// `audit restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// Id of the entry, as `audit history` shows it
    #[arg(value_name = "AUDIT_ID", value_parser = values::audit_id)]
    pub entry: uuid::Uuid,
    /// How long to wait for a worker
    #[command(flatten)]
    pub wait: Wait,
}

/// `decide`
#[derive(Debug, Args)]
pub struct Decide {
    /// Id of the EspoCRM record (`CBeteiligte`)
    #[arg(value_name = "ID")]
    pub id: String,
    /// Whose values are taken for every field that waits for a decision
    #[arg(value_parser = values::side())]
    pub winner: Side,
    /// How long to wait for a worker
    #[command(flatten)]
    pub wait: Wait,
}

/// `erase`
#[derive(Debug, Args)]
pub struct Erase {
    /// Id of the EspoCRM record (`CBeteiligte`)
    #[arg(value_name = "ID")]
    pub id: String,
    /// Do it; else only tell what it would be
    #[arg(long)]
    pub apply: bool,
}

/// For commands that a worker carries out.
#[derive(Clone, Copy, Debug, Args)]
pub struct Wait {
    /// How long to wait for a worker to carry it out, e.g. `30s`
    #[arg(long = "wait", value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub at_most: Duration,
}
