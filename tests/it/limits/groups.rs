//! Of groups: how many a user makes, and how many are put on a user.

use tidings::config::Rates;

use super::{assert_about, limited, only};
use crate::groups::crew::{friends, invite, leave, make};

#[tokio::test]
async fn new_groups_are_limited_by_creator() {
    let app = limited(Rates {
        groups: only(3),
        ..Rates::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben"]).await;
    for _ in 0..3 {
        make(&people[0], "Crew", &["ben"]).await.expect(201);
        // A refused group does not count.
        make(&people[0], "", &["ben"]).await.refused(422, "invalid");
    }
    let refused = make(&people[0], "Crew", &["ben"]).await;
    assert_about(3600, refused.header("retry-after"));
    refused.refused(429, "rate_limited");
    make(&people[1], "Crew", &["ann"]).await.expect(201);
}

#[tokio::test]
async fn unsolicited_groups_are_limited_by_recipient() {
    let app = limited(Rates {
        unsolicited_groups: only(2),
        ..Rates::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben", "cat", "dan"]).await;
    people[1].connect_with(&people[2]).await;
    let made = make(&people[0], "One", &["ben", "dan"]).await.expect(201);
    let made = made["id"].as_i64().unwrap();
    make(&people[2], "Two", &["ben"]).await.expect(201);
    // Now none more is put on ben, on no way and by nobody.
    for person in [&people[0], &people[2]] {
        let refused = make(person, "Three", &["ben"]).await;
        assert_about(3600, refused.header("retry-after"));
        refused.refused(429, "rate_limited");
    }
    let other = make(&people[0], "Three", &["cat"]).await.expect(201);
    let other = other["id"].as_i64().unwrap();
    let refused = invite(&people[0], other, "ben").await;
    refused.refused(429, "rate_limited");
    // Nothing of a refused group counts against the others in it.
    for _ in 0..3 {
        let refused = make(&people[0], "Four", &["dan", "ben"]).await;
        refused.refused(429, "rate_limited");
    }
    invite(&people[0], other, "dan").await.expect(201);
    let refused = make(&people[0], "Five", &["dan"]).await;
    refused.refused(429, "rate_limited");
    // Who is in it already is refused for that, which does not count either.
    assert_eq!(leave(&people[1], made).await.status, 200);
}

#[tokio::test]
async fn groups_of_correspondents_are_unlimited() {
    let app = limited(Rates {
        unsolicited_groups: only(1),
        ..Rates::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben", "cat"]).await;
    people[2].connect_with(&people[1]).await;
    let talk = people[0].direct_with(&people[1]).await;
    // Only what ben writes counts as contact.
    people[0].send(talk, "Hello?").await.expect(201);
    make(&people[0], "One", &["ben"]).await.expect(201);
    make(&people[0], "Two", &["ben"])
        .await
        .refused(429, "rate_limited");
    people[1].send(talk, "Hello").await.expect(201);
    for _ in 0..5 {
        make(&people[0], "Three", &["ben"]).await.expect(201);
    }
    let refused = make(&people[2], "Four", &["ben"]).await;
    refused.refused(429, "rate_limited");
}
