//! Real pointer, touch and key input through WebDriver and DevTools. This input
//! reaches only what a user can reach, so a test fails if a control is inert,
//! covered or too small.

use fantoccini::actions::{
    InputSource, MOUSE_BUTTON_RIGHT, MouseActions, PointerAction, TouchActions,
};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::error::{CmdError, ErrorStatus};
use serde_json::{Value, json};

use super::{BrowserTab, CONTROL};
use crate::support::wait::{poll_until, within};

/// Releases the modifier keys of a `send_keys` call.
const NO_MODIFIER: &str = "\u{e000}";
/// The WebDriver standard's key of an element reference in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const BACKSPACE: &str = "\u{e003}";

impl BrowserTab {
    /// Clicks the first match of `selector` as soon as nothing covers it.
    pub(crate) async fn click(&self, selector: &str) {
        self.see(selector).await;
        self.click_found(FIRST_SCRIPT, &[json!(selector)]).await;
    }

    /// Clicks the button inside `within` that contains `text`.
    pub(crate) async fn press_button(&self, within: &str, text: &str) {
        self.click_text(&format!("{within} button"), text).await;
    }

    /// Clicks the first match of `selector` that contains `text`.
    pub(crate) async fn click_text(&self, selector: &str, text: &str) {
        self.see_text(selector, text).await;
        self.click_found(WITH_TEXT_SCRIPT, &[json!(selector), json!(text)])
            .await;
    }

    /// Taps the first match of `selector` that contains `text`.
    pub(crate) async fn tap_text(&self, selector: &str, text: &str) {
        self.see_text(selector, text).await;
        self.tap_found(WITH_TEXT_SCRIPT, &[json!(selector), json!(text)])
            .await;
    }

    /// Taps the first match of `selector`.
    pub(crate) async fn tap(&self, selector: &str) {
        self.see(selector).await;
        self.tap_found(FIRST_SCRIPT, &[json!(selector)]).await;
    }

    /// Right-clicks the last match of `selector`, or its bubble if it is a
    /// message.
    pub(crate) async fn right_click(&self, selector: &str) {
        self.see(selector).await;
        let last = "const it = [...document.querySelectorAll(arguments[0])].at(-1);
             return it?.querySelector('.bubble') ?? it";
        self.act_on(last, &[json!(selector)], async |found| {
            let button = MOUSE_BUTTON_RIGHT;
            let steps = MouseActions::new("mouse".to_owned())
                .then(move_to(found))
                .then(PointerAction::Down { button })
                .then(PointerAction::Up { button });
            self.client.perform_actions(steps).await
        })
        .await;
    }

    /// Types into the first match of `selector` once it is visible.
    pub(crate) async fn type_into(&self, selector: &str, keys: &str) {
        self.see(selector).await;
        self.act_on(FIRST_SCRIPT, &[json!(selector)], async |found| {
            found.send_keys(keys).await
        })
        .await;
    }

    /// Replaces the content of a field by typed text.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let all = format!("{CONTROL}a{NO_MODIFIER}{BACKSPACE}{text}");
        self.type_into(selector, &all).await;
    }

    /// Inserts text into a field in one step, like a paste.
    pub(crate) async fn paste(&self, selector: &str, text: &str) {
        self.fill(selector, "").await;
        self.devtools("Input.insertText", json!({ "text": text }))
            .await;
    }

    /// Selects an option by its value.
    pub(crate) async fn select(&self, selector: &str, value: &str) {
        self.see(selector).await;
        self.act_on(FIRST_SCRIPT, &[json!(selector)], async |field| {
            field.select_by_value(value).await
        })
        .await;
    }

    pub(crate) async fn back(&self) {
        within("the page before", self.client.back()).await.unwrap();
    }

    pub(crate) async fn forward(&self) {
        let done = self.client.forward();
        within("the page after", done).await.unwrap();
    }

    /// Clicks the element that a script returns.
    async fn click_found(&self, script: &str, arguments: &[Value]) {
        self.act_on(script, arguments, async |found| found.click().await)
            .await;
    }

    /// Taps the element that a script returns, once its animations have ended.
    async fn tap_found(&self, script: &str, arguments: &[Value]) {
        self.script(ANIMATIONS_END_SCRIPT, &[]).await;
        self.act_on(script, arguments, async |found| {
            let button = 0;
            let steps = TouchActions::new("finger".to_owned())
                .then(move_to(found))
                .then(PointerAction::Down { button })
                .then(PointerAction::Up { button });
            self.client.perform_actions(steps).await
        })
        .await;
    }

    /// Acts on the element that a script returns. If the element moves or is
    /// redrawn after the script has found it, finds it again and repeats the
    /// action.
    async fn act_on(
        &self,
        script: &str,
        arguments: &[Value],
        act: impl AsyncFn(Element) -> Result<(), CmdError>,
    ) {
        let mut problem = None;
        let acted = poll_until(async || {
            let found = self.found(script, arguments).await?;
            match within("an action", act(found)).await {
                Ok(()) => Some(()),
                Err(error) if is_transient(&error) => {
                    problem = Some(error);
                    None
                }
                Err(error) => panic!("{arguments:?}: {error}"),
            }
        })
        .await;
        assert!(acted.is_some(), "{arguments:?}: {problem:?}");
    }

    /// Returns the element that a script finds. The script must only read.
    async fn found(&self, script: &str, arguments: &[Value]) -> Option<Element> {
        let found = self.script(script, arguments).await;
        let id = ElementRef::from(found[ELEMENT].as_str()?.to_owned());
        Some(Element::from_element_id(self.client.clone(), id))
    }
}

/// Resolves when no finite animation is running.
const ANIMATIONS_END_SCRIPT: &str = "return Promise.allSettled(document.getAnimations()
    .filter((it) => it.effect.getComputedTiming().endTime !== Infinity)
    .map((it) => it.finished)).then(() => true)";

/// Returns the first match of a selector.
const FIRST_SCRIPT: &str = "return document.querySelector(arguments[0])";

/// Returns the first visible match whose text contains the second argument.
const WITH_TEXT_SCRIPT: &str = "return [...document.querySelectorAll(arguments[0])]
    .find((it) => it.innerText.replace(/[\\u2068\\u2069]/gu, '').includes(arguments[1])
        && it.checkVisibility())";

/// Moves the pointer to the middle of an element.
fn move_to(element: Element) -> PointerAction {
    PointerAction::MoveToElement {
        element,
        duration: None,
        x: 0.0,
        y: 0.0,
    }
}

/// Whether a retry may succeed: the element moves or has been replaced.
fn is_transient(error: &CmdError) -> bool {
    let CmdError::Standard(problem) = error else {
        return false;
    };
    matches!(
        problem.error,
        ErrorStatus::ElementClickIntercepted
            | ErrorStatus::StaleElementReference
            | ErrorStatus::ElementNotInteractable
    )
}
