//! The highest status that a message can reach replaces the number of its
//! recipients. Members who joined later must not raise the status after the
//! last recipient left.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::enum_column;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut furthest = enum_column("furthest");
        // 2 is the status "read"; messages without a recipient get 0 below.
        furthest.default(2);
        let add = Table::alter()
            .table("message")
            .add_column(furthest)
            .to_owned();
        schema.alter_table(add).await?;
        let db = schema.get_connection();
        db.execute_unprepared("UPDATE message SET furthest = 0 WHERE audience = 0")
            .await?;
        let drop = Table::alter()
            .table("message")
            .drop_column("audience")
            .to_owned();
        schema.alter_table(drop).await
    }
}
