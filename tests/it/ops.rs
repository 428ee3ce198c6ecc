//! Operation: deployment files, metrics, backups and `tidings doctor`.

mod copies;
mod dependencies;
mod deploy;
mod disclosure;
mod doctor;
mod metrics;
mod proxies;
mod unit;
