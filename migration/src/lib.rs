//! The schema as a sequence of migrations: forward only, one change per file,
//! for SQLite and PostgreSQL.
//!
//! Keys and indexes here enforce guarantees of the protocol, not only code: one
//! direct conversation per pair, one `seq` per message, one message per
//! `client_id` and sender.

#![forbid(unsafe_code)]

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod columns;
mod m20261121_000001_people;
mod m20261121_000002_connections;
mod m20261121_000003_conversations;
mod m20261121_000004_messages;
mod m20261121_000005_house;
mod m20261122_000006_user_words;
mod m20261122_000007_furthest;
mod m20261122_000008_look_alikes;
mod m20261122_000009_admin;
mod m20261125_000010_left;
mod m20261126_000011_versions;
mod m20261130_000019_login_ends;
mod m20261130_000020_invite_hashes;
mod m20261130_000021_notices;
mod m20261130_000034_search_words;
mod m20261201_000035_unread_deleted;
mod m20261201_000036_text_versions;
mod m20261201_000037_reaction_versions;
mod m20261201_000038_epoch;
mod m20261201_000039_people_versions;
mod m20261201_000040_group_counts;
mod m20261201_000045_request_pauses;
mod m20261201_000046_group_invitations;
mod m20261201_000047_reports;
mod m20261201_000050_connection_lists;
mod m20261201_000055_left_titles;

/// All migrations, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_people::Migration),
            Box::new(m20261121_000002_connections::Migration),
            Box::new(m20261121_000003_conversations::Migration),
            Box::new(m20261121_000004_messages::Migration),
            Box::new(m20261121_000005_house::Migration),
            Box::new(m20261122_000006_user_words::Migration),
            Box::new(m20261122_000007_furthest::Migration),
            Box::new(m20261122_000008_look_alikes::Migration),
            Box::new(m20261122_000009_admin::Migration),
            Box::new(m20261125_000010_left::Migration),
            Box::new(m20261126_000011_versions::Migration),
            Box::new(m20261130_000019_login_ends::Migration),
            Box::new(m20261130_000020_invite_hashes::Migration),
            Box::new(m20261130_000021_notices::Migration),
            Box::new(m20261130_000034_search_words::Migration),
            Box::new(m20261201_000035_unread_deleted::Migration),
            Box::new(m20261201_000036_text_versions::Migration),
            Box::new(m20261201_000037_reaction_versions::Migration),
            Box::new(m20261201_000038_epoch::Migration),
            Box::new(m20261201_000039_people_versions::Migration),
            Box::new(m20261201_000040_group_counts::Migration),
            Box::new(m20261201_000045_request_pauses::Migration),
            Box::new(m20261201_000046_group_invitations::Migration),
            Box::new(m20261201_000047_reports::Migration),
            Box::new(m20261201_000050_connection_lists::Migration),
            Box::new(m20261201_000055_left_titles::Migration),
        ]
    }
}
