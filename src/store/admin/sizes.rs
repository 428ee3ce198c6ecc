//! How much there is, as far as that costs nothing to know.

use sea_orm::{DbBackend, FromQueryResult, Statement};

use super::{Result, Store};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct Sizes {
    pub bytes: i64,
    /// Opened so far, also those that are gone.
    pub accounts: i64,
    /// Begun so far.
    pub conversations: i64,
    /// At most: ids are given in blocks, of which not all are used.
    pub messages: i64,
}

impl Store {
    /// How large the database is. Rows aren't counted, which would read them
    /// all: the last id tells how many there were.
    pub async fn sizes(&self) -> Result<Sizes> {
        let bytes = match self.backend() {
            DbBackend::Sqlite => {
                "(SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())"
            }
            _ => "pg_database_size(current_database())",
        };
        let sql = format!(
            "SELECT CAST({bytes} AS BIGINT) AS bytes, \
             CAST(COALESCE((SELECT MAX(id) FROM \"user\"), 0) AS BIGINT) AS accounts, \
             CAST(COALESCE((SELECT MAX(id) FROM conversation), 0) AS BIGINT) AS conversations, \
             CAST(COALESCE((SELECT MAX(id) FROM message), 0) AS BIGINT) AS messages"
        );
        let statement = Statement::from_string(self.backend(), sql);
        let found = Sizes::find_by_statement(statement)
            .one(&self.reader)
            .await?;
        Ok(found.unwrap_or_default())
    }
}
