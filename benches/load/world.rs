//! A world to measure in, written straight into a new database: people with
//! logins, pairs who are connected, rooms, and long histories.

mod rows;

use std::path::Path;
use std::time::Duration;

use entity::{LoginId, Millis, UserId};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use tidings::auth::{Secret, Tokens};
use tidings::config::DatabaseUrl;
use tidings::store::Store;

/// What there is. Persons count from 1; the first conversations are those of
/// 1 and 2, 3 and 4, and so on; then come the histories, then the rooms.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) people: usize,
    /// Histories of so many messages, between the first person and others.
    pub(crate) histories: Vec<usize>,
    pub(crate) rooms: Vec<Room>,
}

/// A group of people who follow each other.
pub(crate) struct Room {
    pub(crate) first: usize,
    pub(crate) people: usize,
}

/// Messages in each room.
pub(crate) const SAID: usize = 20;
/// Messages of each pair.
pub(crate) const SAID_IN_PAIRS: usize = 2;

pub(crate) struct World {
    folder: TempDir,
    tokens: Tokens,
    pairs: usize,
    histories: usize,
}

impl World {
    pub(crate) async fn of_pairs(pairs: usize) -> Self {
        Self::new(&Plan {
            people: 2 * pairs,
            ..Plan::default()
        })
        .await
    }

    pub(crate) async fn new(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidings.db");
        let store = Store::open(&DatabaseUrl::Sqlite(file.clone()))
            .await
            .unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        let secret = Secret::load_or_create(folder.path()).unwrap();
        let world = Self {
            tokens: Tokens::new(&secret, Duration::from_hours(24)),
            folder,
            pairs: plan.people / 2,
            histories: plan.histories.len(),
        };
        let db = Database::connect(world.url()).await.unwrap();
        world.fill(&db, plan).await;
        db.close().await.unwrap();
        world
    }

    async fn fill(&self, db: &DatabaseConnection, plan: &Plan) {
        let say = async |sql: String| {
            db.execute_unprepared(&sql)
                .await
                .unwrap_or_else(|error| panic!("{error}: {sql}"))
        };
        say("PRAGMA synchronous = OFF".to_owned()).await;
        say("BEGIN".to_owned()).await;
        for sql in rows::people(plan.people) {
            say(sql).await;
        }
        let mut messages = 0;
        for sql in rows::pairs(self.pairs, &mut messages) {
            say(sql).await;
        }
        for (at, said) in plan.histories.iter().enumerate() {
            let (id, other) = (self.history(at), 2 * at + 4);
            for sql in rows::history((id, other), *said, &mut messages) {
                say(sql).await;
            }
        }
        for (at, room) in plan.rooms.iter().enumerate() {
            for sql in rows::room(self.room(at), room, &mut messages) {
                say(sql).await;
            }
        }
        say(rows::next_message(messages)).await;
        say("COMMIT".to_owned()).await;
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}/tidings.db", self.folder().display())
    }

    /// The conversation with that history.
    pub(crate) fn history(&self, at: usize) -> usize {
        self.pairs + 1 + at
    }

    /// The conversation of that room.
    pub(crate) fn room(&self, at: usize) -> usize {
        self.pairs + self.histories + 1 + at
    }

    /// What a person opens a socket with.
    pub(crate) fn token(&self, person: usize) -> String {
        let id = i64::try_from(person).unwrap();
        let token = self.tokens.issue(UserId(id), LoginId(id), Millis::now());
        token.unwrap()
    }
}
