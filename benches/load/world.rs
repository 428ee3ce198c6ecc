//! Test data, written straight into a new database: users with logins,
//! connected pairs, rooms, and long histories.

mod rows;

use std::path::Path;
use std::time::Duration;

use entity::{LoginId, Millis, UserId};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use tidings::auth::{LoginTokens, Secret};
use tidings::config::DatabaseUrl;
use tidings::store::Store;

/// The contents of a world. User ids count from 1. The first conversations are
/// those of the pairs: 1 and 2, 3 and 4, and so on. Then come the histories,
/// then the rooms.
#[derive(Default)]
pub(crate) struct WorldPlan {
    pub(crate) people: usize,
    /// The lengths of the histories between user 1 and other users.
    pub(crate) histories: Vec<usize>,
    pub(crate) rooms: Vec<PlannedRoom>,
}

/// A group of users with consecutive ids.
pub(crate) struct PlannedRoom {
    pub(crate) first: usize,
    pub(crate) people: usize,
}

/// Messages in each room.
pub(crate) const SAID: usize = 20;
/// Messages of each pair.
pub(crate) const SAID_IN_PAIRS: usize = 2;

pub(crate) struct LoadWorld {
    folder: TempDir,
    tokens: LoginTokens,
    pairs: usize,
    histories: usize,
}

impl LoadWorld {
    pub(crate) async fn with_pairs(pairs: usize) -> Self {
        Self::new(&WorldPlan {
            people: 2 * pairs,
            ..WorldPlan::default()
        })
        .await
    }

    pub(crate) async fn new(plan: &WorldPlan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidings.db");
        let store = Store::open(&DatabaseUrl::Sqlite(file.clone()))
            .await
            .unwrap();
        store.maintenance().migrate().await.unwrap();
        store.close().await;
        let secret = Secret::load_or_create(folder.path()).unwrap();
        let world = Self {
            tokens: LoginTokens::new(&secret, Duration::from_hours(24)),
            folder,
            pairs: plan.people / 2,
            histories: plan.histories.len(),
        };
        let db = Database::connect(world.url()).await.unwrap();
        world.fill(&db, plan).await;
        db.close().await.unwrap();
        world
    }

    async fn fill(&self, db: &DatabaseConnection, plan: &WorldPlan) {
        let execute = async |sql: String| {
            db.execute_unprepared(&sql)
                .await
                .unwrap_or_else(|error| panic!("{error}: {sql}"))
        };
        execute("PRAGMA synchronous = OFF".to_owned()).await;
        execute("BEGIN".to_owned()).await;
        for sql in rows::user_rows(plan.people) {
            execute(sql).await;
        }
        let mut messages = 0;
        for sql in rows::pair_rows(self.pairs, &mut messages) {
            execute(sql).await;
        }
        for (at, said) in plan.histories.iter().enumerate() {
            let (id, other) = (self.history(at), 2 * at + 4);
            for sql in rows::history_rows((id, other), *said, &mut messages) {
                execute(sql).await;
            }
        }
        for (at, room) in plan.rooms.iter().enumerate() {
            for sql in rows::room_rows(self.room(at), room, &mut messages) {
                execute(sql).await;
            }
        }
        execute(rows::next_message(messages)).await;
        execute("COMMIT".to_owned()).await;
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}/tidings.db", self.folder().display())
    }

    /// Returns the conversation of that history.
    pub(crate) fn history(&self, at: usize) -> usize {
        self.pairs + 1 + at
    }

    /// Returns the conversation of that room.
    pub(crate) fn room(&self, at: usize) -> usize {
        self.pairs + self.histories + 1 + at
    }

    /// Returns the token of a user.
    pub(crate) fn token(&self, person: usize) -> String {
        let id = i64::try_from(person).unwrap();
        let token = self.tokens.issue(UserId(id), LoginId(id), Millis::now());
        token.unwrap()
    }
}
