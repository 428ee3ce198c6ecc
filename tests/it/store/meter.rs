//! A store whose work is counted: statements, rows, and steps of SQLite.

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis};
use tidings::protocol::{ConversationAction, MessageText, SubmittedMessage, User};
use tidings::store::append::{AppendEntry, AppendOutcome, CommittedChange, ConversationChange};
use tidings::store::{SqliteProbe, Store};

use super::statements::{Cost, watched};
use crate::support::TestApp;

/// A store, and the probe that counts SQLite's work for it.
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

    /// Runs `work`, and returns its statements and rows, and its SQLite steps.
    pub(crate) async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, Cost, u64) {
        let before = self.probe.steps();
        let (done, log) = watched(work).await;
        (done, log.cost(), self.probe.steps() - before)
    }

    pub(crate) async fn append(
        &self,
        id: i64,
        actor: i64,
        what: ConversationAction<Arc<ConversationChange>>,
    ) -> (AppendOutcome, Cost, u64) {
        let record = self.store.rooms().load(ConversationId(id)).await.unwrap();
        let members = record.members.iter();
        let mut users = members.map(|one| one.user.clone());
        let actor: User = users.find(|user| user.id.0 == actor).unwrap();
        let append = [AppendEntry {
            conversation: record.id,
            members_version: record.members_version,
            verdict: Ok(()),
            actor,
            action: what,
            may_moderate: false,
            has_others: true,
            has_archived: false,
        }];
        let (done, cost, steps) = self
            .cost(self.store.journal().append_batch(&append, Millis::now()))
            .await;
        let outcome = done.unwrap().outcomes.pop().unwrap();
        (outcome, cost, steps)
    }

    pub(crate) async fn post(&self, id: i64, actor: i64) -> MessageId {
        let post = SubmittedMessage {
            text: Ok(MessageText::parse("Hello").unwrap()),
            client_id: None,
            reply_to: None,
        };
        match self
            .append(id, actor, ConversationAction::Send(Arc::new(post)))
            .await
            .0
        {
            AppendOutcome::Written(CommittedChange::Posted { message, .. }) => message.id,
            other => panic!("{other:?}"),
        }
    }
}
