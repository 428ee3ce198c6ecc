//! How far a message can come at most, in place of how many it was sent to: a
//! status must not be raised by those who came later, once the last of those
//! whom it was for has left.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::columns::choice;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut furthest = choice("furthest");
        // Read: what somebody else was there for.
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
