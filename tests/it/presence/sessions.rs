//! Several sockets of one person, and changes of page.

use std::time::Duration;

use super::{heard_until, with_grace};
use crate::groups::crew::friends;

#[tokio::test]
async fn only_the_last_socket_takes_somebody_offline() {
    let app = with_grace(Duration::ZERO).await;
    let people = friends(&app, &["ann", "ben", "zoe"]).await;
    let mut watcher = people[0].socket("/ws/").await;
    let zoe = people[2].socket("/ws/").await;
    assert_eq!(heard_until(&mut watcher, "+zoe").await, ["+zoe"]);
    let one = people[1].socket("/ws/").await;
    let two = people[1].socket("/ws/notifications/").await;
    assert_eq!(heard_until(&mut watcher, "+ben").await, ["+ben"]);
    drop(one);
    drop(zoe);
    assert_eq!(heard_until(&mut watcher, "-zoe").await, ["-zoe"]);
    drop(two);
    assert_eq!(heard_until(&mut watcher, "-ben").await, ["-ben"]);
}

/// Who changes the page leaves first and comes back after: had that been told
/// at all, it would stand before the going of somebody who left later.
#[tokio::test]
async fn a_change_of_page_tells_nothing() {
    let app = with_grace(Duration::from_secs(3)).await;
    let people = friends(&app, &["ann", "ben", "zoe"]).await;
    let mut watcher = people[0].socket("/ws/").await;
    let page = people[1].socket("/ws/").await;
    assert_eq!(heard_until(&mut watcher, "+ben").await, ["+ben"]);
    let zoe = people[2].socket("/ws/").await;
    assert_eq!(heard_until(&mut watcher, "+zoe").await, ["+zoe"]);
    drop(page);
    let page = people[1].socket("/ws/").await;
    drop(zoe);
    assert_eq!(heard_until(&mut watcher, "-zoe").await, ["-zoe"]);
    drop(page);
    assert_eq!(heard_until(&mut watcher, "-ben").await, ["-ben"]);
}
