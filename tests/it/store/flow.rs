//! A little of everything that the store is asked all day.

use std::sync::Arc;

use entity::{ConversationId, LoginId, Millis, UserId, user};
use tidings::protocol::{ClientId, DisplayName, GroupTitle, MessageText, User, Username};
use tidings::store::append::{Append, Change, MemberMove, Post, Settings, What};
use tidings::store::{
    ListCursor, NewGroup, NewLogin, NewUser, PageRequest, RequestOutcome, Store, Window,
};

const NOW: Millis = Millis(2_000_000_000_000);

/// Two people, and what they do; the statements of all of it are hot, or
/// stand on somebody's way.
pub(crate) async fn everything(store: &Store) {
    let (ann, ben) = (person(store, "ann").await, person(store, "ben").await);
    let login = log_in(store, &ann).await;
    store.login(login, NOW).await.unwrap().unwrap();
    store.logins_ended_since(NOW).await.unwrap();
    connect(store, &ann, &ben).await;
    let (direct, _) = store.open_direct(ann.id, ben.id, NOW).await.unwrap();
    store.open_direct(ben.id, ann.id, NOW).await.unwrap();
    let group = store.create_group(ann.id, crew(&ben), NOW).await.unwrap();
    for id in [direct, group] {
        talk(store, id, [&ann, &ben]).await;
        read(store, id, &[ann.id, ben.id]).await;
    }
    changes(store, group, [&ann, &ben]).await;
    read(store, group, &[ann.id, ben.id]).await;
    lists(store, ann.id).await;
    let mut found = store.login(login, NOW).await.unwrap().unwrap();
    store.touch_login(&found, NOW).await.unwrap();
    found.id = login;
    store.end_login(found.id, NOW).await.unwrap();
    store.deactivate(ben.id, NOW).await.unwrap();
}

async fn person(store: &Store, name: &str) -> user::Model {
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
        expires_at: Millis(NOW.0 + 1),
    };
    store.create_login(new, NOW).await.unwrap()
}

async fn connect(store: &Store, one: &user::Model, two: &user::Model) {
    let asked = store.request_connection(one, two, NOW).await.unwrap();
    let RequestOutcome::Requested(change) = asked else {
        panic!("{asked:?}");
    };
    store.accept_connection(two, change.mine.id).await.unwrap();
}

fn crew(other: &user::Model) -> NewGroup {
    NewGroup {
        title: GroupTitle::parse("Crew").unwrap(),
        people: [other.id].into(),
        text: "made".to_owned(),
        event: "{}".to_owned(),
    }
}

async fn append(store: &Store, id: ConversationId, actor: &user::Model, whats: Vec<What>) {
    let members_version = store.room(id).await.unwrap().members_version;
    let batch = whats.into_iter().map(|what| Append {
        conversation: id,
        members_version,
        verdict: Ok(()),
        actor: User::from(actor),
        what,
        audience: 1,
        has_archived: true,
    });
    let batch: Vec<Append> = batch.collect();
    store.append(&batch, NOW).await.unwrap();
}

fn post(name: &str, reply_to: Option<entity::MessageId>) -> What {
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
            moves: vec![moves],
            needs_connection: Some(ben.id),
            ..Change::default()
        });
        append(store, id, ann, moved).await;
    }
}

async fn read(store: &Store, id: ConversationId, people: &[UserId]) {
    let me = people[0];
    store.access(me, id).await.unwrap();
    store.room(id).await.unwrap();
    store.missed(id, 1).await.unwrap();
    store.conversation_for(people, id).await.unwrap();
    store.members(id, None, 50).await.unwrap();
    let window = Window {
        conversation: id,
        first: 0,
        last: i64::MAX - 1,
    };
    for request in [
        PageRequest::Latest,
        PageRequest::Before(3),
        PageRequest::After(1),
        PageRequest::Around(2),
    ] {
        store.history(&window, request, 2).await.unwrap();
    }
}

async fn lists(store: &Store, me: UserId) {
    let page = store.conversations(me, None, 1).await.unwrap();
    let cursor = ListCursor::from(&page[0]);
    store.conversations(me, Some(cursor), 1).await.unwrap();
    store.total_unread(me, NOW).await.unwrap();
    store.pending_connections(me).await.unwrap();
    let found = store.connections(me, None, 1).await.unwrap();
    let before = Some(found[0].id);
    store.connections(me, before, 1).await.unwrap();
    store.user(me).await.unwrap().unwrap();
}
