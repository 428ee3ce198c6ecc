//! Receipt times while rooms grow and shrink. With two members, only the times
//! of watermarks are stored. With up to 100, each member's times are stored;
//! with more, none.

use serde_json::{Value, json};

use super::list::receipts;
use super::{has, has_read};
use crate::groups::crew::{bring_back, friends, invite, leave, make};
use crate::groups::largest_group::fill;
use crate::support::{TestApp, TestUser};

/// Returns when a member received and read a message.
async fn times(sender: &TestUser, message: &Value, name: &str) -> [Value; 2] {
    let list = receipts(sender, message).await.expect(200);
    let mut list = list.as_array().unwrap().iter();
    let one = list.find(|one| one["user"]["username"] == name);
    let one = one.unwrap_or_else(|| panic!("{name} is in"));
    for (flag, at) in [("delivered", "delivered_at"), ("read", "read_at")] {
        assert!(one[at].is_null() || one[flag] == true, "{one}");
    }
    [one["delivered_at"].clone(), one["read_at"].clone()]
}

#[tokio::test]
async fn times_survive_changes_of_size() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben, cas) = (&people[0], &people[1], &people[2]);
    let made = make(ann, "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    // Two members: Ben has received and read the first message.
    let first = ann.send(id, "Tea?").await.expect(201);
    let second = ann.send(id, "Or coffee?").await.expect(201);
    has(ben, &first).await;
    has_read(ben, &first).await;
    has(ben, &second).await;
    let of_first = times(ann, &first, "ben").await;
    let of_second = times(ann, &second, "ben").await;
    assert!(of_first[0].as_str() < of_first[1].as_str());
    assert_eq!(of_second[1], json!(null));
    // Three members: earlier times remain, and new times are stored per member.
    invite(ann, id, "cas").await.expect(201);
    assert_eq!(times(ann, &first, "ben").await, of_first);
    assert_eq!(times(ann, &second, "ben").await, of_second);
    let third = ann.send(id, "Or milk?").await.expect(201);
    has_read(cas, &third).await;
    let of_cas = times(ann, &third, "cas").await;
    assert_eq!(of_cas[0], of_cas[1], "read at once");
    assert_eq!(times(ann, &third, "ben").await, [json!(null), json!(null)]);
    has_read(ben, &second).await;
    let now = times(ann, &second, "ben").await;
    assert_eq!(now[0], of_second[0], "delivered among two");
    assert!(of_cas[1].as_str() < now[1].as_str(), "read among three");
    has(ben, &third).await;
    let of_third = times(ann, &third, "ben").await;
    // Two members again.
    leave(cas, id).await.expect(200);
    assert_eq!(times(ann, &first, "ben").await, of_first);
    assert_eq!(times(ann, &second, "ben").await, now);
    assert_eq!(times(ann, &third, "ben").await, of_third);
    has_read(ben, &third).await;
    let of_third = [
        of_third[0].clone(),
        times(ann, &third, "ben").await[1].clone(),
    ];
    assert!(of_third[0].as_str() < of_third[1].as_str());
    assert_eq!(times(ann, &third, "ben").await, of_third);
    // Three members again; the returning one isn't listed for these messages.
    bring_back(ann, id, cas).await;
    for (message, expected) in [(&first, of_first), (&second, now), (&third, of_third)] {
        assert_eq!(times(ann, message, "ben").await, expected);
        let list = receipts(ann, message).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    }
}

#[tokio::test]
async fn times_are_stored_up_to_100() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "eve"]).await;
    let (ann, ben, eve) = (&people[0], &people[1], &people[2]);
    let made = make(ann, "Crowd", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    fill(&app, id, 98).await;
    let first = ann.send(id, "Tea?").await.expect(201);
    has(ben, &first).await;
    has_read(ben, &first).await;
    let of_first = times(ann, &first, "ben").await;
    assert!(of_first[0].as_str() < of_first[1].as_str());
    invite(ann, id, "eve").await.expect(201);
    let unknown = [json!(null), json!(null)];
    assert_eq!(times(ann, &first, "ben").await, unknown);
    let second = ann.send(id, "Or coffee?").await.expect(201);
    has_read(ben, &second).await;
    let list = receipts(ann, &second).await.expect(200);
    let readers = list.as_array().unwrap().iter();
    assert_eq!(readers.filter(|one| one["read"] == true).count(), 1);
    // Times that were stored are returned again with 100 members; the others
    // stay unknown.
    leave(eve, id).await.expect(200);
    assert_eq!(times(ann, &first, "ben").await, of_first);
    assert_eq!(times(ann, &second, "ben").await, unknown);
    let third = ann.send(id, "Or milk?").await.expect(201);
    has_read(ben, &third).await;
    let [delivered, read] = times(ann, &third, "ben").await;
    assert!(read.is_string() && delivered == read);
}
