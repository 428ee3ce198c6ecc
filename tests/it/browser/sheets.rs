//! Menus and toasts above a panel or sheet are usable.

use serde_json::json;

use crate::groups::crew;
use crate::support::browser::{
    BrowserDriver, BrowserTab, DESKTOP, DOWN, ENTER, ESCAPE, NetworkState, PHONE, TAB,
};
use crate::support::{TestApp, TestUser, until};

/// The kind of input that chooses an entry of a menu.
#[derive(Clone, Copy)]
enum By {
    Mouse,
    Touch,
    Keys,
}

impl By {
    /// Opens a member's menu and chooses an entry.
    async fn choose(self, tab: &BrowserTab, username: &str, (entry, at): (&str, usize)) {
        let opens = format!("[aria-label='Options for {username}']");
        match self {
            Self::Mouse => {
                tab.click(&opens).await;
                tab.pick_menu_entry(entry).await;
            }
            Self::Touch => {
                tab.tap(&opens).await;
                tab.tap_text("[role=menu] button", entry).await;
            }
            Self::Keys => {
                tab.type_into(&opens, ENTER).await;
                tab.see("[role=menu]").await;
                tab.press(&DOWN.repeat(at)).await;
                let focused = "return document.activeElement.innerText";
                tab.wait_for_value(focused, json!(entry)).await;
                tab.press(ENTER).await;
            }
        }
    }

    /// Confirms the dialog that an entry opens.
    async fn confirm(self, tab: &BrowserTab, yes: &str) {
        match self {
            Self::Mouse => tab.press_button("dialog.is-small", yes).await,
            Self::Touch => tab.tap_text("dialog.is-small button", yes).await,
            // The cancel button has the focus, and the confirming button
            // follows it.
            Self::Keys => {
                tab.see("dialog.is-small").await;
                tab.press(&format!("{TAB}{ENTER}")).await;
            }
        }
    }
}

/// Creates a group and returns its id.
async fn make_group(owner: &TestUser, others: &[&str]) -> i64 {
    let made = crew::make(owner, "The crew", others).await.expect(201);
    made["id"].as_i64().unwrap()
}

/// Waits until the server has this role for a member. `None` means that the
/// user is no member.
async fn wait_for_role(owner: &TestUser, group: i64, username: &str, role: Option<&str>) {
    until("a role on the server", async || {
        let path = format!("/api/conversations/{group}/members/");
        let members = owner.get(&path).await.expect(200);
        let members = members.as_array().unwrap().clone();
        let found = members
            .into_iter()
            .find(|it| it["user"]["username"] == username);
        let has = found.map(|it| it["role"].as_str().unwrap().to_owned());
        (has.as_deref() == role).then_some(())
    })
    .await;
}

/// Uses every entry of a member's menu with one kind of input.
async fn manage_members(app: &TestApp, browsers: &BrowserDriver, (by, name): (By, &str)) {
    let owner = app.register_user(&format!("own{name}")).await;
    let (one, two) = (format!("one{name}"), format!("two{name}"));
    for username in [&one, &two] {
        owner.connect_with(&app.register_user(username).await).await;
    }
    let group = make_group(&owner, &[&one, &two]).await;
    let screen = if matches!(by, By::Touch) {
        PHONE
    } else {
        DESKTOP
    };
    let tab = browsers.open_as(&owner, screen).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    by.choose(&tab, &one, ("Make admin", 0)).await;
    wait_for_role(&owner, group, &one, Some("admin")).await;
    tab.see_text(".members .role", "admin").await;
    by.choose(&tab, &one, ("Make member", 0)).await;
    wait_for_role(&owner, group, &one, Some("member")).await;
    tab.see_text(".members", &one).await;
    by.choose(&tab, &two, ("Remove from group", 2)).await;
    by.confirm(&tab, "Remove").await;
    wait_for_role(&owner, group, &two, None).await;
    tab.see_absent(&format!("[aria-label='Options for {two}']"))
        .await;
    by.choose(&tab, &one, ("Make owner", 1)).await;
    by.confirm(&tab, "Make owner").await;
    wait_for_role(&owner, group, &one, Some("owner")).await;
    tab.see_absent(".members [aria-label^='Options for']").await;
    tab.assert_accessible().await;
}

