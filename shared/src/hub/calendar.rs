//! The calendar's part of the hub (C1): pairs of Termin and event, what was changed in them, and employees.

mod audit;
mod employee;
mod forms;
mod retention;
mod rows;
mod schedule;
mod store;

pub use audit::{CalendarAuditView, CalendarTarget};
pub use employee::{CalendarFinding, Employee, EmployeePolicy, PolicyChange, RunEnd, Staff};
pub use forms::{from_standard, to_standard};
pub use rows::{CalendarRow, Retry, RowStatus, RowView};
pub use schedule::DueEmployees;
pub use store::{Begun, Saved, Settled};
