//! A small screen, a dark one, and no pointer at all.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{
    Browsers, CONTROL, DESKTOP, DOWN, ENTER, ESCAPE, PHONE, Screen, TAB, Tab, UP, WRITE,
};

/// The width that doesn't fit, and what is smaller than a fingertip. A link
/// amid a sentence is as high as its line (WCAG 2.2, 2.5.5).
const MISFITS: &str = "
    const wide = document.documentElement.scrollWidth - innerWidth;
    const small = [...document.querySelectorAll('a, button, textarea, input')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }))
        .filter((it) => !it.closest('.text, .unseen, p'))
        .filter((it) => { const { width, height } = it.getBoundingClientRect();
            return Math.min(width, height) < 44; })
        .map((it) => it.outerHTML.slice(0, 120));
    return [...(wide > 0 ? [`${wide} px too wide`] : []), ...small];";

pub(super) async fn assert_fits(tab: &Tab) {
    tab.comes_to(MISFITS, json!([])).await;
}

async fn value(tab: &Tab, expression: &str) -> Value {
    tab.script(&format!("return {expression}"), &[]).await
}

/// One thing at a time, everything in reach of a thumb, light and dark.
#[tokio::test]
async fn a_phone_shows_one_thing_at_a_time() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let link = format!("Look: http://127.0.0.1/{}", "long".repeat(60));
    let sent = ben.send(id, &link).await.expect(201);
    let reaction = format!(
        "/api/conversations/{id}/messages/{}/reactions/%F0%9F%8D%B5/",
        sent["id"]
    );
    ben.put(&reaction).await.expect(200);
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.before_each_page(KEYBOARD).await;
    for (scheme, width) in [("light", 320), ("dark", 360)] {
        let size = Screen { width, ..PHONE };
        tab.size(size).await;
        tab.prefers("prefers-color-scheme", scheme).await;
        tab.goto("/messages").await;
        tab.see(".row").await;
        tab.see_no("main.thread").await;
        assert_fits(&tab).await;
        tab.assert_good().await;
        tab.click(".row").await;
        tab.see(WRITE).await;
        tab.see_no(".side").await;
        assert_fits(&tab).await;
        tab.assert_good().await;
        tab.click(".back").await;
        tab.see(".row").await;
        tab.see_no("main.thread").await;
    }
    tab.click(".row").await;
    tab.see(WRITE).await;
    // A keyboard that covers the page leaves head and composer in sight.
    tab.script("window.openKeyboard(300)", &[]).await;
    tab.comes_to(
        "const { top } = document.querySelector('.bar').getBoundingClientRect();
         const { bottom } = document.querySelector('.composer').getBoundingClientRect();
         return top >= 0 && bottom <= innerHeight - 300",
        json!(true),
    )
    .await;
    tab.script("window.openKeyboard(0)", &[]).await;
    tab.comes_to(
        "return document.querySelector('.composer').getBoundingClientRect().bottom === innerHeight",
        json!(true),
    )
    .await;
    tab.assert_good().await;
}

/// As phones do it that lay the keyboard over the page.
const KEYBOARD: &str = "
    const view = window.visualViewport;
    let covered = 0;
    Object.defineProperty(view, 'height', { get: () => innerHeight - covered });
    window.openKeyboard = (height) => {
        covered = height;
        view.dispatchEvent(new Event('resize'));
    };";

/// Finding, opening, writing, changing, leaving, all by keys; and one always
/// sees where one is.
#[tokio::test]
async fn keys_are_enough() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cas = app.person("cas").await;
    cas.connect_with(&ann).await;
    ann.talk_with(&ben).await;
    cas.talk_with(&ann).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".row[data-id]").await;
    tab.press("/").await;
    tab.press("ben").await;
    tab.see(".found .row").await;
    tab.press(DOWN).await;
    assert_eq!(
        value(&tab, "document.activeElement.matches('.found .row')").await,
        json!(true)
    );
    assert_ring(&tab).await;
    tab.press(ENTER).await;
    tab.see_said("The first.").await;
    tab.comes_to(IS_WRITING, json!(true)).await;
    tab.press("All by keys").await;
    tab.press(ENTER).await;
    tab.see_said("All by keys").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.comes_to(IS_WRITING, json!(true)).await;
    tab.press(UP).await;
    tab.see_text(".answering", "Editing").await;
    tab.press(ESCAPE).await;
    tab.see_no(".answering").await;
    messages_have_a_menu(&tab).await;
    // Out to the list, down to the other, and in.
    tab.press(ESCAPE).await;
    tab.see_no(WRITE).await;
    tab.comes_to(
        "return document.activeElement.matches('.rows .row') && location.pathname",
        json!("/messages"),
    )
    .await;
    assert_ring(&tab).await;
    tab.press(DOWN).await;
    tab.press(ENTER).await;
    tab.see_text("main h1", "cas").await;
    tab.press(&format!("{CONTROL}k")).await;
    tab.comes_to("return document.activeElement.id", json!("seek"))
        .await;
    tab.press(TAB).await;
    assert_ring(&tab).await;
    tab.assert_good().await;
}

/// From the messages as a whole to one of them, its menu, and back.
async fn messages_have_a_menu(tab: &Tab) {
    tab.type_into(".history", UP).await;
    assert_ring(tab).await;
    tab.press(ENTER).await;
    tab.see("[role=menu]").await;
    tab.press(DOWN).await;
    assert_eq!(value(tab, "document.activeElement.innerText").await, "Edit");
    tab.press(ESCAPE).await;
    tab.see_no("[role=menu]").await;
    tab.comes_to(
        "return document.activeElement.matches('.history .message')",
        json!(true),
    )
    .await;
    tab.press(DOWN).await;
    tab.comes_to(IS_WRITING, json!(true)).await;
}

const IS_WRITING: &str = "return document.activeElement.matches('.composer textarea')";

/// One sees where the focus is.
async fn assert_ring(tab: &Tab) {
    let ring = "(() => { const it = document.activeElement;
        const isRinged = (node) => {
            const { outlineStyle, outlineWidth } = getComputedStyle(node);
            return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
        };
        // A message's line is as wide as the page: its bubble has the ring.
        return it.matches(':focus-visible')
            && isRinged(it.querySelector('.bubble') ?? it) ? '' : it.outerHTML.slice(0, 200); })()";
    assert_eq!(value(tab, ring).await, "");
}
