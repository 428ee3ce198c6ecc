//! A flow of store calls, as in normal use; tests check its statements.

use std::sync::Arc;

use entity::{ConversationId, LoginId, Millis, NodeId, UserId, receipt, user};
use tidings::protocol::{ClientId, DisplayName, GroupTitle, MessageText, User, Username};
use tidings::store::append::{
    AppendEntry, AppendOperation, ConversationChange, MarkerUpdate, MemberChange,
    MemberSettingsPatch, MessageEdit, MessageEditKind, MessagePost,
};
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
    store.load_login(login, NOW).await.unwrap().unwrap();
    store.list_logins_ended_since(NOW).await.unwrap();
    refuse(store, &ann, &ben).await;
    connect(store, &ann, &ben).await;
    let (direct, _) = store
        .open_direct_conversation(ann.id, ben.id, NOW)
        .await
        .unwrap();
    store
        .open_direct_conversation(ben.id, ann.id, NOW)
        .await
        .unwrap();
    store.list_strangers(ann.id, &[ben.id]).await.unwrap();
    let group = store.create_group(ann.id, crew(&ben), NOW).await.unwrap();
    for id in [direct, group] {
        talk(store, id, [&ann, &ben]).await;
        marks(store, id, [&ann, &ben]).await;
        read(store, id, &[ann.id, ben.id]).await;
    }
    presence(store, &[ann.id, ben.id]).await;
    changes(store, group, [&ann, &ben]).await;
    let place = (group, ben.id);
    store.invite_to_group(place, ann.id, NOW).await.unwrap();
    store.list_group_invitations(ben.id, None, 1).await.unwrap();
    read(store, group, &[ann.id, ben.id]).await;
    lists(store, ann.id).await;
    let mut found = store.load_login(login, NOW).await.unwrap().unwrap();
    store.touch_login(&found, NOW).await.unwrap();
    found.id = login;
    store.end_login(found.id, NOW).await.unwrap();
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
    store.create_user(new, NOW).await.unwrap();
    let names = std::slice::from_ref(&username);
    store.users_by_name(names).await.unwrap();
    store.user_by_name(&username).await.unwrap().unwrap()
}

async fn log_in(store: &Store, user: &user::Model) -> LoginId {
    let new = NewLogin {
        user,
        device: String::new(),
        address: String::new(),
        replaces: None,
        expires_at: Millis(NOW.0 + 1),
    };
    store.create_login(new, NOW).await.unwrap().id
}

