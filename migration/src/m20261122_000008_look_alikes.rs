//! The skeleton of a username, so that no other username looks the same.

use std::collections::HashSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};
use unicode_security::skeleton;

use crate::columns::unique_index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let mut look = ColumnDef::new("username_look");
        look.text();
        let table = Table::alter().table("user").add_column(look).to_owned();
        schema.alter_table(table).await?;
        fill(schema).await?;
        schema
            .create_index(unique_index("user", &["username_look"]))
            .await
    }
}

/// The number of users that are read at a time.
const BATCH_SIZE: i64 = 500;

/// Sets the skeleton of existing accounts. Of several accounts whose names look
/// the same, only the oldest gets the skeleton, so that new names like it are
/// refused. The other accounts keep their names.
async fn fill(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let backend = db.get_database_backend();
    let (mut last, mut taken) = (0_i64, HashSet::new());
    loop {
        let people = db
            .query_all_raw(Statement::from_sql_and_values(
                backend,
                "SELECT id, username FROM \"user\" WHERE id > $1 ORDER BY id LIMIT $2",
                [last.into(), BATCH_SIZE.into()],
            ))
            .await?;
        if people.is_empty() {
            return Ok(());
        }
        for person in people {
            last = person.try_get_by_index(0)?;
            let look = look(&person.try_get_by_index::<String>(1)?);
            if taken.insert(look.clone()) {
                db.execute_raw(Statement::from_sql_and_values(
                    backend,
                    "UPDATE \"user\" SET username_look = $1 WHERE id = $2",
                    [look.into(), last.into()],
                ))
                .await?;
            }
        }
    }
}

/// A copy of the protocol's function at the time of this migration, because a
/// migration never changes.
fn look(username: &str) -> String {
    skeleton(username).collect::<String>().to_ascii_lowercase()
}
