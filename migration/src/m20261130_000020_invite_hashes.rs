//! Stores the SHA-256 of an invitation's code in place of the code, so that no
//! code can be read from a copy of the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};
use sha2::{Digest as _, Sha256};

use crate::columns::unique_index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        hash_codes(schema).await?;
        let by_code = Index::drop().name("invite_code").table("invite").to_owned();
        schema.drop_index(by_code).await?;
        let rename = Table::alter()
            .table("invite")
            .rename_column("code", "code_hash")
            .to_owned();
        schema.alter_table(rename).await?;
        schema
            .create_index(unique_index("invite", &["code_hash"]))
            .await
    }
}

/// The number of invitations that are read at a time.
const BATCH_SIZE: i64 = 500;

async fn hash_codes(schema: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    let backend = db.get_database_backend();
    let mut last = 0_i64;
    loop {
        let invites = db
            .query_all_raw(Statement::from_sql_and_values(
                backend,
                "SELECT id, code FROM invite WHERE id > $1 ORDER BY id LIMIT $2",
                [last.into(), BATCH_SIZE.into()],
            ))
            .await?;
        if invites.is_empty() {
            return Ok(());
        }
        for invite in invites {
            last = invite.try_get_by_index(0)?;
            let hash = digest(&invite.try_get_by_index::<String>(1)?);
            db.execute_raw(Statement::from_sql_and_values(
                backend,
                "UPDATE invite SET code = $1 WHERE id = $2",
                [hash.into(), last.into()],
            ))
            .await?;
        }
    }
}

/// A copy of the server's function at the time of this migration, because a
/// migration never changes.
fn digest(code: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(code.as_bytes()))
}
