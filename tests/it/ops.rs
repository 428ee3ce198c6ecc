//! For those who keep a house: metrics, copies, and whether all is well.

mod copies;
mod dependencies;
mod deploy;
mod disclosure;
mod doctor;
mod metrics;
mod proxies;
mod unit;
