//! Text of users is shown as it was written in every field and has no other
//! effect.

use entity::{Millis, UserId};
use serde_json::{Value, json};
use tidings::store::{AccountRole, AuditContext};

use crate::groups::crew::patch;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, ESCAPE};
use crate::support::{PASSWORD, TestApp, TestUser};

/// Each payload would run or load something in a page that doesn't escape it.
/// All payloads are short enough for a name.
const PAYLOADS: [&str; 16] = [
    "<script>window.hurt=1</script>",
    "<img src=x onerror=window.hurt=2>",
    "\"><svg onload=window.hurt=3>",
    "'\" autofocus onfocus=window.hurt=4 x='",
    "</textarea><script>window.hurt=5</script>",
    "</title><img src=x onerror=hurt=6>",
    "</template><img src=x onerror=hurt=7>",
    "javascript:window.hurt=8",
    "https://x.example/\"onclick=\"hurt=9",
    "<!--<img src=--><img onerror=hurt=10 src>",
    "{{constructor.constructor('hurt=11')()}}",
    "${window.hurt=12} `${hurt=13}`",
    "&lt;b&gt; &#60;b&#62; &amp;amp;",
    "<a href=javascript:hurt=14>here</a>",
    "]]><!DOCTYPE html><base href=//x.example/>",
    "<iframe srcdoc='<script>parent.hurt=15</script>'>",
];

/// Checks that no payload ran or became an element, and that the browser logged
/// no error. A blocked request would be logged: the page tried to load
/// something.
async fn assert_unhurt(tab: &BrowserTab, what: &str) {
    let found = tab
        .script(
            "return {
                hurt: window.hurt ?? null,
                odd: [...document.querySelectorAll(
                    'img, iframe, base, object, embed, script:not([src]), a[href^=\"javascript\" i]')]
                    .map((it) => it.outerHTML.slice(0, 200)),
                handlers: [...document.querySelectorAll('*')].flatMap((it) => [...it.attributes])
                    .map(({ name }) => name).filter((name) => name.startsWith('on')),
            }",
            &[],
        )
        .await;
    let nothing = json!({ "hurt": null, "odd": [], "handlers": [] });
    assert_eq!(found, nothing, "{what}");
    tab.assert_no_console_errors().await;
}

async fn name(person: &TestUser, payload: &str) {
    let body = json!({ "display_name": payload, "about": payload });
    patch(person, "/api/me/", body).await.expect(200);
}

/// Logs in with `device` as the User-Agent.
async fn log_in_with(app: &TestApp, username: &str, device: &str) {
    let body = json!({ "username": username, "password": PASSWORD });
    let request = app
        .site()
        .request(reqwest::Method::POST, "/api/auth/login/");
    let request = request.header("user-agent", device).json(&body);
    app.site().send(request).await.expect(200);
}

#[tokio::test]
async fn user_text_never_becomes_markup() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let direct = ben.open_direct_used(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for payload in PAYLOADS {
        name(&ben, payload).await;
        let group = json!({ "title": payload, "usernames": ["ann"] });
        let made = ben.post("/api/conversations/create/", group).await;
        let group = made.expect(201)["id"].as_i64().unwrap();
        let first = said(&ben, group, json!({ "text": payload })).await;
        // Rendered by the server.
        tab.open_conversation(group).await;
        tab.see_message(payload).await;
        tab.see_text("main h1", payload).await;
        tab.see_text(".row-name", payload).await;
        assert_unhurt(&tab, payload).await;
        // Rendered by the script, when frames arrive.
        let live = json!({ "text": format!("{payload} live"), "reply_to": first });
        let second = said(&ben, group, live).await;
        tab.see_message(&format!("{payload} live")).await;
        react(&ben, group, second).await;
        tab.see(".reactions li").await;
        let renamed = format!("{payload}!");
        let path = format!("/api/conversations/{group}/");
        patch(&ben, &path, json!({ "title": renamed }))
            .await
            .expect(200);
        tab.see_text("main h1", &renamed).await;
        assert_unhurt(&tab, payload).await;
        beside_the_history(&tab, (&ben, group), payload).await;
    }
    pages(&app, (&ann, &ben), &tab).await;
    admin_pages(&app, &browsers, &ben).await;
    tab.open_conversation(direct).await;
    // Rendered by the script, for messages written in this page.
    for payload in PAYLOADS {
        tab.send_text(payload).await;
        tab.see_message(payload).await;
    }
    assert_unhurt(&tab, "messages written in this page").await;
    tab.close().await;
}

