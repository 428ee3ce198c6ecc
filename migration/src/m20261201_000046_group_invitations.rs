//! Invitations to groups that the invited user left.

use sea_orm_migration::prelude::*;

use crate::columns::{
    bigint, generated_key, index, nullable_bigint, references_cascading, unique_index,
};

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
            .col(generated_key())
            .col(bigint("conversation_id"))
            .col(bigint("user_id"))
            .col(bigint("inviter_id"))
            .col(bigint("created_at"))
            .col(nullable_bigint("declined_until"))
            .foreign_key(&mut references_cascading("conversation_id", "conversation"))
            .foreign_key(&mut references_cascading("user_id", "user"))
            .foreign_key(&mut references_cascading("inviter_id", "user"))
            .to_owned();
        schema.create_table(table).await?;
        for index in [
            unique_index("group_invitation", &["conversation_id", "user_id"]),
            index("group_invitation", &["inviter_id"]),
            index("group_invitation", &["user_id", "id"]),
            // The server deletes declined invitations at that time.
            index("group_invitation", &["declined_until"])
                .cond_where(Expr::col("declined_until").is_not_null())
                .to_owned(),
        ] {
            schema.create_index(index).await?;
        }
        Ok(())
    }
}
