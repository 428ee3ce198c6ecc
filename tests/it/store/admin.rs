//! Admin lists and admin actions.

use entity::{AuditId, ConversationId, Millis, UserId};
use tidings::protocol::{DisplayName, User, Username};
use tidings::store::{
    AccountRole, AdminListCursor, AdminListQuery, AuditAction, AuditActorFilter, AuditContext,
    AuditCursor, AuditFilter, ConversationOrder, NewPasswordReset, SearchTerms, Store,
    UserListOrder,
};

use super::flow::NOW;

/// Runs the admin lists, page by page, and the admin actions.
pub(super) async fn everything(store: &Store, (ann, ben): (UserId, UserId), group: ConversationId) {
    let act = AuditContext::from_command_line(NOW);
    let (accounts, moderation) = (store.accounts(), store.moderation());
    lists(store, ann).await;
    moderation.list_participants(group, None, 50).await.unwrap();
    moderation
        .list_participants(group, Some(ann), 50)
        .await
        .unwrap();
    audit(store, ann).await;
    let conversation = store.conversations().load(ann, group).await.unwrap();
    let message = conversation.last_message.unwrap().id;
    moderation
        .load_message_seq(group, message)
        .await
        .unwrap()
        .unwrap();
    let reports = store.reports();
    reports.has_reported(ann, message).await.unwrap();
    reports.list(true, None, 50).await.unwrap();
    let before = Some(entity::ReportId(9));
    reports.list(false, before, 50).await.unwrap();
    for standing in [AccountRole::Admin, AccountRole::Member] {
        accounts.set_role(ben, standing, &act).await.unwrap();
        accounts
            .set_role(ann, AccountRole::Admin, &act)
            .await
            .unwrap();
    }
    let username = Username::parse("anna").unwrap();
    let display_name = DisplayName::parse("Anna K").unwrap();
    let renamed = accounts.rename(ann, username, display_name, &act);
    renamed.await.unwrap();
    let reset = NewPasswordReset {
        token_hash: "hash".to_owned(),
        expires_at: Millis(NOW.0 + 1),
    };
    accounts
        .create_password_reset(ben, reset, &act)
        .await
        .unwrap();
    accounts
        .consume_password_reset("hash", "new".to_owned(), NOW, String::new())
        .await
        .unwrap();
    accounts.revoke_logins(ben, &act).await.unwrap();
    accounts.deactivate(ben, &act).await.unwrap();
    accounts.reactivate(ben, &act).await.unwrap();
    let ann = User::from(&store.users().find(ann).await.unwrap().unwrap());
    moderation.close_group(group, ann, &act).await.unwrap();
    accounts.list_group_ids(ben).await.unwrap();
    let gone = accounts.delete(ben, "deleted-1".to_owned(), &act);
    assert_eq!(gone.await.unwrap().connection_changes.len(), 1);
}

async fn audit(store: &Store, ann: UserId) {
    let by_one = [
        AuditFilter::default(),
        AuditFilter {
            actor: Some(AuditActorFilter::User(ann)),
            ..AuditFilter::default()
        },
        AuditFilter {
            actor: Some(AuditActorFilter::Name("ann".to_owned())),
            ..AuditFilter::default()
        },
        AuditFilter {
            target_name: Some("ann".to_owned()),
            ..AuditFilter::default()
        },
        AuditFilter {
            from: Some(Millis(1)),
            until: Some(NOW),
            ..AuditFilter::default()
        },
        AuditFilter {
            action: Some(AuditAction::Promote),
            ..AuditFilter::default()
        },
        AuditFilter {
            target: Some("user:1".to_owned()),
            ..AuditFilter::default()
        },
    ];
    let place = AuditCursor {
        at: Millis(5),
        id: AuditId(5),
    };
    for filter in &by_one {
        for before in [None, Some(place)] {
            store.audit().load_page(filter, before, 50).await.unwrap();
        }
    }
}

fn place() -> AdminListCursor {
    AdminListCursor {
        key: "5".to_owned(),
        id: 5,
    }
}

fn listing<O>(order: O, after: &Option<AdminListCursor>) -> AdminListQuery<O> {
    AdminListQuery {
        order,
        after: after.clone(),
        limit: 2,
    }
}

async fn lists(store: &Store, ann: UserId) {
    let places = [None, Some(place())];
    for after in &places {
        for order in [
            UserListOrder::Name,
            UserListOrder::Newest,
            UserListOrder::LastSeen,
            UserListOrder::Online(SearchTerms::default()),
            UserListOrder::Admins(SearchTerms::default()),
            UserListOrder::Deactivated(SearchTerms::default()),
            UserListOrder::Online(SearchTerms::parse("an")),
            UserListOrder::Admins(SearchTerms::parse("an k")),
            UserListOrder::Deactivated(SearchTerms::parse("an")),
            UserListOrder::Search(SearchTerms::parse("an")),
            UserListOrder::Search(SearchTerms::parse("an lind")),
        ] {
            store.accounts().list(&listing(order, after)).await.unwrap();
        }
        for order in [
            ConversationOrder::Activity,
            ConversationOrder::Size,
            ConversationOrder::Newest,
            ConversationOrder::OfUser(ann),
            ConversationOrder::TitleSearch(SearchTerms::parse("cr")),
            ConversationOrder::TitleSearch(SearchTerms::parse("the cr")),
        ] {
            store
                .moderation()
                .list_conversations(&listing(order, after))
                .await
                .unwrap();
        }
    }
}
