//! The pictures of the README: of the world that `tidings demo` makes.
//!
//! `UPDATE_SCREENSHOTS=1 cargo test --test it pictures` takes them anew. They
//! show times, so no two are the same: they aren't compared, but taken each
//! time, and what they show is looked at as every page is.

use std::path::Path;

use serde_json::json;

use crate::demo;
use crate::support::Person;
use crate::support::browser::{Browsers, Screen, Tab};

/// What one of them may weigh.
const HEAVY: usize = 150_000;

const WIDE: Screen = Screen {
    width: 1_080,
    height: 675,
};
const NARROW: Screen = Screen {
    width: 360,
    height: 720,
};

#[tokio::test]
async fn the_demo_looks_well_and_its_pictures_are_small() {
    let (app, me) = demo::filled().await;
    let browsers = Browsers::start().await;
    let id = a_lively_group(&me).await;
    let tab = browsers.open(app.site(), WIDE).await;
    tab.log_in_as(&me).await;
    let locale = json!({ "locale": "en-GB" });
    tab.devtools("Emulation.setLocaleOverride", locale).await;
    tab.prefers("prefers-color-scheme", "light").await;
    tab.open_conversation(id).await;
    taken(&tab, "light").await;
    tab.prefers("prefers-color-scheme", "dark").await;
    taken(&tab, "dark").await;
    tab.prefers("prefers-color-scheme", "light").await;
    tab.size(NARROW).await;
    taken(&tab, "phone").await;
    tab.goto("/messages").await;
    tab.see(".row[data-id]").await;
    taken(&tab, "phone-list").await;
}

/// The newest group in which everything is read.
async fn a_lively_group(me: &Person) -> i64 {
    let list = me.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap().iter();
    let mut groups = list.filter(|it| it["kind"] == "group" && it["unread_count"] == 0);
    groups.next().unwrap()["id"].as_i64().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether to keep the pictures is no setting of the server's"
)]
async fn taken(tab: &Tab, name: &str) {
    tab.assert_good().await;
    let picture = tab.picture().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.png"));
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        std::fs::write(&path, &picture).unwrap();
    }
    let shown = std::fs::read(&path).unwrap();
    assert!(shown.len() < HEAVY, "{name}: {} bytes", shown.len());
    // The width and height in a PNG's head.
    assert_eq!(shown[..24], picture[..24], "{name} is of this size");
}