/// Checks the typing hint, the members, the search results and the error of a
/// failed search.
async fn beside_the_history(tab: &BrowserTab, (ben, group): (&TestUser, i64), payload: &str) {
    let mut socket = ben.chat_socket(group).await;
    socket
        .send(json!({ "type": "typing", "is_typing": true }))
        .await;
    tab.see_text(".bar-name .hint", "typing…").await;
    assert_unhurt(tab, payload).await;
    socket
        .send(json!({ "type": "typing", "is_typing": false }))
        .await;
    tab.click("[data-act=about]").await;
    tab.see_text(".panel", payload).await;
    assert_unhurt(tab, payload).await;
    tab.press(ESCAPE).await;
    for sought in ["ben", payload] {
        tab.type_into("#seek", sought).await;
        tab.see_text(".found", payload).await;
        assert_unhurt(tab, payload).await;
        tab.press(ESCAPE).await;
    }
    // A toast shows any refusal as text.
    let say = "return (async (text) => {
        const { modules } = await import(document.querySelector('script[type=module]').src);
        const { say, tellListeners } = modules['view/toast.js'];
        say(text);
        tellListeners(text);
        const said = [...document.querySelectorAll('.toast, .unseen p')];
        return said.filter((it) => it.textContent === text).length;
    })(arguments[0])";
    let shown = tab.script(say, &[json!(payload)]).await;
    assert!(shown.as_u64() >= Some(2), "{payload}: {shown}");
    assert_unhurt(tab, payload).await;
}

/// Checks the admin pages with hostile names, titles and reasons.
async fn admin_pages(app: &TestApp, browsers: &BrowserDriver, ben: &TestUser) {
    let root = crate::admin::admin(app, "root").await;
    let tab = browsers.open_as(&root, DESKTOP).await;
    let store = app.store().await;
    for payload in PAYLOADS {
        name(ben, payload).await;
        let act = AuditContext {
            reason: Some(payload.to_owned()),
            address: payload.to_owned(),
            ..AuditContext::from_command_line(Millis::now())
        };
        let id = UserId(ben.id);
        for standing in [AccountRole::Admin, AccountRole::Member] {
            store.accounts().set_role(id, standing, &act).await.unwrap();
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("q", payload)
            .append_pair("key", payload)
            .append_pair("token", payload)
            .finish();
        for page in [
            "/admin/users",
            &format!("/admin/users/{}", ben.id),
            &format!("/admin/users/{}/rename", ben.id),
            "/admin/conversations",
            "/admin/audit",
        ] {
            tab.goto(&format!("{page}?{query}")).await;
            assert_unhurt(&tab, payload).await;
        }
        // The link doesn't exist, so the browser logs a 404.
        tab.goto(&format!("/reset?{query}")).await;
        let complaints = tab.console_errors().await;
        assert!(
            complaints.iter().all(|it| it.contains("404")),
            "{complaints:?}"
        );
        assert_unhurt(&tab, payload).await;
        tab.goto("/admin/audit").await;
        tab.see_text("main", payload).await;
        tab.goto(&format!("/admin/users/{}", ben.id)).await;
        tab.see_text("main", payload).await;
    }
    tab.goto("/admin/conversations").await;
    let titles = tab.texts("main").await.concat();
    assert!(PAYLOADS.iter().any(|payload| titles.contains(payload)));
    store.close().await;
    tab.close().await;
}

async fn said(person: &TestUser, id: i64, body: Value) -> i64 {
    let path = format!("/api/conversations/{id}/messages/");
    let sent = person.post(&path, body).await.expect(201);
    sent["id"].as_i64().unwrap()
}

/// Adds an emoji as a reaction, and checks that the server refuses other text.
async fn react(person: &TestUser, id: i64, message: i64) {
    let path =
        |emoji: &str| format!("/api/conversations/{id}/messages/{message}/reactions/{emoji}/");
    let put = async |emoji: &str| {
        let request = person.site.request(reqwest::Method::PUT, &path(emoji));
        let request = request.bearer_auth(&person.token).json(&json!({}));
        person.site.send(request).await
    };
    put("%3Cscript%3E").await.expect_problem(422, "invalid");
    put("%F0%9F%91%8D").await.expect(200);
}

/// Checks the pages outside the messenger.
async fn pages(app: &TestApp, (ann, ben): (&TestUser, &TestUser), tab: &BrowserTab) {
    for payload in PAYLOADS {
        name(ben, payload).await;
        name(ann, payload).await;
        log_in_with(app, "ann", payload).await;
        tab.goto("/profile/ben").await;
        tab.see_text("h1", payload).await;
        tab.see_text(".about-them", payload).await;
        assert_unhurt(tab, payload).await;
        tab.goto("/settings").await;
        let shown = tab
            .script(
                "return [document.querySelector('[name=display_name]').value,
                    document.querySelector('[name=about]').value,
                    document.body.innerText.includes(arguments[0])]",
                &[json!(payload)],
            )
            .await;
        assert_eq!(shown, json!([payload, payload, true]));
        assert_unhurt(tab, payload).await;
    }
    // Checks the query parameters that pages repeat in their forms and links.
    for payload in PAYLOADS {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", payload)
            .append_pair("invite", payload)
            .append_pair("q", payload)
            .finish();
        for page in ["/register", "/messages", "/login"] {
            tab.goto(&format!("{page}?{query}")).await;
            assert_unhurt(tab, payload).await;
        }
    }
}
