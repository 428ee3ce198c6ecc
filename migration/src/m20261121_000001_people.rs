//! Users, their logins, and the server processes that record their presence.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, flag, generated_key, index, integer, nullable_bigint, references, references_cascading,
    text, unique_index,
};

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
            .create_index(unique_index("user", &["username_key"]))
            .await?;
        schema.create_table(node()).await?;
        schema.create_table(user_status()).await?;
        schema.create_table(login()).await?;
        schema.create_index(index("login", &["user_id"])).await?;
        schema.create_index(index("login", &["ended_at"])).await?;
        schema.create_table(invite()).await?;
        schema.create_index(unique_index("invite", &["code"])).await
    }
}

fn user() -> TableCreateStatement {
    Table::create()
        .table("user")
        .col(generated_key())
        .col(text("username"))
        .col(text("username_key"))
        .col(text("display_name"))
        .col(text("about"))
        .col(text("password_hash"))
        .col(flag("is_admin"))
        .col(nullable_bigint("deactivated_at"))
        .col(bigint("created_at"))
        .to_owned()
}

fn node() -> TableCreateStatement {
    Table::create()
        .table("node")
        .col(generated_key())
        .col(bigint("started_at"))
        .col(bigint("alive_at"))
        .to_owned()
}

fn user_status() -> TableCreateStatement {
    Table::create()
        .table("user_status")
        .col(bigint("user_id").primary_key())
        .col(flag("is_online"))
        .col(nullable_bigint("node_id"))
        .col(nullable_bigint("last_seen"))
        .foreign_key(&mut references_cascading("user_id", "user"))
        .to_owned()
}

fn login() -> TableCreateStatement {
    Table::create()
        .table("login")
        .col(generated_key())
        .col(bigint("user_id"))
        .col(text("device"))
        .col(text("address"))
        .col(bigint("created_at"))
        .col(bigint("last_used_at"))
        .col(bigint("expires_at"))
        .col(nullable_bigint("ended_at"))
        .foreign_key(&mut references_cascading("user_id", "user"))
        .to_owned()
}

fn invite() -> TableCreateStatement {
    Table::create()
        .table("invite")
        .col(generated_key())
        .col(text("code"))
        .col(integer("uses_left"))
        .col(nullable_bigint("expires_at"))
        .col(bigint("created_by"))
        .col(bigint("created_at"))
        .foreign_key(&mut references("created_by", "user"))
        .to_owned()
}
