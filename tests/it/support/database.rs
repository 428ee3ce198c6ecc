//! A database of a test's own.

use std::future::Future;
use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tidings::config::DatabaseUrl;
use tidings::store::Store;

/// Where the databases of PostgreSQL are made, where they are.
#[expect(
    clippy::disallowed_methods,
    reason = "which database to test on is no setting of the server's"
)]
fn server() -> Option<String> {
    std::env::var("TIDINGS_TEST_DATABASE")
        .ok()
        .filter(|url| !url.is_empty())
}

/// A fresh database, gone with this.
pub(crate) struct TestDatabase {
    url: DatabaseUrl,
    /// The server and the name to drop there.
    to_drop: Option<(String, String)>,
}

impl TestDatabase {
    /// Whether tests run on SQLite.
    pub(crate) fn is_sqlite() -> bool {
        server().is_none()
    }

    /// A database with the present schema.
    pub(crate) async fn migrated(folder: &Path) -> Self {
        let database = Self::empty(folder).await;
        let store = database.store().await;
        store.migrate().await.unwrap();
        store.close().await;
        database
    }

    /// A database with nothing in it: in `folder`, or on the server.
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

    /// As the server's settings name it.
    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// As an operator writes it, password and all.
    pub(crate) fn text(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// A store of its own, as another process would have it.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// A connection past the store, for what it has no words for.
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

/// For `Drop`, which can't await: on a thread and a runtime of its own. A
/// failure is no test's fault, so nobody hears of it.
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
