//! People, their logins, and the processes that see them come and go.

use sea_orm_migration::prelude::*;

use crate::columns::{belongs_to, big, big_or_none, count, flag, index, key, names, text, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(user()).await?;
        schema
            .create_index(unique("user", &["username_key"]))
            .await?;
        schema.create_table(node()).await?;
        schema.create_table(user_status()).await?;
        schema.create_table(login()).await?;
        schema.create_index(index("login", &["user_id"])).await?;
        schema.create_index(index("login", &["ended_at"])).await?;
        schema.create_table(invite()).await?;
        schema.create_index(unique("invite", &["code"])).await
    }
}

fn user() -> TableCreateStatement {
    Table::create()
        .table("user")
        .col(key())
        .col(text("username"))
        .col(text("username_key"))
        .col(text("display_name"))
        .col(text("about"))
        .col(text("password_hash"))
        .col(flag("is_admin"))
        .col(big_or_none("deactivated_at"))
        .col(big("created_at"))
        .to_owned()
}

fn node() -> TableCreateStatement {
    Table::create()
        .table("node")
        .col(key())
        .col(big("started_at"))
        .col(big("alive_at"))
        .to_owned()
}

fn user_status() -> TableCreateStatement {
    Table::create()
        .table("user_status")
        .col(big("user_id").primary_key())
        .col(flag("is_online"))
        .col(big_or_none("node_id"))
        .col(big_or_none("last_seen"))
        .foreign_key(&mut belongs_to("user_id", "user"))
        .to_owned()
}

fn login() -> TableCreateStatement {
    Table::create()
        .table("login")
        .col(key())
        .col(big("user_id"))
        .col(text("device"))
        .col(text("address"))
        .col(big("created_at"))
        .col(big("last_used_at"))
        .col(big("expires_at"))
        .col(big_or_none("ended_at"))
        .foreign_key(&mut belongs_to("user_id", "user"))
        .to_owned()
}

fn invite() -> TableCreateStatement {
    Table::create()
        .table("invite")
        .col(key())
        .col(text("code"))
        .col(count("uses_left"))
        .col(big_or_none("expires_at"))
        .col(big("created_by"))
        .col(big("created_at"))
        .foreign_key(&mut names("created_by", "user"))
        .to_owned()
}
