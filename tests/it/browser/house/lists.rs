//! Lists: looked through page after page, ordered, and found in.

use entity::{Millis, UserId};
use serde_json::json;
use tidings::protocol::{DisplayName, Username};
use tidings::store::{Act, Deed, Entry, NewUser, Target};

use super::{assert_this_holds, world};
use crate::support::TestApp;
use crate::support::browser::Browsers;

async fn many_people(app: &TestApp) {
    let store = app.store().await;
    for at in 0..60 {
        let name = format!("user{at:03}");
        let new = NewUser {
            username: Username::parse(&name).unwrap(),
            display_name: DisplayName::parse(&name).unwrap(),
            password_hash: "none".to_owned(),
            is_admin: false,
        };
        store.create_user(new, Millis::now()).await.unwrap();
    }
    store.close().await;
}

async fn many_lines(app: &TestApp, by: i64) {
    let store = app.store().await;
    for at in 0..60 {
        let act = Act {
            by: Some(UserId(by)),
            ..Act::at_the_command_line(Millis(1_793_534_400_000 + at))
        };
        let entry = Entry::new(Deed::EndLogin, Target::User(UserId(by)));
        store.note(&act, entry).await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn people_are_found_and_paged_through() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    many_people(&app).await;
    tab.goto("/admin/users?show=newest").await;
    assert_eq!(tab.texts(".line-name").await[0], "user059");
    tab.click(".pager a").await;
    tab.see_text(".pager", "First page").await;
    assert_this_holds(&tab, "second page").await;
    tab.type_into("#q", "user05").await;
    tab.click(".filter button").await;
    // Those found stand by name, and the page says so.
    tab.see_text(".filter", "By name").await;
    assert_eq!(tab.texts(".line-name").await[0], "user050");
    assert_this_holds(&tab, "found").await;
    tab.select("#show", "admins").await;
    let chosen = "return document.querySelector('#show').selectedOptions[0].innerText";
    assert_eq!(tab.script(chosen, &[]).await, json!("Admins"));
    tab.click(".filter button").await;
    tab.see_text("main", "Nobody here has a name").await;
    tab.goto("/admin/conversations?sort=size").await;
    tab.type_into("#q", "crew").await;
    tab.click(".filter button").await;
    tab.see_text(".line-name", "The crew").await;
    tab.see("#sort[disabled]").await;
    tab.assert_good().await;
    tab.close().await;
}

#[tokio::test]
async fn the_log_is_found_in_paged_through_and_downloaded() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (_ann, ben, _group, tab) = world(&app, &browsers).await;
    many_lines(&app, ben.id).await;
    tab.goto("/admin/audit").await;
    tab.click(".filters summary").await;
    tab.type_into("#who", "ben").await;
    tab.select("#what", "user.end_login").await;
    tab.click(".filter button").await;
    tab.see_text(".pager", "Older").await;
    assert_eq!(tab.texts(".lines > li").await.len(), 50);
    assert_this_holds(&tab, "found").await;
    tab.click(".pager a").await;
    tab.see_text(".pager", "Newest").await;
    assert_eq!(tab.texts(".lines > li").await.len(), 10);
    assert_this_holds(&tab, "older").await;
    // The download is of what is found, and a file.
    let fetched = "const it = document.querySelector('form[action^=\"/admin/audit.csv\"]');
        const body = new URLSearchParams(new FormData(it));
        return fetch(it.action, { method: 'POST', body }).then(async (got) => [
            got.headers.get('content-disposition'),
            (await got.text()).trim().split('\\n').length]);";
    let expected = json!(["attachment; filename=\"tidings-audit.csv\"", 61]);
    assert_eq!(tab.script(fetched, &[]).await, expected);
    tab.close().await;
}

#[tokio::test]
async fn older_messages_stand_above_and_are_read_on() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben, group, tab) = world(&app, &browsers).await;
    for at in 0..60 {
        ann.send(group, &format!("Number {at}")).await.expect(201);
    }
    tab.goto(&format!("/admin/conversations/{group}/read"))
        .await;
    tab.type_into("[name=reason]", "A complaint").await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see_text(".read", "Number 59").await;
    let is_above = "return !!(document.querySelector('main form button').compareDocumentPosition(
        document.querySelector('.read')) & Node.DOCUMENT_POSITION_FOLLOWING)";
    assert_eq!(tab.script(is_above, &[]).await, json!(true));
    assert_this_holds(&tab, "newest").await;
    tab.press_button("main", "Older ones").await;
    tab.see_text(".read", "Good morning, all").await;
    assert_this_holds(&tab, "oldest").await;
    tab.close().await;
}
