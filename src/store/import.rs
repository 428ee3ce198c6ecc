//! Filling an empty database with a world that was played through elsewhere.

use std::collections::HashMap;

use entity::{
    ConversationId, MessageId, Millis, connection, conversation, message, participant, reaction,
    receipt, user, user_status,
};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use super::{AT_A_TIME, NewUser, Result, Store, StoreError, group_counts, ids, users, words};
use crate::protocol::{Code, User};

/// Somebody to have an account.
pub struct Newcomer {
    pub user: NewUser,
    pub about: String,
    pub created_at: Millis,
}

/// What there is beside people. The ids of people are real. Those of
/// conversations and messages count from 1 and hold only in here; those of
/// connections and receipts mean nothing: the database gives the real ones.
#[derive(Default)]
pub struct World {
    pub connections: Vec<connection::Model>,
    pub conversations: Vec<conversation::Model>,
    pub participants: Vec<participant::Model>,
    /// In the order of their ids.
    pub messages: Vec<message::Model>,
    pub reactions: Vec<reaction::Model>,
    pub receipts: Vec<receipt::Model>,
    pub statuses: Vec<user_status::Model>,
}

impl Store {
    /// Fills a database that has nobody in it: with `people`, and with what
    /// `world` makes of them, in their order, once they have their ids. Either
    /// all of it is on disk afterwards, or nothing.
    ///
    /// # Errors
    /// `conflict` where there is anybody already; what `world` says.
    pub async fn import<E: From<StoreError>>(
        &self,
        people: Vec<Newcomer>,
        world: impl FnOnce(&[User]) -> std::result::Result<World, E>,
    ) -> std::result::Result<(), E> {
        let tx = self.begin().await?;
        let users = insert_people(&tx, people).await?;
        let world = world(&users)?;
        insert_rows(&tx, world).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

async fn insert_people(tx: &impl ConnectionTrait, people: Vec<Newcomer>) -> Result<Vec<User>> {
    if user::Entity::find().one(tx).await?.is_some() {
        return Err(StoreError::refused(
            Code::Conflict,
            "This database has people in it already: the demo wants an empty one.",
        ));
    }
    let mut users = Vec::with_capacity(people.len());
    for newcomer in people {
        let row = users::insert(tx, newcomer.user, newcomer.created_at).await?;
        users.push(User::from(&row));
        let mut row = row.into_active_model();
        row.about = Set(newcomer.about);
        row.update(tx).await?;
    }
    Ok(users)
}

async fn insert_rows(tx: &impl ConnectionTrait, rows: World) -> Result<()> {
    let ids = Ids::take(tx, &rows).await?;
    let connections = rows.connections.into_iter();
    let connections = connections.map(|row| connection::ActiveModel {
        id: NotSet,
        ..row.into_active_model()
    });
    insert(tx, connections).await?;
    let participants = rows.participants.into_iter();
    let participants = participants.map(|row| participant::ActiveModel {
        conversation_id: Set(ids.conversation(row.conversation_id)),
        ..row.into_active_model()
    });
    insert(tx, participants).await?;
    group_counts::count(tx).await?;
    let messages = rows.messages.into_iter();
    let messages = messages.map(|row| message::ActiveModel {
        id: Set(ids.message(row.id)),
        conversation_id: Set(ids.conversation(row.conversation_id)),
        reply_to: Set(row.reply_to.map(|id| ids.message(id))),
        ..row.into_active_model()
    });
    insert(tx, messages).await?;
    let reactions = rows.reactions.into_iter();
    let reactions = reactions.map(|row| reaction::ActiveModel {
        message_id: Set(ids.message(row.message_id)),
        ..row.into_active_model()
    });
    insert(tx, reactions).await?;
    let receipts = rows.receipts.into_iter();
    let receipts = receipts.map(|row| receipt::ActiveModel {
        id: NotSet,
        conversation_id: Set(ids.conversation(row.conversation_id)),
        ..row.into_active_model()
    });
    insert(tx, receipts).await?;
    let statuses = rows.statuses.into_iter();
    insert(tx, statuses.map(IntoActiveModel::into_active_model)).await
}

async fn insert<A>(tx: &impl ConnectionTrait, rows: impl Iterator<Item = A>) -> Result<()>
where
    A: ActiveModelTrait + Send,
{
    let rows: Vec<A> = rows.collect();
    for some in rows.chunks(AT_A_TIME) {
        A::Entity::insert_many(some.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// What the ids that hold only in [`World`] really are.
struct Ids {
    conversations: HashMap<ConversationId, ConversationId>,
    /// What is added to a message's.
    messages: i64,
}

impl Ids {
    /// Takes ids for the messages, and inserts the conversations for theirs:
    /// what they say of their newest message needs the former.
    async fn take(tx: &impl ConnectionTrait, rows: &World) -> Result<Self> {
        let count = i64::try_from(rows.messages.len()).unwrap_or(i64::MAX);
        let block = ids::next_block(tx, "message", count).await?;
        let mut ids = Self {
            conversations: HashMap::with_capacity(rows.conversations.len()),
            messages: block.start - 1,
        };
        for row in &rows.conversations {
            let new = conversation::ActiveModel {
                id: NotSet,
                last_message_id: Set(row.last_message_id.map(|id| ids.message(id))),
                ..row.clone().into_active_model()
            };
            let id = new.insert(tx).await?.id;
            if let Some(title) = &row.title {
                words::replace(tx, id, title).await?;
            }
            ids.conversations.insert(row.id, id);
        }
        Ok(ids)
    }

    fn message(&self, id: MessageId) -> MessageId {
        MessageId(self.messages + id.0)
    }

    /// One that isn't among them stays, and is refused as naming nothing.
    fn conversation(&self, id: ConversationId) -> ConversationId {
        self.conversations.get(&id).copied().unwrap_or(id)
    }
}
