//! Names of queues and of their keys.

/// The queues there are. One queue holds one kind of job, so a job needs no field for its kind, and labels of metrics come
/// from a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// `beteiligte.sync`: one entity is one Beteiligter.
    Beteiligte,
    /// `calendar.sync`: one entity is one employee.
    Calendar,
}

impl QueueName {
    /// All queues.
    pub const ALL: [Self; 2] = [Self::Beteiligte, Self::Calendar];

    /// As in settings, commands and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Beteiligte => "beteiligte",
            Self::Calendar => "calendar",
        }
    }

    /// The beginning of every key of the queue. The braces are a hash tag: the keys share one node, so scripts may touch them
    /// together.
    pub(super) fn prefix(self) -> String {
        format!("{{kanzleisync:{}}}", self.as_str())
    }
}
