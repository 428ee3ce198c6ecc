//! What admins look through, and what they do.

use entity::{AuditId, ConversationId, Millis, UserId};
use tidings::protocol::{DisplayName, User, Username};
use tidings::store::{
    Act, AuditFilter, AuditPlace, Called, ConversationOrder, Deed, HouseStanding, Listing,
    NewReset, PeopleOrder, Place, Store, Wanted,
};

use super::flow::NOW;

/// What admins look through, page after page, and what they do.
pub(super) async fn everything(store: &Store, (ann, ben): (UserId, UserId), group: ConversationId) {
    let act = Act::at_the_command_line(NOW);
    looks(store, ann).await;
    store.parts(group, None, 50).await.unwrap();
    store.parts(group, Some(ann), 50).await.unwrap();
    audit(store, ann).await;
    let message = store.conversation(ann, group).await.unwrap().last_message;
    let message = message.unwrap().id;
    store.seq_of(group, message).await.unwrap().unwrap();
    store.has_reported(ann, message).await.unwrap();
    store.reports(true, None, 50).await.unwrap();
    let before = Some(entity::ReportId(9));
    store.reports(false, before, 50).await.unwrap();
    for standing in [HouseStanding::Admin, HouseStanding::Member] {
        store.set_standing(ben, standing, &act).await.unwrap();
        store
            .set_standing(ann, HouseStanding::Admin, &act)
            .await
            .unwrap();
    }
    let names = ("anna", "Anna K");
    let names = (
        Username::parse(names.0).unwrap(),
        DisplayName::parse(names.1).unwrap(),
    );
    store.rename(ann, names, &act).await.unwrap();
    let reset = NewReset {
        token_hash: "hash".to_owned(),
        expires_at: Millis(NOW.0 + 1),
    };
    store.offer_reset(ben, reset, &act).await.unwrap();
    store
        .use_reset("hash", "new".to_owned(), (NOW, String::new()))
        .await
        .unwrap();
    store.revoke_logins(ben, &act).await.unwrap();
    store.deactivate(ben, &act).await.unwrap();
    store.reactivate(ben, &act).await.unwrap();
    let ann = User::from(&store.user(ann).await.unwrap().unwrap());
    store.close_group(group, ann, &act).await.unwrap();
    store.groups_of(ben).await.unwrap();
    let gone = store.delete_user(ben, "deleted-1".to_owned(), &act);
    assert_eq!(gone.await.unwrap().parted.len(), 1);
}

async fn audit(store: &Store, ann: UserId) {
    let by_one = [
        AuditFilter::default(),
        AuditFilter {
            actor: Some(Called::User(ann)),
            ..AuditFilter::default()
        },
        AuditFilter {
            actor: Some(Called::Name("ann".to_owned())),
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
            deed: Some(Deed::Promote),
            ..AuditFilter::default()
        },
        AuditFilter {
            target: Some("user:1".to_owned()),
            ..AuditFilter::default()
        },
    ];
    let place = AuditPlace {
        at: Millis(5),
        id: AuditId(5),
    };
    for filter in &by_one {
        for before in [None, Some(place)] {
            store.audit(filter, before, 50).await.unwrap();
        }
    }
}

fn place() -> Place {
    Place {
        key: "5".to_owned(),
        id: 5,
    }
}

fn listing<O>(order: O, after: &Option<Place>) -> Listing<O> {
    Listing {
        order,
        after: after.clone(),
        limit: 2,
    }
}

async fn looks(store: &Store, ann: UserId) {
    let places = [None, Some(place())];
    for after in &places {
        for order in [
            PeopleOrder::Name,
            PeopleOrder::Newest,
            PeopleOrder::LastSeen,
            PeopleOrder::Online(Wanted::default()),
            PeopleOrder::Admins(Wanted::default()),
            PeopleOrder::SwitchedOff(Wanted::default()),
            PeopleOrder::Online(Wanted::of("an")),
            PeopleOrder::Admins(Wanted::of("an k")),
            PeopleOrder::SwitchedOff(Wanted::of("an")),
            PeopleOrder::Found(Wanted::of("an")),
            PeopleOrder::Found(Wanted::of("an lind")),
        ] {
            store.people(&listing(order, after)).await.unwrap();
        }
        for order in [
            ConversationOrder::Activity,
            ConversationOrder::Size,
            ConversationOrder::Newest,
            ConversationOrder::Of(ann),
            ConversationOrder::Titled(Wanted::of("cr")),
            ConversationOrder::Titled(Wanted::of("the cr")),
        ] {
            store
                .all_conversations(&listing(order, after))
                .await
                .unwrap();
        }
    }
}
