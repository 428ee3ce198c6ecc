//! A store whose work is counted: statements, rows, and steps of SQLite.

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis};
use tidings::protocol::{MessageText, User};
use tidings::store::append::{Append, Outcome, Post, What};
use tidings::store::{SqliteProbe, Store};

use super::statements::{Cost, watched};
use crate::support::TestApp;

/// A store, and what counts the work of SQLite for it.
pub(crate) struct Metered {
    pub(crate) store: Store,
    pub(crate) probe: Arc<SqliteProbe>,
}

impl Metered {
    pub(crate) async fn of(app: &TestApp) -> Self {
        let probe = Arc::<SqliteProbe>::default();
        let store = Store::open_probed(app.database().url(), Some(Arc::clone(&probe)));
        Self {
            store: store.await.unwrap(),
            probe,
        }
    }

    /// What this costs: statements and rows, and steps of SQLite.
    pub(crate) async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, Cost, u64) {
        let before = self.probe.steps();
        let (done, heard) = watched(work).await;
        (done, heard.cost(), self.probe.steps() - before)
    }

    pub(crate) async fn append(&self, id: i64, actor: i64, what: What) -> (Outcome, Cost, u64) {
        let record = self.store.room(ConversationId(id)).await.unwrap();
        let members = record.members.iter();
        let mut users = members.map(|one| one.user.clone());
        let actor: User = users.find(|user| user.id.0 == actor).unwrap();
        let append = [Append {
            conversation: record.id,
            members_version: record.members_version,
            verdict: Ok(()),
            actor,
            what,
            has_others: true,
            has_archived: false,
        }];
        let (done, cost, steps) = self.cost(self.store.append(&append, Millis::now())).await;
        let outcome = done.unwrap().outcomes.pop().unwrap();
        (outcome, cost, steps)
    }

    pub(crate) async fn post(&self, id: i64, actor: i64) -> MessageId {
        let post = Post {
            text: MessageText::parse("Hello").unwrap(),
            client_id: None,
            reply_to: None,
        };
        match self.append(id, actor, What::Post(Arc::new(post))).await.0 {
            Outcome::Posted { message, .. } => message.id,
            other => panic!("{other:?}"),
        }
    }
}
