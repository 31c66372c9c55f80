//! The simulator seen through real HTTP: every quirk and every fault has a test that fails without it.

#[cfg(test)]
mod advoware;
#[cfg(test)]
mod calendar_script;
#[cfg(test)]
mod control;
#[cfg(test)]
mod espocrm;
#[cfg(test)]
mod espocrm_set_up;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod firm;
#[cfg(test)]
mod google_desk;
#[cfg(test)]
mod google_events;
#[cfg(test)]
mod google_lists;
#[cfg(test)]
mod google_refusals;
#[cfg(test)]
mod google_rights;
#[cfg(test)]
mod google_users;
#[cfg(test)]
mod kalender;
#[cfg(test)]
mod office;
#[cfg(test)]
mod termine;
#[cfg(test)]
mod webhooks;
