//! A little of everything that the store is asked all day.

use std::sync::Arc;

use entity::{ConversationId, LoginId, Millis, NodeId, UserId, receipt, user};
use tidings::protocol::{ClientId, DisplayName, GroupTitle, MessageText, User, Username};
use tidings::store::append::{Append, Change, How, Mark, MemberMove, Post, Settings, Touch, What};
use tidings::store::{
    ListCursor, NewGroup, NewLogin, NewUser, PageRequest, ReceiptsRequest, RequestOutcome, Store,
    View, Window,
};

use super::house;

pub(super) const NOW: Millis = Millis(2_000_000_000_000);

/// Two people, and what they do; the statements of all of it are hot, or
/// stand on somebody's way.
pub(crate) async fn everything(store: &Store) {
    let (ann, ben) = (person(store, "ann").await, person(store, "ben").await);
    let login = log_in(store, &ann).await;
    store.login(login, NOW).await.unwrap().unwrap();
    store.logins_ended_since(NOW).await.unwrap();
    refuse(store, &ann, &ben).await;
    connect(store, &ann, &ben).await;
    let (direct, _) = store.open_direct(ann.id, ben.id, NOW).await.unwrap();
    store.open_direct(ben.id, ann.id, NOW).await.unwrap();
    store.strangers_of(ann.id, &[ben.id]).await.unwrap();
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
    store.group_invitations(ben.id, None, 1).await.unwrap();
    read(store, group, &[ann.id, ben.id]).await;
    lists(store, ann.id).await;
    let mut found = store.login(login, NOW).await.unwrap().unwrap();
    store.touch_login(&found, NOW).await.unwrap();
    found.id = login;
    store.end_login(found.id, NOW).await.unwrap();
    house::everything(store, (ann.id, ben.id), group).await;
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
    store.users_named(names).await.unwrap();
    store.user_named(&username).await.unwrap().unwrap()
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
    let RequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store.accept_connection(two, change.mine.id).await.unwrap();
}

/// A request that is declined, repeated and withdrawn.
async fn refuse(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.request_connection(two, one, NOW).await.unwrap();
    let RequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store
        .decline_connection(one, change.mine.id, NOW)
        .await
        .unwrap();
    let asked = store.request_connection(two, one, NOW).await.unwrap();
    let RequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    assert!(change.theirs.is_none(), "not delivered");
    store
        .remove_connection(two, change.mine.id, NOW)
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
    whats: Vec<What>,
) {
    let members_version = store.room(id).await.unwrap().members_version;
    let batch = whats.into_iter().map(|what| Append {
        conversation: id,
        members_version,
        verdict: Ok(()),
        actor: User::from(actor),
        what,
        has_others: true,
        has_archived: true,
    });
    let batch: Vec<Append> = batch.collect();
    store.append(&batch, NOW).await.unwrap();
}

