//! Stateful stand-ins for the outside systems of kanzleisync, over real HTTP, misbehaving on demand.
//!
//! A second, independent reading of `docs/domain.md`: it shares no type with the crates it tests.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use simulator::{Calls, Edit, Fault, FaultKind, Moment, Operation, Simulator, SimulatorConfig, generate};
//!
//! let sim = Simulator::start(SimulatorConfig::default()).await?;
//! sim.load(&generate(7, 300));
//!
//! // The second PUT of a Kommunikation is applied, but its answer never arrives.
//! sim.faults().arm(Fault::new(Calls::to(Operation::PutKommunikation).nth(2), FaultKind::AnswerLost));
//! // A user deletes a record in Advoware right after the first call to EspoCRM.
//! sim.edit_at(Moment::after(Calls::to(Operation::EspoGet)), Edit::AdvowareDelete { betnr: 104_860 });
//!
//! // ... run the worker against sim.addresses() with sim.credentials() ...
//! assert!(sim.journal().mutating().is_empty());
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod addresses;
mod advoware;
mod agenda;
mod call;
mod calls;
mod clock;
mod control;
mod control_termine;
mod dice;
mod edit;
mod espocrm;
mod fault;
mod firm;
mod gate;
mod google;
mod handles;
mod journal;
mod operation;
mod script;
mod server;
mod stage;
mod webhook;
mod wire;

pub use addresses::{Addresses, Credentials};
pub use advoware::{AdvowareSwitches, DateShape, Kommunikation, NewKommunikation, NumberSpelling};
pub use advoware::{ChangeTime, FrnrSpelling, Mitarbeiter, TerminDateShape, TerminSwitches};
pub use agenda::{Edge, Moment, Pause};
pub use calls::Calls;
pub use clock::Clock;
pub use edit::{Edit, EditOutcome, EditRefused};
pub use espocrm::{EspoLevel, EspoRights, EspoSwitches, Note, WebhookEvent};
pub use fault::{Fault, FaultKind, Faults};
pub use firm::{Firm, FirmBeteiligter, FirmCalendar, FirmNewcomer, FirmTermin, generate, generate_calendar};
pub use google::{GoogleHandle, GoogleReason, GoogleRole, GoogleSwitches};
pub use handles::{AdvowareHandle, EspoHandle, WebhooksHandle};
pub use journal::{Journal, JournalEntry};
pub use operation::{Operation, System};
pub use script::{CalendarScriptEdit, CalendarScriptOutcome, CalendarVariant, calendar_edit_script};
pub use script::{ScriptEdit, ScriptOutcome, Variant, edit_script};
pub use server::{Simulator, SimulatorConfig};
pub use stage::Outage;
pub use webhook::{DeliveryReport, WebhookTarget};

/// One form for all spellings of a value: E.164 (region DE) for numbers, trimmed and lower-cased mails, else the trimmed
/// text. For comparing both sides in assertions.
pub fn canonical(value: &str) -> String {
    firm::numbers::canonical(value)
}
