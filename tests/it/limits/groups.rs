//! Limits on groups: how many a user may create, and how many may add a user
//! without consent.

use tidings::config::RateLimits;

use super::{assert_about, limited, only};
use crate::groups::crew::{friends, invite, leave, make};

#[tokio::test]
async fn new_groups_are_limited_by_creator() {
    let app = limited(RateLimits {
        groups: only(3),
        ..RateLimits::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben"]).await;
    for _ in 0..3 {
        make(&people[0], "Crew", &["ben"]).await.expect(201);
        // A refused group does not count.
        make(&people[0], "", &["ben"])
            .await
            .expect_problem(422, "invalid");
    }
    let refused = make(&people[0], "Crew", &["ben"]).await;
    assert_about(3600, refused.header("retry-after"));
    refused.expect_problem(429, "rate_limited");
    make(&people[1], "Crew", &["ann"]).await.expect(201);
}

#[tokio::test]
async fn unsolicited_groups_are_limited_by_recipient() {
    let app = limited(RateLimits {
        unsolicited_groups: only(2),
        ..RateLimits::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben", "cat", "dan"]).await;
    people[1].connect_with(&people[2]).await;
    let made = make(&people[0], "One", &["ben", "dan"]).await.expect(201);
    let made = made["id"].as_i64().unwrap();
    make(&people[2], "Two", &["ben"]).await.expect(201);
    // No user can add ben to another group, by any request.
    for person in [&people[0], &people[2]] {
        let refused = make(person, "Three", &["ben"]).await;
        assert_about(3600, refused.header("retry-after"));
        refused.expect_problem(429, "rate_limited");
    }
    let other = make(&people[0], "Three", &["cat"]).await.expect(201);
    let other = other["id"].as_i64().unwrap();
    let refused = invite(&people[0], other, "ben").await;
    refused.expect_problem(429, "rate_limited");
    // A refused group does not count for its other members.
    for _ in 0..3 {
        let refused = make(&people[0], "Four", &["dan", "ben"]).await;
        refused.expect_problem(429, "rate_limited");
    }
    invite(&people[0], other, "dan").await.expect(201);
    let refused = make(&people[0], "Five", &["dan"]).await;
    refused.expect_problem(429, "rate_limited");
    // Leaving is not limited.
    assert_eq!(leave(&people[1], made).await.status, 200);
}

#[tokio::test]
async fn groups_of_correspondents_are_unlimited() {
    let app = limited(RateLimits {
        unsolicited_groups: only(1),
        ..RateLimits::off()
    })
    .await;
    let people = friends(&app, &["ann", "ben", "cat"]).await;
    people[2].connect_with(&people[1]).await;
    let talk = people[0].open_direct(&people[1]).await;
    // Only a message by ben counts as contact.
    people[0].send(talk, "Hello?").await.expect(201);
    make(&people[0], "One", &["ben"]).await.expect(201);
    make(&people[0], "Two", &["ben"])
        .await
        .expect_problem(429, "rate_limited");
    people[1].send(talk, "Hello").await.expect(201);
    for _ in 0..5 {
        make(&people[0], "Three", &["ben"]).await.expect(201);
    }
    let refused = make(&people[2], "Four", &["ben"]).await;
    refused.expect_problem(429, "rate_limited");
}
