//! The state and markup that a page contains for its script.

use serde_json::Value;

use super::messages::at_the_list;
use crate::support::TestApp;

/// Returns the content of a template of the page.
fn template<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<template id=\"{id}\">")).unwrap();
    rest.split_once("</template>").unwrap().0
}

fn state(page: &str) -> Value {
    let text = template(page, "state");
    assert!(!text.contains('<'), "text that could be markup: {text}");
    let text = text.replace("&#34;", "\"").replace("&#39;", "'");
    let text = text.replace("&#60;", "<").replace("&#62;", ">");
    serde_json::from_str(&text.replace("&#38;", "&")).unwrap()
}

#[tokio::test]
async fn state_for_script_matches_page() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ben.send(id, "</template><script>alert(1)</script>")
        .await
        .expect(201);
    let (mut browser, list) = at_the_list(&app, "ann").await;
    list.check_page();
    let listed = state(&list.source);
    assert_eq!(listed["me"]["username"], "ann");
    assert_eq!(
        (&listed["total_unread"], &listed["open"]),
        (&1.into(), &Value::Null)
    );
    assert_eq!(listed["conversations"][0]["id"], id);
    assert_eq!(
        listed["conversations"][0]["participants"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let open = browser.get(&format!("/messages?conversation={id}")).await;
    let open = open.expect(200);
    open.check_page();
    let opened = state(&open.source);
    assert_eq!(opened["open"]["conversation"]["id"], id);
    assert_eq!(opened["open"]["messages"].as_array().unwrap().len(), 2);
    assert_eq!(opened["open"]["has_older"], false);
    assert_eq!(opened["open"]["them"]["connection"], "connected");
}

#[tokio::test]
async fn templates_hold_message_and_row_markup() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let (_, list) = at_the_list(&app, "ann").await;
    let messages = template(&list.source, "messages");
    for part in [
        "class=\"bubble\"",
        "class=\"quote ",
        "class=\"reactions\"",
        "class=\"ticks\"",
        "edited",
    ] {
        assert_eq!(messages.matches(part).count(), 1, "{part}");
    }
    let row = template(&list.source, "row");
    for part in [
        "class=\"badge ",
        "class=\"lead\"",
        "Pinned",
        "Muted",
        "Online",
        "class=\"ticks\"",
    ] {
        assert!(row.contains(part), "{part}");
    }
    assert!(template(&list.source, "thread").contains("<textarea"));
}

#[tokio::test]
async fn page_has_one_cached_script() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let (mut browser, list) = at_the_list(&app, "ann").await;
    let mut modules = list.source.split("<script type=\"module\" src=\"").skip(1);
    let main = modules.next().unwrap().split('"').next().unwrap();
    assert_eq!(modules.count(), 0, "the modules are joined");
    let got = browser.get(main).await.expect(200);
    assert_eq!(got.header("content-type"), Some("text/javascript"));
    let immutable = Some("public, max-age=31536000, immutable");
    assert_eq!(got.header("cache-control"), immutable);
    for line in got.source.lines() {
        assert!(!line.starts_with("import "), "{line}");
        assert!(!line.starts_with(' '), "{line}");
    }
    // A page from an older version gets the current file.
    let (_, path) = main.trim_start_matches("/static/").split_once('/').unwrap();
    let old = browser
        .get(&format!("/static/0123456789abcdef/{path}"))
        .await;
    assert_eq!(old.expect(200).header("cache-control"), Some("no-cache"));
}
