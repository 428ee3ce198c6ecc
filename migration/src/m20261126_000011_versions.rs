//! No index of the versions of all messages: what was posted after a version is
//! found by `seq`, what was touched since has an index of its own, and each new
//! message changes one page less.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop()
            .name("message_conversation_id_version")
            .table("message")
            .to_owned();
        schema.drop_index(index).await
    }
}
