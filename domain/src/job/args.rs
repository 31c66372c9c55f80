//! Arguments of jobs. Ids and switches only: nothing personal ever enters the queue (E2).

use crate::ids::EspoId;
use crate::kommunikation::Direction;

/// What a trigger asks of a run, as bits, so that merging two triggers of one entity is a bitwise or (J2): both are satisfied
/// by one run. `to_espocrm` and `to_advoware` merge into `both`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wants(u32);

impl Wants {
    const TO_ESPOCRM: u32 = 1;
    const TO_ADVOWARE: u32 = 1 << 1;
    const APPROVE_DELETIONS: u32 = 1 << 2;
    const CREATE_AGAIN: u32 = 1 << 3;
    const ANONYMIZE: u32 = 1 << 4;
    const SHOW_CONTENT: u32 = 1 << 5;
    const LIST_ALL: u32 = 1 << 6;
    const REQUEST: u32 = 1 << 7;

    /// A sync in `direction`, nothing else.
    pub fn sync(direction: Direction) -> Self {
        Self(match direction {
            Direction::Both => Self::TO_ESPOCRM | Self::TO_ADVOWARE,
            Direction::ToEspocrm => Self::TO_ESPOCRM,
            Direction::ToAdvoware => Self::TO_ADVOWARE,
        })
    }

    /// What an operator asked of one Beteiligter by a plan's hash, and no sync unless another trigger asks for one.
    pub fn request() -> Self {
        Self(Self::REQUEST)
    }

    /// The same, and deletions that the mass-deletion guard held are carried out (K1a).
    #[must_use]
    pub fn approving_deletions(self) -> Self {
        Self(self.0 | Self::APPROVE_DELETIONS)
    }

    /// The same, and a record whose creation in Advoware has an unknown outcome is created again (B2b).
    #[must_use]
    pub fn creating_again(self) -> Self {
        Self(self.0 | Self::CREATE_AGAIN)
    }

    /// A sync of an employee's calendar, nothing else.
    pub fn calendar() -> Self {
        Self(0)
    }

    /// The same, and the employee's copies are anonymised from now on, or no longer (`full_content` of a trigger).
    #[must_use]
    pub fn with_full_content(self, full_content: bool) -> Self {
        Self(self.0 | if full_content { Self::SHOW_CONTENT } else { Self::ANONYMIZE })
    }

    /// The same, and both calendars are read whole, whatever is known of changes.
    #[must_use]
    pub fn listing_all(self) -> Self {
        Self(self.0 | Self::LIST_ALL)
    }

    /// Bits as stored in the queue.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// From stored bits; unknown bits are kept, a later version may have written them.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The direction of the run. Without any direction bit: both.
    pub fn direction(self) -> Direction {
        match (self.0 & Self::TO_ESPOCRM != 0, self.0 & Self::TO_ADVOWARE != 0) {
            (true, false) => Direction::ToEspocrm,
            (false, true) => Direction::ToAdvoware,
            (true, true) | (false, false) => Direction::Both,
        }
    }

    /// Whether nothing was asked for but to answer an operator.
    pub fn is_request_only(self) -> bool {
        self.0 & Self::REQUEST != 0 && self.0 & (Self::TO_ESPOCRM | Self::TO_ADVOWARE) == 0
    }

    /// Whether held deletions may be carried out.
    pub fn approves_deletions(self) -> bool {
        self.0 & Self::APPROVE_DELETIONS != 0
    }

    /// What `full_content` its triggers asked for; of several the stricter (J2).
    pub fn full_content(self) -> Option<bool> {
        match (self.0 & Self::ANONYMIZE != 0, self.0 & Self::SHOW_CONTENT != 0) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    /// Whether both calendars are to be read whole.
    pub fn lists_all(self) -> bool {
        self.0 & Self::LIST_ALL != 0
    }

    /// Whether a creation of unknown outcome may be repeated.
    pub fn creates_again(self) -> bool {
        self.0 & Self::CREATE_AGAIN != 0
    }
}

/// Job `beteiligte.sync`: bring one Beteiligte into agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeteiligteSync {
    /// The EspoCRM record.
    pub id: EspoId,
    /// What its triggers asked for.
    pub wants: Wants,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j2_merging_one_way_triggers_asks_for_both_directions() {
        let merged = Wants::sync(Direction::ToEspocrm).bits() | Wants::sync(Direction::ToAdvoware).bits();
        assert_eq!(Wants::from_bits(merged).direction(), Direction::Both);
    }

    #[test]
    fn j2_a_sync_that_somebody_else_asks_for_is_not_lost_in_an_operators_request() {
        assert!(Wants::request().is_request_only() && Wants::request().direction() == Direction::Both);
        for direction in [Direction::Both, Direction::ToEspocrm, Direction::ToAdvoware] {
            let merged = Wants::from_bits(Wants::request().bits() | Wants::sync(direction).bits());
            assert_eq!((merged.is_request_only(), merged.direction()), (false, direction));
        }
        assert!(!Wants::sync(Direction::Both).is_request_only() && !Wants::calendar().is_request_only());
    }

    #[test]
    fn j2_of_two_triggers_the_stricter_full_content_counts() {
        let [hides, shows] = [false, true].map(|full_content| Wants::calendar().with_full_content(full_content));
        assert_eq!((hides.full_content(), shows.full_content()), (Some(false), Some(true)));
        assert_eq!(Wants::from_bits(hides.bits() | shows.bits()).full_content(), Some(false));
        assert_eq!(Wants::from_bits(shows.bits() | Wants::calendar().bits()).full_content(), Some(true));
        assert_eq!(Wants::calendar().full_content(), None);
    }

    #[test]
    fn j2_merging_keeps_an_approval() {
        let merged = Wants::sync(Direction::Both).bits() | Wants::sync(Direction::Both).approving_deletions().bits();
        assert!(Wants::from_bits(merged).approves_deletions());
    }
}
