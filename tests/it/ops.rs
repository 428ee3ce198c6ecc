//! Operation: deployment files, metrics, backups and `tidings doctor`.

mod backups;
mod dependencies;
mod deploy;
mod disclosure;
mod doctor;
mod metrics;
mod proxies;
mod systemd_unit;