pub(super) async fn connect(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.request_connection(one, two, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store
        .accept_connection(two, change.caller_view.id)
        .await
        .unwrap();
}

/// Declines a connection request, repeats it and cancels it.
async fn refuse(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.request_connection(two, one, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store
        .decline_connection(one, change.caller_view.id, NOW)
        .await
        .unwrap();
    let asked = store.request_connection(two, one, NOW).await.unwrap();
    let ConnectionRequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    assert!(change.other_view.is_none(), "not delivered");
    store
        .remove_connection(two, change.caller_view.id, NOW)
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
    whats: Vec<AppendOperation>,
) {
    let members_version = store.load_room(id).await.unwrap().members_version;
    let batch = whats.into_iter().map(|what| AppendEntry {
        conversation: id,
        members_version,
        verdict: Ok(()),
        actor: User::from(actor),
        operation: what,
        has_others: true,
        has_archived: true,
    });
    let batch: Vec<AppendEntry> = batch.collect();
    store.append_batch(&batch, NOW).await.unwrap();
}

pub(super) fn post(name: &str, reply_to: Option<entity::MessageId>) -> AppendOperation {
    AppendOperation::Post(Arc::new(MessagePost {
        text: MessageText::parse("hello").unwrap(),
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
    let last = store.load_conversation(people[0].id, id).await.unwrap();
    let last = last.last_message.unwrap().id;
    let archive = AppendOperation::Settings(MemberSettingsPatch {
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
    let last = store.load_conversation(ann.id, id).await.unwrap();
    let message = last.last_message.unwrap().id;
    for kind in [receipt::ReceiptKind::Delivered, receipt::ReceiptKind::Read] {
        let mark = AppendOperation::Markers(vec![MarkerUpdate { kind, message }]);
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
        .list_receipts(ann.id, &window, &request)
        .await
        .unwrap();
    assert!(found.iter().all(|one| one.read), "{found:?}");
}

async fn changes(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let change = |change: ConversationChange| {
        let event = "{}".to_owned();
        vec![AppendOperation::Change(Arc::new(ConversationChange {
            event,
            ..change
        }))]
    };
    let title = Some("New".to_owned());
    let renamed = change(ConversationChange {
        title,
        ..ConversationChange::default()
    });
    append(store, id, ann, renamed).await;
    for moves in [
        MemberChange::Leave(ben.id),
        MemberChange::Join(User::from(ben)),
        MemberChange::SetRole(ben.id, entity::participant::MemberRole::Admin),
    ] {
        let moved = change(ConversationChange {
            member_changes: vec![moves.clone()],
            needs_connection: Some(ben.id),
            needs_consent: true,
            ..ConversationChange::default()
        });
        append(store, id, ann, moved).await;
        if matches!(moves, MemberChange::Leave(_)) {
            touched(store, id, [ann, ben]).await;
        }
    }
}

/// The first user edits and deletes a message; the second, a former member,
/// reads the changes.
async fn touched(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let view = HistoryReader::User(ann.id);
    let page = store
        .load_history((view, id), HistoryAnchor::After(1), 1)
        .await;
    let message = page.unwrap().unwrap().messages[0].id;
    let edit = MessageEditKind::Edit(MessageText::parse("changed").unwrap());
    for how in [edit, MessageEditKind::Delete] {
        let touch = MessageEdit {
            message,
            kind: how,
            may_moderate: false,
        };
        append(store, id, ann, vec![AppendOperation::Edit(touch)]).await;
    }
    store.load_conversation_delta(ben.id, id, 1).await.unwrap();
}

async fn presence(store: &Store, people: &[UserId]) {
    store.set_online(NodeId(1), people).await.unwrap();
    let gone: Vec<_> = people.iter().map(|user| (*user, NOW)).collect();
    store.set_offline(&gone).await.unwrap();
    store.load_statuses(people).await.unwrap();
    let known = store.load_presence_audience(people).await.unwrap();
    assert_eq!(known.pairs.len(), 2, "each user once, for the other");
    assert_eq!(store.list_presence_rooms(people).await.unwrap().len(), 4);
}

async fn read(store: &Store, id: ConversationId, people: &[UserId]) {
    let me = people[0];
    store.load_access(me, id).await.unwrap();
    store.load_room(id).await.unwrap();
    store.load_missed_changes(id, 1).await.unwrap();
    store.conversation_views(people, id).await.unwrap();
    store.list_members(id, None, 50).await.unwrap();
    store.load_resume_conversations(me, &[id]).await.unwrap();
    store.load_resume_conversations(me, &[]).await.unwrap();
    super::names::everything(store, me).await;
    store.conversations_by_id(me, &[id]).await.unwrap();
    store.load_conversation_delta(me, id, 1).await.unwrap();
    let last = store.load_conversation(me, id).await.unwrap().version;
    store
        .messages_by_seq((me, id), &[1, 2, 3], last)
        .await
        .unwrap();
    for request in [
        HistoryAnchor::Latest,
        HistoryAnchor::Before(3),
        HistoryAnchor::After(1),
        HistoryAnchor::Around(2),
    ] {
        for view in [HistoryReader::User(me), HistoryReader::Unrestricted] {
            let page = store.load_history((view, id), request, 2).await;
            assert!(!page.unwrap().unwrap().messages.is_empty());
        }
    }
}

async fn lists(store: &Store, me: UserId) {
    let page = store.list_conversations(me, None, 1).await.unwrap();
    let cursor = ConversationListCursor::from(&page.conversations[0]);
    store.list_conversations(me, Some(cursor), 1).await.unwrap();
    store.next_conversation_id(me, cursor.id).await.unwrap();
    store.count_unread(me, NOW).await.unwrap();
    store.list_unread_conversations(me).await.unwrap();
    store.count_pending_requests(me).await.unwrap();
    let found = store.list_connections(me, None, 1).await.unwrap();
    let before = Some(found[0].id);
    store.list_connections(me, before, 1).await.unwrap();
    store.user(me).await.unwrap().unwrap();
}
