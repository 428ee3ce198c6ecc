//! Drops the version indexes of all messages and participants, so that each new
//! message changes fewer pages. Messages posted after a version are found by
//! `seq`. Messages that changed later and former members have indexes of their
//! own.

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
