//! Lists: paging, order and search.

use entity::{Millis, UserId};
use serde_json::json;
use tidings::protocol::{DisplayName, Username};
use tidings::store::{AuditAction, AuditContext, AuditEntry, AuditTarget, NewUser};

use super::{assert_open_page_fits, world};
use crate::support::TestApp;
use crate::support::browser::BrowserDriver;

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
        store.users().create(new, Millis::now()).await.unwrap();
    }
    store.close().await;
}

async fn many_lines(app: &TestApp, by: i64) {
    let store = app.store().await;
    for at in 0..60 {
        let act = AuditContext {
            actor_id: Some(UserId(by)),
            ..AuditContext::from_command_line(Millis(1_793_534_400_000 + at))
        };
        let entry = AuditEntry::new(AuditAction::EndLogin, AuditTarget::User(UserId(by)));
        store.audit().record(&act, entry).await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn users_are_searched_and_paged() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    many_people(&app).await;
    tab.goto("/admin/users?show=newest").await;
    assert_eq!(tab.texts(".line-name").await[0], "user059");
    tab.click(".pager a").await;
    tab.see_text(".pager", "First page").await;
    assert_open_page_fits(&tab, "second page").await;
    tab.type_into("#q", "user05").await;
    tab.click(".filter button").await;
    // Search results are in order of name, and the page says so.
    tab.see_text(".filter", "sorted by name").await;
    assert_eq!(tab.texts(".line-name").await[0], "user050");
    assert_open_page_fits(&tab, "found").await;
    tab.select("#show", "admins").await;
    let chosen = "return document.querySelector('#show').selectedOptions[0].innerText";
    assert_eq!(tab.script(chosen, &[]).await, json!("Admins"));
    tab.click(".filter button").await;
    tab.see_text("main", "No results for").await;
    tab.goto("/admin/conversations?sort=size").await;
    tab.type_into("#q", "crew").await;
    tab.click(".filter button").await;
    tab.see_text(".line-name", "The crew").await;
    tab.see("#sort[disabled]").await;
    tab.assert_accessible().await;
    tab.close().await;
}

#[tokio::test]
async fn audit_log_is_filtered_and_downloaded() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (_ann, ben, _group, tab) = world(&app, &browsers).await;
    many_lines(&app, ben.id).await;
    tab.goto("/admin/audit").await;
    tab.click(".filters summary").await;
    tab.type_into("#who", "ben").await;
    tab.select("#what", "user.end_login").await;
    tab.click(".filter button").await;
    tab.see_text(".pager", "Older").await;
    assert_eq!(tab.texts(".lines > li").await.len(), 50);
    assert_open_page_fits(&tab, "found").await;
    tab.click(".pager a").await;
    tab.see_text(".pager", "Newest").await;
    assert_eq!(tab.texts(".lines > li").await.len(), 10);
    assert_open_page_fits(&tab, "older").await;
    // The download contains the filtered entries as a file.
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
async fn older_messages_are_opened_from_above() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
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
    assert_open_page_fits(&tab, "newest").await;
    tab.press_button("main", "Older messages").await;
    tab.see_text(".read", "Good morning, all").await;
    assert_open_page_fits(&tab, "oldest").await;
    tab.close().await;
}
