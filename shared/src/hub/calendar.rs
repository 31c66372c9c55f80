//! The calendar's part of the hub (C1): pairs of Termin and event, what was changed in them, and employees.

mod audit;
mod employee;
mod forms;
mod requests;
mod retention;
mod rows;
mod schedule;
mod store;
mod verify;

pub use audit::{CalendarAuditView, CalendarTarget, Noted};
pub use employee::{CalendarFinding, Employee, EmployeePolicy, PolicyChange, RunEnd, Staff};
pub use forms::{from_standard, to_standard};
pub use requests::{CalendarAsked, CalendarRequest, Leftover, Removal};
pub use rows::{CalendarRow, Retry, RowStatus, RowView};
pub use schedule::DueEmployees;
pub use store::{Begun, Saved, Settled};
pub use verify::{DifferingEntry, DivergentEntry, DueCalendar};
