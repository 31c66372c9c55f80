//! Stammdaten: the master data of a person or company, kept equal in EspoCRM and Advoware (B2, B2a, K5; DOMAIN 2 and 4).
//!
//! Field by field, against the base: what each side answered last. A field that one side changed goes to the other; one that both changed
//! is a conflict, and the policy decides. Without a base the timestamps decide once, and what they decided is remembered as a base
//! ([`first_base`]), so that a run that is cut off does not decide anew.

mod base;
mod comparison;
mod field;
mod plan;
#[cfg(test)]
mod tests;
mod text;

pub use base::{Base, Begun, Last, Pair};
pub use comparison::{Comparison, Newer, Origin, first_base};
pub use field::{ADVOWARE_FIELDS, ESPOCRM_FIELDS, Field, PartyKind, Side, Texts};
pub use plan::{Change, Plan, Seen, created_base, creation, decided_for, not_kept, plan, settled};
pub use text::is_same;
