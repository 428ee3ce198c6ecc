//! What floats above a sheet can be used there: menus, and what is said.

use serde_json::json;

use crate::groups::crew;
use crate::support::browser::{
    Browsers, DESKTOP, DOWN, ENTER, ESCAPE, Network, PHONE, SHIFT, TAB, Tab,
};
use crate::support::{Person, TestApp, until};

/// How a person reaches an entry of a menu.
#[derive(Clone, Copy)]
enum By {
    Mouse,
    Touch,
    Keys,
}

impl By {
    /// Opens the menu of a member, and chooses an entry of it.
    async fn choose(self, tab: &Tab, username: &str, (entry, at): (&str, usize)) {
        let opens = format!("[aria-label='What to do with {username}']");
        match self {
            Self::Mouse => {
                tab.click(&opens).await;
                tab.pick(entry).await;
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
                tab.comes_to(focused, json!(entry)).await;
                tab.press(ENTER).await;
            }
        }
    }

    /// Answers the question that an entry asks.
    async fn confirm(self, tab: &Tab, yes: &str) {
        match self {
            Self::Mouse => tab.press_button("dialog.is-small", yes).await,
            Self::Touch => tab.tap_text("dialog.is-small button", yes).await,
            // The focus is on the button that cancels, after the one that does it.
            Self::Keys => {
                tab.see("dialog.is-small").await;
                tab.press(&format!("{SHIFT}{TAB}")).await;
                tab.press(ENTER).await;
            }
        }
    }
}

/// A group of somebody with others.
async fn made(owner: &Person, others: &[&str]) -> i64 {
    let made = crew::make(owner, "The crew", others).await.expect(201);
    made["id"].as_i64().unwrap()
}

/// Waits until the server has this role of a member; none: no member.
async fn has_role(owner: &Person, group: i64, username: &str, role: Option<&str>) {
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

/// Every entry of a member's menu, as one kind of person reaches it.
async fn manages(app: &TestApp, browsers: &Browsers, (by, name): (By, &str)) {
    let owner = app.person(&format!("own{name}")).await;
    let (one, two) = (format!("one{name}"), format!("two{name}"));
    for username in [&one, &two] {
        owner.connect_with(&app.person(username).await).await;
    }
    let group = made(&owner, &[&one, &two]).await;
    let screen = if matches!(by, By::Touch) {
        PHONE
    } else {
        DESKTOP
    };
    let tab = browsers.open_as(&owner, screen).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    by.choose(&tab, &one, ("Make admin", 0)).await;
    has_role(&owner, group, &one, Some("admin")).await;
    tab.see_text("dialog .members", "admin").await;
    by.choose(&tab, &one, ("Make member", 0)).await;
    has_role(&owner, group, &one, Some("member")).await;
    tab.see_text("dialog .members", &one).await;
    by.choose(&tab, &two, ("Remove from the group", 2)).await;
    by.confirm(&tab, "Remove").await;
    has_role(&owner, group, &two, None).await;
    tab.see_no(&format!("[aria-label='What to do with {two}']"))
        .await;
    by.choose(&tab, &one, ("Hand the group on", 1)).await;
    by.confirm(&tab, "Hand it on").await;
    has_role(&owner, group, &one, Some("owner")).await;
    tab.see_no("dialog [aria-label^='What to do with']").await;
    tab.assert_good().await;
}

#[tokio::test]
async fn member_menu_works_by_mouse() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    manages(&app, &browsers, (By::Mouse, "mouse")).await;
}

#[tokio::test]
async fn member_menu_works_by_touch() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    manages(&app, &browsers, (By::Touch, "touch")).await;
}

#[tokio::test]
async fn member_menu_works_by_keys() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    manages(&app, &browsers, (By::Keys, "keys")).await;
}

/// Escape closes what floats first, then the sheet, and the focus goes back.
#[tokio::test]
async fn escape_closes_menu_before_its_sheet() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben) = app.connected_pair("ann", "ben").await;
    let group = made(&ann, &["ben"]).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    tab.click("[aria-label='What to do with ben']").await;
    tab.see("[role=menu]").await;
    tab.assert_good().await;
    tab.press(ESCAPE).await;
    tab.see_no("[role=menu]").await;
    let focused = "return document.activeElement.ariaLabel";
    tab.comes_to(focused, json!("What to do with ben")).await;
    tab.press(ESCAPE).await;
    tab.see_no("dialog").await;
    tab.press(TAB).await;
    tab.assert_good().await;
}

/// What fails in a sheet is said there, where it can be seen and heard, and
/// stays for a moment after the sheet closes.
#[tokio::test]
async fn toast_of_sheet_is_above_it() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    ann.connect_with(&app.person("cas").await).await;
    let group = made(&ann, &["ben"]).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.open_conversation(group).await;
    for act in ["rename", "add", "role", "remove", "leave"] {
        tab.reload().await;
        tab.see(".days").await;
        tab.click("[data-act=about]").await;
        tab.see("[aria-label='What to do with ben']").await;
        if act == "add" {
            tab.press_button("dialog", "Add somebody").await;
            tab.see("dialog [aria-label='Add cas']").await;
        }
        tab.network(Network::Gone).await;
        tab.see_text(".banner", "Connecting…").await;
        fails(&tab, act).await;
        let is_above = "const it = document.querySelector('.toast');
            if (!it) return 'none';
            const { x, y, width, height } = it.getBoundingClientRect();
            return document.elementFromPoint(x + width / 2, y + height / 2) === it
                && !it.closest('[inert]') && !!it.closest('dialog:modal')";
        tab.comes_to(is_above, json!(true)).await;
        tab.press(ESCAPE).await;
        tab.see_no("dialog").await;
        tab.see("body > .toasts .toast").await;
        tab.network(Network::Here).await;
    }
    // Nothing of it reached the server.
    let path = format!("/api/conversations/{group}/members/");
    let members = ben.get(&path).await.expect(200);
    assert_eq!(members.as_array().unwrap().len(), 2);
}

/// Does in the sheet what can't succeed without a network.
async fn fails(tab: &Tab, act: &str) {
    let opens = "[aria-label='What to do with ben']";
    match act {
        "rename" => tab.press_button("dialog", "Rename").await,
        "add" => tab.click("dialog [aria-label='Add cas']").await,
        "role" => {
            tab.click(opens).await;
            tab.pick("Make admin").await;
        }
        "remove" => {
            tab.click(opens).await;
            tab.pick("Remove").await;
            tab.press_button("dialog.is-small", "Remove").await;
        }
        _ => {
            tab.press_button("dialog", "Leave this group").await;
            tab.press_button("dialog.is-small", "Leave").await;
        }
    }
}
