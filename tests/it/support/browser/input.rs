//! Real input: pointer, touch and keys by WebDriver and by the browser's own
//! protocol. They reach only what a person could reach, so a control that is
//! inert, covered or too small fails its test.

use fantoccini::actions::{
    InputSource, MOUSE_BUTTON_RIGHT, MouseActions, PointerAction, TouchActions,
};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::error::{CmdError, ErrorStatus};
use serde_json::{Value, json};

use super::{CONTROL, Tab};
use crate::support::wait::{looked_for, within};

/// Ends the modifier keys of one send.
const NO_MODIFIER: &str = "\u{e000}";
/// The standard's name of an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const BACKSPACE: &str = "\u{e003}";

impl Tab {
    /// Clicks the first that this names, as soon as nothing covers it.
    pub(crate) async fn click(&self, selector: &str) {
        self.see(selector).await;
        let first = "return document.querySelector(arguments[0])";
        self.click_found(first, &[json!(selector)]).await;
    }

    /// Clicks the button within this that says so.
    pub(crate) async fn press_button(&self, within: &str, text: &str) {
        self.click_text(&format!("{within} button"), text).await;
    }

    /// Clicks the first of these that says so.
    pub(crate) async fn click_text(&self, selector: &str, text: &str) {
        self.see_text(selector, text).await;
        self.click_found(SAYING, &[json!(selector), json!(text)])
            .await;
    }

    /// Taps the first of these that says so.
    pub(crate) async fn tap_text(&self, selector: &str, text: &str) {
        self.see_text(selector, text).await;
        self.tap_found(SAYING, &[json!(selector), json!(text)])
            .await;
    }

    /// Taps the first that this names.
    pub(crate) async fn tap(&self, selector: &str) {
        self.see(selector).await;
        let first = "return document.querySelector(arguments[0])";
        self.tap_found(first, &[json!(selector)]).await;
    }

    /// Right-clicks the last that this names: in a message, its bubble.
    pub(crate) async fn click_right(&self, selector: &str) {
        self.see(selector).await;
        let last = "const it = [...document.querySelectorAll(arguments[0])].at(-1);
             return it?.querySelector('.bubble') ?? it";
        let found = self.element(last, &[json!(selector)]).await;
        let button = MOUSE_BUTTON_RIGHT;
        let steps = MouseActions::new("mouse".to_owned())
            .then(to(found))
            .then(PointerAction::Down { button })
            .then(PointerAction::Up { button });
        let done = self.client.perform_actions(steps);
        within("a right click", done).await.unwrap();
    }

    /// Replaces what a field holds by what is typed.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let all = format!("{CONTROL}a{NO_MODIFIER}{BACKSPACE}{text}");
        self.type_into(selector, &all).await;
    }

    /// Inserts a text into a field at once, as a paste does.
    pub(crate) async fn paste(&self, selector: &str, text: &str) {
        self.fill(selector, "").await;
        self.devtools("Input.insertText", json!({ "text": text }))
            .await;
    }

    /// Chooses an option of a select.
    pub(crate) async fn select(&self, selector: &str, value: &str) {
        self.see(selector).await;
        let field = "return document.querySelector(arguments[0])";
        let field = self.element(field, &[json!(selector)]).await;
        field.select_by_value(value).await.unwrap();
    }

    pub(crate) async fn back(&self) {
        within("the page before", self.client.back()).await.unwrap();
    }

    pub(crate) async fn forward(&self) {
        let done = self.client.forward();
        within("the page after", done).await.unwrap();
    }

    /// Clicks what a script finds. It may still move, or be drawn anew.
    async fn click_found(&self, script: &str, arguments: &[Value]) {
        let mut problem = None;
        let clicked = looked_for(async || {
            // A list may be drawn anew between two looks at it.
            let found = self.found(script, arguments).await?;
            match found.click().await {
                Ok(()) => Some(()),
                Err(error) if may_pass(&error) => {
                    problem = Some(error);
                    None
                }
                Err(error) => panic!("{arguments:?}: {error}"),
            }
        })
        .await;
        assert!(clicked.is_some(), "{arguments:?}: {problem:?}");
    }

    /// Taps what a script finds, once it holds still.
    async fn tap_found(&self, script: &str, arguments: &[Value]) {
        self.script(HOLDS_STILL, &[]).await;
        let found = self.element(script, arguments).await;
        let button = 0;
        let steps = TouchActions::new("finger".to_owned())
            .then(to(found))
            .then(PointerAction::Down { button })
            .then(PointerAction::Up { button });
        let done = self.client.perform_actions(steps);
        within("a tap", done).await.unwrap();
    }

    /// What a script finds; it reads, and never acts.
    async fn element(&self, script: &str, arguments: &[Value]) -> Element {
        let found = looked_for(async || self.found(script, arguments).await).await;
        found.unwrap_or_else(|| panic!("{arguments:?}: not found"))
    }

    async fn found(&self, script: &str, arguments: &[Value]) -> Option<Element> {
        let found = self.script(script, arguments).await;
        let id = ElementRef::from(found[ELEMENT].as_str()?.to_owned());
        Some(Element::from_element_id(self.client.clone(), id))
    }
}

/// Until no animation that ends is running.
const HOLDS_STILL: &str = "return Promise.allSettled(document.getAnimations()
    .filter((it) => it.effect.getComputedTiming().endTime !== Infinity)
    .map((it) => it.finished)).then(() => true)";

/// The first that is visible and has this text in it.
const SAYING: &str = "return [...document.querySelectorAll(arguments[0])]
    .find((it) => it.innerText.replace(/[\\u2068\\u2069]/gu, '').includes(arguments[1])
        && it.checkVisibility())";

/// To the middle of an element.
fn to(element: Element) -> PointerAction {
    PointerAction::MoveToElement {
        element,
        duration: None,
        x: 0.0,
        y: 0.0,
    }
}

/// What a moment later may be different: the element moves, or is new.
fn may_pass(error: &CmdError) -> bool {
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
