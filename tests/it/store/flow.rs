//! A flow of store calls, as in normal use; tests check its statements.

use std::sync::Arc;

use entity::{ConversationId, LoginId, Millis, NodeId, UserId, receipt, user};
use tidings::protocol::{
    ClientId, ConversationAction, DisplayName, GroupTitle, MemberSettingsPatch, MessageAction,
    MessageText, SubmittedMessage, User, Username,
};
use tidings::store::append::{AppendEntry, ConversationChange};
use tidings::store::{
    ConnectionRequestOutcome, ConversationListCursor, HistoryAnchor, HistoryReader, HistoryWindow,
    NewGroup, NewLogin, NewUser, ReceiptListQuery, Store,
};

use super::admin;

pub(super) const NOW: Millis = Millis(2_000_000_000_000);

/// Runs all actions of two users whose statements are frequent, or for which a
/// user waits.
pub(crate) async fn everything(store: &Store) {
    let (ann, ben) = (person(store, "ann").await, person(store, "ben").await);
    let login = log_in(store, &ann).await;
    store.logins().load(login, NOW).await.unwrap().unwrap();
    store.logins().list_ended_since(NOW).await.unwrap();
    refuse(store, &ann, &ben).await;
    connect(store, &ann, &ben).await;
    let (direct, _) = store
        .conversations()
        .open_direct(ann.id, ben.id, NOW)
        .await
        .unwrap();
    store
        .conversations()
        .open_direct(ben.id, ann.id, NOW)
        .await
        .unwrap();
    store
        .conversations()
        .list_strangers(ann.id, &[ben.id])
        .await
        .unwrap();
    let group = store
        .groups()
        .create(ann.id, crew(&ben), NOW)
        .await
        .unwrap();
    for id in [direct, group] {
        talk(store, id, [&ann, &ben]).await;
        marks(store, id, [&ann, &ben]).await;
        read(store, id, &[ann.id, ben.id]).await;
    }
    presence(store, &[ann.id, ben.id]).await;
    changes(store, group, [&ann, &ben]).await;
    store
        .group_invitations()
        .create(group, ben.id, ann.id, NOW)
        .await
        .unwrap();
    store
        .group_invitations()
        .list(ben.id, None, 1)
        .await
        .unwrap();
    read(store, group, &[ann.id, ben.id]).await;
    lists(store, ann.id).await;
    let mut found = store.logins().load(login, NOW).await.unwrap().unwrap();
    store.logins().touch(&found, NOW).await.unwrap();
    found.id = login;
    store.logins().end(found.id, NOW).await.unwrap();
    admin::everything(store, (ann.id, ben.id), group).await;
}

pub(super) async fn person(store: &Store, name: &str) -> user::Model {
    let username = Username::parse(name).unwrap();
    let new = NewUser {
        username: username.clone(),
        display_name: DisplayName::parse(name).unwrap(),
        password_hash: "none".to_owned(),
        is_admin: false,
    };
    store.users().create(new, NOW).await.unwrap();
    let names = std::slice::from_ref(&username);
    store.users().list_by_name(names).await.unwrap();
    store
        .users()
        .find_by_name(&username)
        .await
        .unwrap()
        .unwrap()
}

async fn log_in(store: &Store, user: &user::Model) -> LoginId {
    let new = NewLogin {
        user,
        device: String::new(),
        address: String::new(),
        replaces: None,
        expires_at: Millis(NOW.0 + 1),
    };
    store.logins().create(new, NOW).await.unwrap().id
}

