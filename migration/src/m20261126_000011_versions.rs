//! No index of the versions of all messages and of everybody who takes part:
//! what was posted after a version is found by `seq`, what was touched since and
//! who left have indexes of their own, and each new message changes fewer pages.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for table in ["message", "participant"] {
            let index = Index::drop()
                .name(format!("{table}_conversation_id_version"))
                .table(table)
                .to_owned();
            schema.drop_index(index).await?;
        }
        Ok(())
    }
}
