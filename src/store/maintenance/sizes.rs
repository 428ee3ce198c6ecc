//! The size of the database, from numbers that are cheap to read.

use sea_orm::{DbBackend, FromQueryResult, Statement};

use super::MaintenanceRepository;
use crate::store::db::Result;

/// The size of the database.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct DatabaseSizes {
    pub bytes: i64,
    /// The number of accounts created so far, including deleted ones.
    pub accounts: i64,
    /// The number of conversations created so far.
    pub conversations: i64,
    /// An upper bound: ids are reserved in blocks, and not all are used.
    pub messages: i64,
}

impl MaintenanceRepository<'_> {
    /// Returns the size of the database. The counts are the highest ids,
    /// because counting rows would read all of them.
    pub async fn load_database_sizes(self) -> Result<DatabaseSizes> {
        let bytes = match self.db.backend() {
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
        let statement = Statement::from_string(self.db.backend(), sql);
        let found = DatabaseSizes::find_by_statement(statement)
            .one(self.db.reader())
            .await?;
        Ok(found.unwrap_or_default())
    }
}
