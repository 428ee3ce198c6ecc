//! Several sockets of one user, and page changes.

use std::time::Duration;

use super::{statuses_until, with_grace};
use crate::groups::crew::friends;

#[tokio::test]
async fn user_is_offline_without_any_socket() {
    let app = with_grace(Duration::ZERO).await;
    let people = friends(&app, &["ann", "ben", "zoe"]).await;
    let mut watcher = people[0].socket("/ws/").await;
    let zoe = people[2].socket("/ws/").await;
    assert_eq!(statuses_until(&mut watcher, "+zoe").await, ["+zoe"]);
    let one = people[1].socket("/ws/").await;
    let two = people[1].socket("/ws/notifications/").await;
    assert_eq!(statuses_until(&mut watcher, "+ben").await, ["+ben"]);
    drop(one);
    drop(zoe);
    assert_eq!(statuses_until(&mut watcher, "-zoe").await, ["-zoe"]);
    drop(two);
    assert_eq!(statuses_until(&mut watcher, "-ben").await, ["-ben"]);
}

/// A page change closes a socket and opens another. A status for that would
/// arrive before the status of a user who left later.
#[tokio::test]
async fn page_change_sends_no_status() {
    let app = with_grace(Duration::from_secs(3)).await;
    let people = friends(&app, &["ann", "ben", "zoe"]).await;
    let mut watcher = people[0].socket("/ws/").await;
    let page = people[1].socket("/ws/").await;
    assert_eq!(statuses_until(&mut watcher, "+ben").await, ["+ben"]);
    let zoe = people[2].socket("/ws/").await;
    assert_eq!(statuses_until(&mut watcher, "+zoe").await, ["+zoe"]);
    drop(page);
    let page = people[1].socket("/ws/").await;
    drop(zoe);
    assert_eq!(statuses_until(&mut watcher, "-zoe").await, ["-zoe"]);
    drop(page);
    assert_eq!(statuses_until(&mut watcher, "-ben").await, ["-ben"]);
}
