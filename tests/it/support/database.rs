//! A separate database for each test.

use std::future::Future;
use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tidings::config::DatabaseUrl;
use tidings::store::Store;

/// Returns the URL of the PostgreSQL server, or `None` to test on SQLite.
#[expect(
    clippy::disallowed_methods,
    reason = "TIDINGS_TEST_DATABASE configures the tests, not the server"
)]
fn server() -> Option<String> {
    std::env::var("TIDINGS_TEST_DATABASE")
        .ok()
        .filter(|url| !url.is_empty())
}

/// A new database, deleted on drop.
pub(crate) struct TestDatabase {
    url: DatabaseUrl,
    /// The URL of the PostgreSQL server and the name of the database that
    /// `Drop` deletes. `None` on SQLite.
    to_drop: Option<(String, String)>,
}

impl TestDatabase {
    /// Whether the tests run on SQLite.
    pub(crate) fn is_sqlite() -> bool {
        server().is_none()
    }

    /// Creates a database with the current schema.
    pub(crate) async fn migrated(folder: &Path) -> Self {
        let database = Self::empty(folder).await;
        let store = database.store().await;
        store.maintenance().migrate().await.unwrap();
        store.close().await;
        database
    }

    /// Creates an empty database in `folder` or on the PostgreSQL server.
    pub(crate) async fn empty(folder: &Path) -> Self {
        let Some(server) = server() else {
            return Self {
                url: DatabaseUrl::Sqlite(folder.join("tidings.db")),
                to_drop: None,
            };
        };
        let name = format!("tidings_test_{}", uuid::Uuid::now_v7().simple());
        let admin = Database::connect(&server).await.unwrap();
        admin
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        admin.close().await.unwrap();
        let (place, _) = server.rsplit_once('/').unwrap();
        Self {
            url: DatabaseUrl::Postgres(format!("{place}/{name}")),
            to_drop: Some((server, name)),
        }
    }

    /// Returns the URL in the form of the server's settings.
    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Returns the URL with its password, in the form of `DATABASE_URL`.
    pub(crate) fn url_text(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// Opens a separate store, like another process.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Opens a connection for statements that the store doesn't have.
    pub(crate) async fn connection(&self) -> DatabaseConnection {
        let url = match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}?mode=rwc", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        Database::connect(url).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((server, name)) = self.to_drop.take() {
            block_on(async move {
                let admin = Database::connect(&server).await.unwrap();
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                admin.execute_unprepared(&drop).await.unwrap();
                admin.close().await.unwrap();
            });
        }
    }
}

/// Runs `work` on a new thread with its own runtime, because `Drop` can't
/// await. Ignores a failure, which isn't the test's fault.
fn block_on(work: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work);
    });
    drop(thread.join());
}
