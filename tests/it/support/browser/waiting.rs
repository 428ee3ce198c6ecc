//! Waiting for visible changes of a page.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::BrowserTab;
use crate::support::wait::poll_until;

impl BrowserTab {
    /// Waits until a match of `selector` is visible.
    pub(crate) async fn see(&self, selector: &str) {
        self.wait_until(&format!("{selector} to be seen"), async || {
            self.is_seen(selector).await.then_some(())
        })
        .await;
    }

    /// Waits until no match of `selector` is visible.
    pub(crate) async fn see_absent(&self, selector: &str) {
        self.wait_until(&format!("{selector} to be gone"), async || {
            (!self.is_seen(selector).await).then_some(())
        })
        .await;
    }

    async fn is_seen(&self, selector: &str) -> bool {
        let script = "return [...document.querySelectorAll(arguments[0])]\
             .some((it) => it.checkVisibility({ visibilityProperty: true }))";
        self.script(script, &[json!(selector)]).await == json!(true)
    }

    /// Waits until the text of a match of `selector` contains `text`.
    pub(crate) async fn see_text(&self, selector: &str, text: &str) {
        let what = format!("{selector} to say {text:?}");
        self.wait_until(&what, async || {
            let texts = self.texts(selector).await;
            texts.iter().any(|it| it.contains(text)).then_some(())
        })
        .await;
    }

    /// Returns the visible text of each match, without the characters that
    /// isolate names from their surroundings (U+2068, U+2069).
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])]\
             .map((it) => it.innerText.replace(/[\\u2068\\u2069]/gu, '').trim())";
        let texts = self.script(script, &[json!(selector)]).await;
        serde_json::from_value(texts).unwrap()
    }

    /// Waits until the page has logged this text as information.
    pub(crate) async fn wait_for_console_info(&self, text: &str) {
        self.wait_until(&format!("{text:?} in the console"), async || {
            let infos = self.console_infos().await;
            infos.iter().any(|it| it.contains(text)).then_some(())
        })
        .await;
    }

    /// Waits until a script returns this value. A script that throws is run
    /// again: the page may not have drawn its elements yet.
    pub(crate) async fn wait_for_value(&self, script: &str, expected: Value) {
        let last = RefCell::new(Value::Null);
        let what = format!("{script} to come to {expected}");
        self.wait_until_or(&what, &last, async || {
            let now = match self.try_script(script, &[]).await {
                Ok(value) => value,
                Err(error) => json!(error.to_string()),
            };
            let is_so = now == expected;
            last.replace(now);
            is_so.then_some(())
        })
        .await;
    }

    /// Waits until `look` finds something.
    async fn wait_until(&self, what: &str, look: impl AsyncFnMut() -> Option<()>) {
        self.wait_until_or(what, &RefCell::default(), look).await;
    }

    /// Waits until `look` finds something. A timeout reports `last` and the
    /// page's text.
    async fn wait_until_or(
        &self,
        what: &str,
        last: &RefCell<Value>,
        look: impl AsyncFnMut() -> Option<()>,
    ) {
        if poll_until(look).await.is_some() {
            return;
        }
        let said = self.script("return document.body?.innerText", &[]).await;
        let (path, complaints) = (self.path().await, self.console_errors().await);
        panic!(
            "waited too long for {what}; seen last: {}; complaints: {complaints:#?}; \
             {path} says:\n{}",
            last.borrow(),
            said.as_str().unwrap_or_default(),
        );
    }
}
