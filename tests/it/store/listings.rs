//! Each order in which admins list users and conversations.

use entity::UserId;
use tidings::store::{ConversationOrder, Listing, PeopleOrder, Place, Store, Wanted};

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

/// Reads a first and a later page in each order.
pub(super) async fn all(store: &Store, ann: UserId) {
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