pub(super) async fn connect(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.connections().request(one, two, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store
        .connections()
        .accept(two, change.caller_view.id)
        .await
        .unwrap();
}

/// Declines a connection request, repeats it and cancels it.
async fn refuse(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.connections().request(two, one, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store
        .connections()
        .decline(one, change.caller_view.id, NOW)
        .await
        .unwrap();
    let asked = store.connections().request(two, one, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    assert!(change.other_view.is_none(), "not delivered");
    store
        .connections()
        .remove(two, change.caller_view.id, NOW)
        .await
        .unwrap();
}

pub(super) fn crew(other: &user::Model) -> NewGroup {
    NewGroup {
        title: GroupTitle::parse("Crew").unwrap(),
        people: [other.id].into(),
        text: "made".to_owned(),
        event: "{}".to_owned(),
    }
}

pub(super) async fn append(
    store: &Store,
    id: ConversationId,
    actor: &user::Model,
    whats: Vec<ConversationAction<Arc<ConversationChange>>>,
) {
    let members_version = store.rooms().load(id).await.unwrap().members_version;
    let batch = whats.into_iter().map(|what| AppendEntry {
        conversation: id,
        members_version,
        verdict: Ok(()),
        actor: User::from(actor),
        action: what,
        may_moderate: true,
        has_others: true,
        has_archived: true,
    });
    let batch: Vec<AppendEntry> = batch.collect();
    store.journal().append_batch(&batch, NOW).await.unwrap();
}

pub(super) fn post(
    name: &str,
    reply_to: Option<entity::MessageId>,
) -> ConversationAction<Arc<ConversationChange>> {
    ConversationAction::Send(Arc::new(SubmittedMessage {
        text: Ok(MessageText::parse("hello").unwrap()),
        client_id: Some(ClientId::parse(name).unwrap()),
        reply_to,
    }))
}

async fn talk(store: &Store, id: ConversationId, people: [&user::Model; 2]) {
    let name = |at: usize| format!("{id}.{at}");
    for (at, person) in people.into_iter().enumerate() {
        append(store, id, person, vec![post(&name(at), None)]).await;
        append(store, id, person, vec![post(&name(at), None)]).await;
    }
    let last = store.conversations().load(people[0].id, id).await.unwrap();
    let last = last.last_message.unwrap().id;
    let archive = ConversationAction::UpdateSettings(MemberSettingsPatch {
        archived: Some(true),
        pinned: Some(true),
        muted_until: Some(None),
    });
    let whats = vec![archive, post(&name(2), Some(last)), post(&name(3), None)];
    append(store, id, people[0], whats).await;
}

/// The second user receives, then reads, the first user's last message; the
/// first requests its receipts.
async fn marks(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let last = store.conversations().load(ann.id, id).await.unwrap();
    let message = last.last_message.unwrap().id;
    for kind in [receipt::ReceiptKind::Delivered, receipt::ReceiptKind::Read] {
        let mark = ConversationAction::mark(kind, message);
        append(store, id, ben, vec![mark]).await;
    }
    let window = HistoryWindow {
        conversation: id,
        after: 0,
        last: i64::MAX - 1,
    };
    let request = ReceiptListQuery {
        message,
        after: None,
        limit: 50,
    };
    let found = store
        .history()
        .list_receipts(ann.id, &window, &request)
        .await
        .unwrap();
    assert!(found.iter().all(|one| one.read), "{found:?}");
}

async fn changes(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let change = |change: ConversationChange| {
        let event = "{}".to_owned();
        vec![ConversationAction::ChangeGroup(Arc::new(
            ConversationChange { event, ..change },
        ))]
    };
    let title = Some("New".to_owned());
    let renamed = change(ConversationChange {
        title,
        ..ConversationChange::default()
    });
    append(store, id, ann, renamed).await;
    let plain = ConversationChange::default;
    let left = ConversationChange {
        left: vec![ben.id],
        ..plain()
    };
    let joined = ConversationChange {
        joined: vec![User::from(ben)],
        ..plain()
    };
    let promoted = ConversationChange {
        roles: [(ben.id, entity::participant::MemberRole::Admin)].into(),
        ..plain()
    };
    for moves in [left, joined, promoted] {
        let is_leave = !moves.left.is_empty();
        let moved = change(ConversationChange {
            needs_connection: Some(ben.id),
            needs_consent: true,
            ..moves
        });
        append(store, id, ann, moved).await;
        if is_leave {
            touched(store, id, [ann, ben]).await;
        }
    }
}

/// The first user edits and deletes a message; the second, a former member,
/// reads the changes.
async fn touched(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let view = HistoryReader::User(ann.id);
    let page = store
        .history()
        .load_page(view, id, HistoryAnchor::After(1), 1)
        .await;
    let message = page.unwrap().unwrap().messages[0].id;
    let edit = MessageAction::Edit(MessageText::parse("changed").unwrap());
    for action in [edit, MessageAction::Delete] {
        let touch = ConversationAction::Act { message, action };
        append(store, id, ann, vec![touch]).await;
    }
    store.replay().load_delta(ben.id, id, 1).await.unwrap();
}

async fn presence(store: &Store, people: &[UserId]) {
    store
        .presence()
        .set_online(NodeId(1), people)
        .await
        .unwrap();
    let gone: Vec<_> = people.iter().map(|user| (*user, NOW)).collect();
    store.presence().set_offline(&gone).await.unwrap();
    store.presence().load_statuses(people).await.unwrap();
    let known = store.presence().load_audience(people).await.unwrap();
    assert_eq!(known.pairs.len(), 2, "each user once, for the other");
    assert_eq!(store.presence().list_rooms(people).await.unwrap().len(), 4);
}

async fn read(store: &Store, id: ConversationId, people: &[UserId]) {
    let me = people[0];
    store.conversations().load_access(me, id).await.unwrap();
    store.rooms().load(id).await.unwrap();
    store.rooms().load_missed_changes(id, 1).await.unwrap();
    store.conversations().load_views(people, id).await.unwrap();
    store.groups().list_members(id, None, 50).await.unwrap();
    store
        .replay()
        .load_conversations(me, &[id], None)
        .await
        .unwrap();
    store
        .replay()
        .load_conversations(me, &[], None)
        .await
        .unwrap();
    super::names::everything(store, me).await;
    store.conversations().list_by_id(me, &[id]).await.unwrap();
    store.replay().load_delta(me, id, 1).await.unwrap();
    let last = store.conversations().load(me, id).await.unwrap().version;
    store
        .replay()
        .load_messages(me, id, &[1, 2, 3], last)
        .await
        .unwrap();
    for request in [
        HistoryAnchor::Latest,
        HistoryAnchor::Before(3),
        HistoryAnchor::After(1),
        HistoryAnchor::Around(2),
    ] {
        for view in [HistoryReader::User(me), HistoryReader::Unrestricted] {
            let page = store.history().load_page(view, id, request, 2).await;
            assert!(!page.unwrap().unwrap().messages.is_empty());
        }
    }
}

async fn lists(store: &Store, me: UserId) {
    let page = store.conversations().list(me, None, 1).await.unwrap();
    let cursor = ConversationListCursor::from(&page.conversations[0]);
    store
        .conversations()
        .list(me, Some(cursor), 1)
        .await
        .unwrap();
    store
        .conversations()
        .find_next(me, cursor.id)
        .await
        .unwrap();
    store.unread().count_total(me, NOW).await.unwrap();
    store.unread().list(me).await.unwrap();
    store.connections().count_pending(me).await.unwrap();
    let found = store.connections().list(me, None, 1).await.unwrap();
    let before = Some(found[0].id);
    store.connections().list(me, before, 1).await.unwrap();
    store.users().find(me).await.unwrap().unwrap();
}
