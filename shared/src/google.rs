//! Google Calendar v3: calendars, who may use them, events (DOMAIN 6).
//!
//! A thin client of our own over [`crate::http`], not the crate `google-calendar3`: that one cannot send `If-Match`, without which a
//! user's edit between our look and our write would be lost; it drops nulls, with which a PATCH removes a field; and it loses fields
//! that it does not know (seen in its version 7.0).
//!
//! Google's names stand in [`wire`] alone. Guests are never set and nobody is ever mailed.

mod auth;
mod body;
mod caller;
mod client;
mod event;
mod key;
mod map;
mod wire;

pub use body::EventBody;
pub use client::{EventQuery, Google};
pub use event::{EventList, GoogleEvent, UnreadableEvent};
pub use key::ServiceAccount;
pub use map::{AclRule, GoogleCalendar};
