//! Importing data into an empty database.

use std::collections::HashMap;

use entity::{
    ConversationId, MessageId, Millis, connection, conversation, message, participant, reaction,
    receipt, user, user_status,
};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use super::MaintenanceRepository;
use crate::protocol::{ErrorCode, User};
use crate::store::db::{ROWS_PER_STATEMENT, Result, StoreError};
use crate::store::users::NewUser;
use crate::store::{group_counts, ids, search_terms, users};

/// A user to import.
pub struct ImportedUser {
    pub user: NewUser,
    pub about: String,
    pub created_at: Millis,
}

/// The data to import besides users. User ids are those of the database.
/// Conversation and message ids count from 1 and are valid only in this value.
/// Ids of connections and receipts are ignored. The database assigns the real
/// ones.
#[derive(Default)]
pub struct ImportData {
    pub connections: Vec<connection::Model>,
    pub conversations: Vec<conversation::Model>,
    pub participants: Vec<participant::Model>,
    /// In the order of their ids.
    pub messages: Vec<message::Model>,
    pub reactions: Vec<reaction::Model>,
    pub receipts: Vec<receipt::Model>,
    pub statuses: Vec<user_status::Model>,
}

impl MaintenanceRepository<'_> {
    /// Fills a database without users: with `people`, and with the data that
    /// `world` makes of the inserted users, which are in the same order. Either
    /// all of it is written, or nothing.
    ///
    /// # Errors
    /// `conflict` if there is any user already; errors of `world`.
    pub async fn import_data<E: From<StoreError>>(
        self,
        people: Vec<ImportedUser>,
        world: impl FnOnce(&[User]) -> std::result::Result<ImportData, E>,
    ) -> std::result::Result<(), E> {
        let tx = self.db.begin().await?;
        let users = insert_people(&tx, people).await?;
        let world = world(&users)?;
        insert_rows(&tx, world).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

async fn insert_people(tx: &impl ConnectionTrait, people: Vec<ImportedUser>) -> Result<Vec<User>> {
    if user::Entity::find().one(tx).await?.is_some() {
        return Err(StoreError::refused(
            ErrorCode::Conflict,
            "This database already has accounts: the demo needs an empty database.",
        ));
    }
    let mut users = Vec::with_capacity(people.len());
    for newcomer in people {
        let row = users::insert_user(tx, newcomer.user, newcomer.created_at).await?;
        users.push(User::from(&row));
        let mut row = row.into_active_model();
        row.about = Set(newcomer.about);
        row.update(tx).await?;
    }
    Ok(users)
}

async fn insert_rows(tx: &impl ConnectionTrait, rows: ImportData) -> Result<()> {
    let ids = ImportIds::allocate(tx, &rows).await?;
    let connections = rows.connections.into_iter();
    let connections = connections.map(|row| connection::ActiveModel {
        id: NotSet,
        ..row.into_active_model()
    });
    insert(tx, connections).await?;
    let participants = rows.participants.into_iter();
    let participants = participants.map(|row| participant::ActiveModel {
        conversation_id: Set(ids.conversation_id(row.conversation_id)),
        ..row.into_active_model()
    });
    insert(tx, participants).await?;
    group_counts::recount_groups(tx).await?;
    let messages = rows.messages.into_iter();
    let messages = messages.map(|row| message::ActiveModel {
        id: Set(ids.message_id(row.id)),
        conversation_id: Set(ids.conversation_id(row.conversation_id)),
        reply_to: Set(row.reply_to.map(|id| ids.message_id(id))),
        ..row.into_active_model()
    });
    insert(tx, messages).await?;
    let reactions = rows.reactions.into_iter();
    let reactions = reactions.map(|row| reaction::ActiveModel {
        message_id: Set(ids.message_id(row.message_id)),
        ..row.into_active_model()
    });
    insert(tx, reactions).await?;
    let receipts = rows.receipts.into_iter();
    let receipts = receipts.map(|row| receipt::ActiveModel {
        id: NotSet,
        conversation_id: Set(ids.conversation_id(row.conversation_id)),
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
    for some in rows.chunks(ROWS_PER_STATEMENT) {
        A::Entity::insert_many(some.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// The real ids of conversations and messages in [`ImportData`].
struct ImportIds {
    conversations: HashMap<ConversationId, ConversationId>,
    /// The difference between the real ids of messages and those in the data.
    messages: i64,
}

impl ImportIds {
    /// Reserves ids for the messages, then inserts the conversations, which
    /// refer to their newest message.
    async fn allocate(tx: &impl ConnectionTrait, rows: &ImportData) -> Result<Self> {
        let count = i64::try_from(rows.messages.len()).unwrap_or(i64::MAX);
        let block = ids::reserve_block(tx, "message", count).await?;
        let mut ids = Self {
            conversations: HashMap::with_capacity(rows.conversations.len()),
            messages: block.start - 1,
        };
        for row in &rows.conversations {
            let new = conversation::ActiveModel {
                id: NotSet,
                last_message_id: Set(row.last_message_id.map(|id| ids.message_id(id))),
                ..row.clone().into_active_model()
            };
            let id = new.insert(tx).await?.id;
            if let Some(title) = &row.title {
                search_terms::replace_title_words(tx, id, title).await?;
            }
            ids.conversations.insert(row.id, id);
        }
        Ok(ids)
    }

    fn message_id(&self, id: MessageId) -> MessageId {
        MessageId(self.messages + id.0)
    }

    /// Returns the real id of a conversation. An unknown id stays, and the
    /// foreign key rejects it.
    fn conversation_id(&self, id: ConversationId) -> ConversationId {
        self.conversations.get(&id).copied().unwrap_or(id)
    }
}
