//! Kommunikation: phones, mails and faxes of one Beteiligte, kept equal in EspoCRM and Advoware (K1-K10).

mod base;
mod decide;
mod direction;
mod equality;
mod espo_write;
mod hash;
mod komm_kz;
mod marker;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod plan;
mod record;
mod sides;
#[cfg(test)]
mod stories;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use base::{Ahead, Base, BaseRow};
pub use direction::Direction;
pub use equality::PhoneFormat;
pub use komm_kz::{Group, Kind, KommKz};
pub use marker::restored_remark;
pub use plan::{AdvoWrite, EspoChange, EspoWrite, Plan, RowContent, Seen, Target, Variant, plan};
pub use record::{Agreement, Changed, Written, agreement, changed, not_kept};
pub use summary::Summary;
pub use view::{AdvoRow, AdvoView, EspoMail, EspoPhone, EspoView, TopLevelValue};
