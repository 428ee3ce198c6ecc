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
        self.click_found(FIRST, &[json!(selector)]).await;
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
        self.tap_found(FIRST, &[json!(selector)]).await;
    }

    /// Right-clicks the last that this names: in a message, its bubble.
    pub(crate) async fn click_right(&self, selector: &str) {
        self.see(selector).await;
        let last = "const it = [...document.querySelectorAll(arguments[0])].at(-1);
             return it?.querySelector('.bubble') ?? it";
        self.act_on(last, &[json!(selector)], async |found| {
            let button = MOUSE_BUTTON_RIGHT;
            let steps = MouseActions::new("mouse".to_owned())
                .then(to(found))
                .then(PointerAction::Down { button })
                .then(PointerAction::Up { button });
            self.client.perform_actions(steps).await
        })
        .await;
    }

    /// Types into the first that this names, once it is there.
    pub(crate) async fn type_into(&self, selector: &str, keys: &str) {
        self.see(selector).await;
        self.act_on(FIRST, &[json!(selector)], async |found| {
            found.send_keys(keys).await
        })
        .await;
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
        self.act_on(FIRST, &[json!(selector)], async |field| {
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

    /// Clicks what a script finds.
    async fn click_found(&self, script: &str, arguments: &[Value]) {
        self.act_on(script, arguments, async |found| found.click().await)
            .await;
    }

    /// Taps what a script finds, once it holds still.
    async fn tap_found(&self, script: &str, arguments: &[Value]) {
        self.script(HOLDS_STILL, &[]).await;
        self.act_on(script, arguments, async |found| {
            let button = 0;
            let steps = TouchActions::new("finger".to_owned())
                .then(to(found))
                .then(PointerAction::Down { button })
                .then(PointerAction::Up { button });
            self.client.perform_actions(steps).await
        })
        .await;
    }

    /// Acts on what a script finds. It may still move, or be drawn anew between
    /// the two commands: then the action is repeated on what is there.
    async fn act_on(
        &self,
        script: &str,
        arguments: &[Value],
        act: impl AsyncFn(Element) -> Result<(), CmdError>,
    ) {
        let mut problem = None;
        let acted = looked_for(async || {
            let found = self.found(script, arguments).await?;
            match within("an action", act(found)).await {
                Ok(()) => Some(()),
                Err(error) if may_pass(&error) => {
                    problem = Some(error);
                    None
                }
                Err(error) => panic!("{arguments:?}: {error}"),
            }
        })
        .await;
        assert!(acted.is_some(), "{arguments:?}: {problem:?}");
    }

    /// What a script finds; it reads, and never acts.
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

/// The first that a selector names.
const FIRST: &str = "return document.querySelector(arguments[0])";

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
