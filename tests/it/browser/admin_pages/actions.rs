//! Every admin action by its form.

use super::{assert_open_page_fits, world};
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, PHONE};
use crate::support::{PASSWORD, TestApp};

/// Follows a link to an action, fills in its form and submits it.
async fn act(tab: &BrowserTab, link: &str, fields: &[(&str, &str)]) {
    tab.click(&format!("main a[href$='/{link}']")).await;
    tab.see("main form.stacked").await;
    for (name, value) in fields {
        let field = format!("[name={name}]");
        tab.fill(&field, value).await;
    }
    tab.assert_accessible().await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see_absent("form.stacked").await;
    tab.assert_accessible().await;
}

#[tokio::test]
async fn account_forms_work() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, _group, tab) = world(&app, &browsers).await;
    let mut socket = ann.socket("/ws/").await;
    tab.goto("/admin/users").await;
    tab.type_into("#q", "ann").await;
    tab.press("\u{e007}").await;
    tab.see_text(".line-name", "ann").await;
    tab.click("a.line").await;
    tab.see_text("main h1", "ann").await;
    tab.assert_accessible().await;
    let names = [("username", "anna"), ("display_name", "Anna K")];
    act(
        &tab,
        "rename",
        &[names[0], names[1], ("reason", "Asked for it")],
    )
    .await;
    tab.see_text("main h1", "Anna K").await;
    let renamed = socket.expect("user").await;
    assert_eq!(renamed["user"]["username"], "anna");
    act(&tab, "promote", &[]).await;
    tab.see_text(".tag", "Admin").await;
    act(&tab, "demote", &[]).await;
    tab.see_absent(".tag").await;
    tab.press_button(".logins", "Log out").await;
    assert_eq!(socket.expect_close().await, 4401);
    tab.see_text("section", "No devices.").await;
    act(&tab, "deactivate", &[("reason", "Gone for a while")]).await;
    tab.see_text(".tag", "Deactivated").await;
    act(&tab, "reactivate", &[]).await;
    tab.see_absent(".tag").await;
    act(&tab, "end-logins", &[]).await;
    act(&tab, "reset", &[]).await;
    assert_open_page_fits(&tab, "link").await;
    let link = tab
        .script("return document.querySelector('#link').value", &[])
        .await;
    let link = link.as_str().unwrap().to_owned();
    choose_a_password(&app, &browsers, &link).await;
    let refused = app.log_in("anna").await;
    refused.expect_problem(401, "bad_credentials");
    tab.click("main .way-back").await;
    tab.click("main a[href$='/delete']").await;
    tab.see_text("main", "(@anna)").await;
    tab.type_into("[name=confirm]", "ann").await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see("#confirm-wrong").await;
    // Clears the browser's log of the refusal.
    tab.console_errors().await;
    assert_open_page_fits(&tab, "a slip").await;
    tab.click(".way-back").await;
    act(&tab, "delete", &[("confirm", "anna")]).await;
    tab.see_text("main", "This account is deleted").await;
    tab.see_text(".tag", "Deleted").await;
    assert_open_page_fits(&tab, "deleted").await;
    tab.goto("/admin/audit").await;
    tab.see_text(".line", "deleted the account of").await;
    tab.see_text(".line", "Asked for it").await;
    tab.assert_accessible().await;
    // The audit log also has a line for the use of the password link.
    assert_eq!(tab.texts(".lines > li").await.len(), 11);
    tab.close().await;
}

/// Sets a new password by the link, in the user's own browser.
async fn choose_a_password(app: &TestApp, browsers: &BrowserDriver, link: &str) {
    let tab = browsers.open(app.site(), PHONE).await;
    let path = link.strip_prefix(&app.site().url("")).unwrap();
    tab.goto(path).await;
    tab.see_text("main", "For @anna.").await;
    tab.assert_accessible().await;
    tab.type_into("#new_password", &format!("{PASSWORD} and more"))
        .await;
    tab.click("button[type=submit]").await;
    tab.see_text("main h1", "Your password is set").await;
    tab.assert_accessible().await;
    tab.close().await;
}

#[tokio::test]
async fn conversation_forms_work() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben, group, tab) = world(&app, &browsers).await;
    let theirs = browsers.open_as(&ben, DESKTOP).await;
    theirs.goto("/messages").await;
    theirs.see_text(".row", "Good morning, all").await;
    tab.goto("/admin/conversations").await;
    tab.see_text(".line-name", "The crew").await;
    tab.click("a.line").await;
    tab.see_text("main h1", "The crew").await;
    tab.see_text(".figures", "ann").await;
    tab.click("main a[href$='/read']").await;
    tab.see("form.stacked").await;
    tab.type_into("[name=reason]", "A complaint").await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see_text(".read", "Good morning, all").await;
    tab.assert_accessible().await;
    assert_open_page_fits(&tab, "messages").await;
    tab.click(".read li:last-child summary").await;
    tab.type_into(".delete-message[open] [name=reason]", "Too early")
        .await;
    assert_open_page_fits(&tab, "deleting").await;
    tab.click(".delete-message[open] button").await;
    tab.see_absent(".delete-message").await;
    // The admin still reads the messages of the group.
    tab.see_text("main h1", "Messages of The crew").await;
    tab.see_text(".read", "Deleted.").await;
    assert_open_page_fits(&tab, "deleted").await;
    tab.click(".way-back").await;
    // The deletion appears at once, without a reload.
    theirs.see_absent(".rows .row-preview:not(.is-aside)").await;
    act(&tab, "close", &[("reason", "Done")]).await;
    tab.see_text(".tag", "Closed").await;
    theirs
        .see_absent(&format!(".rows .row[href$='conversation={group}']"))
        .await;
    theirs.assert_no_console_errors().await;
    assert_eq!(ann.conversation(group).await["left"], true);
    tab.goto("/admin/audit").await;
    for said in [
        "closed conversation",
        "deleted a message",
        "read messages of",
    ] {
        tab.see_text(".line", said).await;
    }
    theirs.close().await;
    tab.close().await;
}

#[tokio::test]
async fn new_account_link_is_copied() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (_ann, _ben, _group, tab) = world(&app, &browsers).await;
    tab.goto("/admin/users").await;
    tab.click("main a[href$='/new']").await;
    tab.see("form.stacked").await;
    tab.type_into("#username", "ann").await;
    tab.type_into("#display_name", "Zoe").await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see_text("#username-wrong", "taken").await;
    // Clears the browser's log of the refusal.
    tab.console_errors().await;
    tab.fill("#username", "zoe").await;
    tab.click("form.stacked button[type=submit]").await;
    tab.see_text("main h1", "Password link for Zoe").await;
    assert_open_page_fits(&tab, "link").await;
    tab.click("[data-copies]").await;
    tab.see_text("[role=status]", "Copied.").await;
    tab.close().await;
}