#[tokio::test]
async fn member_menu_works_by_mouse() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    manage_members(&app, &browsers, (By::Mouse, "mouse")).await;
}

#[tokio::test]
async fn member_menu_works_by_touch() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    manage_members(&app, &browsers, (By::Touch, "touch")).await;
}

#[tokio::test]
async fn member_menu_works_by_keys() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    manage_members(&app, &browsers, (By::Keys, "keys")).await;
}

/// Escape closes the menu first, then the panel, and the focus returns.
#[tokio::test]
async fn escape_closes_menu_before_its_panel() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben) = app.register_connected("ann", "ben").await;
    let group = make_group(&ann, &["ben"]).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    tab.click("[aria-label='Options for ben']").await;
    tab.see("[role=menu]").await;
    tab.assert_accessible().await;
    tab.press(ESCAPE).await;
    tab.see_absent("[role=menu]").await;
    let focused = "return document.activeElement.ariaLabel";
    tab.wait_for_value(focused, json!("Options for ben")).await;
    tab.press(ESCAPE).await;
    tab.see_absent(".panel").await;
    let focused = "return document.activeElement.dataset.act";
    tab.wait_for_value(focused, json!("about")).await;
    tab.assert_accessible().await;
}

/// An error of a panel is shown above it, visible and announced, and stays
/// briefly after the panel closes.
#[tokio::test]
async fn toast_is_above_panel() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.connect_with(&app.register_user("cas").await).await;
    let group = make_group(&ann, &["ben"]).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.open_conversation(group).await;
    for act in ["rename", "add", "role", "remove", "leave"] {
        tab.open_conversation(group).await;
        tab.click("[data-act=about]").await;
        tab.see("[aria-label='Options for ben']").await;
        if act == "add" {
            tab.press_button(".panel", "Add members").await;
            tab.see("dialog [aria-label='Add cas']").await;
        }
        tab.set_network(NetworkState::Offline).await;
        tab.see_text(".banner", "Offline.").await;
        act_offline(&tab, act).await;
        let is_above = "const it = document.querySelector('.toast');
            if (!it) return 'none';
            const { x, y, width, height } = it.getBoundingClientRect();
            return document.elementFromPoint(x + width / 2, y + height / 2) === it
                && !it.closest('[inert]')";
        tab.wait_for_value(is_above, json!(true)).await;
        tab.press(ESCAPE).await;
        tab.see_absent(".panel").await;
        tab.see("body > .toasts .toast").await;
        tab.set_network(NetworkState::Online).await;
    }
    // None of the actions reached the server.
    let path = format!("/api/conversations/{group}/members/");
    let members = ben.get(&path).await.expect(200);
    assert_eq!(members.as_array().unwrap().len(), 2);
}

/// Performs an action that fails without a network.
async fn act_offline(tab: &BrowserTab, act: &str) {
    let opens = "[aria-label='Options for ben']";
    match act {
        "rename" => {
            tab.click("[aria-label='Rename group']").await;
            tab.press_button(".panel", "Save").await;
            // Ends the edit, so that Escape closes the panel.
            tab.press_button(".panel", "Cancel").await;
        }
        "add" => tab.click("dialog [aria-label='Add cas']").await,
        "role" => {
            tab.click(opens).await;
            tab.pick_menu_entry("Make admin").await;
        }
        "remove" => {
            tab.click(opens).await;
            tab.pick_menu_entry("Remove").await;
            tab.press_button("dialog.is-small", "Remove").await;
        }
        _ => {
            tab.press_button(".panel", "Leave group").await;
            tab.press_button("dialog.is-small", "Leave").await;
        }
    }
}
