//! The simulator seen through real HTTP: every quirk and every fault has a test that fails without it.

#[cfg(test)]
mod advoware;
#[cfg(test)]
mod control;
#[cfg(test)]
mod espocrm;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod firm;
#[cfg(test)]
mod kalender;
#[cfg(test)]
mod office;
#[cfg(test)]
mod termine;
#[cfg(test)]
mod webhooks;
