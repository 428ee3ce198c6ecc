//! Invitations to groups that the invited user left.

use sea_orm_migration::prelude::*;

use crate::columns::{belongs_to, big, big_or_none, index, key, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("group_invitation")
            .col(key())
            .col(big("conversation_id"))
            .col(big("user_id"))
            .col(big("inviter_id"))
            .col(big("created_at"))
            .col(big_or_none("declined_until"))
            .foreign_key(&mut belongs_to("conversation_id", "conversation"))
            .foreign_key(&mut belongs_to("user_id", "user"))
            .foreign_key(&mut belongs_to("inviter_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        for index in [
            unique("group_invitation", &["conversation_id", "user_id"]),
            index("group_invitation", &["inviter_id"]),
            index("group_invitation", &["user_id", "id"]),
            // The server deletes declined ones at the end of that time.
            index("group_invitation", &["declined_until"])
                .cond_where(Expr::col("declined_until").is_not_null())
                .to_owned(),
        ] {
            schema.create_index(index).await?;
        }
        Ok(())
    }
}
