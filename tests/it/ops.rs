//! For those who keep a house: metrics, copies, and whether all is well.

mod copies;
mod deploy;
mod doctor;
mod metrics;