pub(super) fn post(name: &str, reply_to: Option<entity::MessageId>) -> What {
    What::Post(Arc::new(Post {
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
    let last = store.conversation(people[0].id, id).await.unwrap();
    let last = last.last_message.unwrap().id;
    let archive = What::Settings(Settings {
        archived: Some(true),
        pinned: Some(true),
        muted_until: Some(None),
    });
    let whats = vec![archive, post(&name(2), Some(last)), post(&name(3), None)];
    append(store, id, people[0], whats).await;
}

/// The second of them has, and then has read, what the first said last; the
/// first asks how far it is.
async fn marks(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let last = store.conversation(ann.id, id).await.unwrap();
    let message = last.last_message.unwrap().id;
    for kind in [receipt::Kind::Delivered, receipt::Kind::Read] {
        let mark = What::Mark(vec![Mark { kind, message }]);
        append(store, id, ben, vec![mark]).await;
    }
    let window = Window {
        conversation: id,
        first: 0,
        last: i64::MAX - 1,
    };
    let request = ReceiptsRequest {
        message,
        after: None,
        limit: 50,
    };
    let found = store.receipts(ann.id, &window, &request).await.unwrap();
    assert!(found.iter().all(|one| one.read), "{found:?}");
}

async fn changes(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let change = |change: Change| {
        let event = "{}".to_owned();
        vec![What::Change(Arc::new(Change { event, ..change }))]
    };
    let title = Some("New".to_owned());
    let renamed = change(Change {
        title,
        ..Change::default()
    });
    append(store, id, ann, renamed).await;
    for moves in [
        MemberMove::Leave(ben.id),
        MemberMove::Join(User::from(ben)),
        MemberMove::Become(ben.id, entity::participant::Role::Admin),
    ] {
        let moved = change(Change {
            moves: vec![moves.clone()],
            needs_connection: Some(ben.id),
            needs_consent: true,
            ..Change::default()
        });
        append(store, id, ann, moved).await;
        if matches!(moves, MemberMove::Leave(_)) {
            touched(store, id, [ann, ben]).await;
        }
    }
}

/// The first of them edits and deletes what she said, and the second reads it,
/// who left.
async fn touched(store: &Store, id: ConversationId, [ann, ben]: [&user::Model; 2]) {
    let view = View::Of(ann.id);
    let page = store.history((view, id), PageRequest::After(1), 1).await;
    let message = page.unwrap().unwrap().messages[0].id;
    let edit = How::Edit(MessageText::parse("changed").unwrap());
    for how in [edit, How::Withdraw] {
        let touch = Touch {
            message,
            how,
            may_moderate: false,
        };
        append(store, id, ann, vec![What::Touch(touch)]).await;
    }
    store.round(ben.id, id, 1).await.unwrap();
}

async fn presence(store: &Store, people: &[UserId]) {
    store.set_online(NodeId(1), people).await.unwrap();
    let gone: Vec<_> = people.iter().map(|user| (*user, NOW)).collect();
    store.set_offline(&gone).await.unwrap();
    store.statuses(people).await.unwrap();
    let known = store.acquaintances(people).await.unwrap();
    assert_eq!(known.pairs.len(), 2, "each of the other, once");
    assert_eq!(store.rooms_of(people).await.unwrap().len(), 4);
}

async fn read(store: &Store, id: ConversationId, people: &[UserId]) {
    let me = people[0];
    store.access(me, id).await.unwrap();
    store.room(id).await.unwrap();
    store.missed(id, 1).await.unwrap();
    store.conversation_for(people, id).await.unwrap();
    store.members(id, None, 50).await.unwrap();
    store.standings(me, &[id]).await.unwrap();
    store.standings(me, &[]).await.unwrap();
    super::names::everything(store, me).await;
    store.conversations_of(me, &[id]).await.unwrap();
    store.round(me, id, 1).await.unwrap();
    let last = store.conversation(me, id).await.unwrap().version;
    store.messages_at((me, id), &[1, 2, 3], last).await.unwrap();
    for request in [
        PageRequest::Latest,
        PageRequest::Before(3),
        PageRequest::After(1),
        PageRequest::Around(2),
    ] {
        for view in [View::Of(me), View::Whole] {
            let page = store.history((view, id), request, 2).await;
            assert!(!page.unwrap().unwrap().messages.is_empty());
        }
    }
}

async fn lists(store: &Store, me: UserId) {
    let page = store.conversations(me, None, 1).await.unwrap();
    let cursor = ListCursor::from(&page.conversations[0]);
    store.conversations(me, Some(cursor), 1).await.unwrap();
    store.conversation_after(me, cursor.id).await.unwrap();
    store.total_unread(me, NOW).await.unwrap();
    store.waiting(me).await.unwrap();
    store.pending_connections(me).await.unwrap();
    let found = store.connections(me, None, 1).await.unwrap();
    let before = Some(found[0].id);
    store.connections(me, before, 1).await.unwrap();
    store.user(me).await.unwrap().unwrap();
}
