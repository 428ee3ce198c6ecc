//! Waiting for what is to be seen.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::Tab;
use crate::support::wait::looked_for;

impl Tab {
    /// Waits until there is something that this names.
    pub(crate) async fn see(&self, selector: &str) {
        self.until(&format!("{selector} to be seen"), async || {
            self.is_seen(selector).await.then_some(())
        })
        .await;
    }

    /// Waits until nothing that this names is seen.
    pub(crate) async fn see_no(&self, selector: &str) {
        self.until(&format!("{selector} to be gone"), async || {
            (!self.is_seen(selector).await).then_some(())
        })
        .await;
    }

    async fn is_seen(&self, selector: &str) -> bool {
        let script = "return [...document.querySelectorAll(arguments[0])]\
             .some((it) => it.checkVisibility({ visibilityProperty: true }))";
        self.script(script, &[json!(selector)]).await == json!(true)
    }

    /// Waits until what this names says something with this in it.
    pub(crate) async fn see_text(&self, selector: &str, text: &str) {
        let what = format!("{selector} to say {text:?}");
        self.until(&what, async || {
            let texts = self.texts(selector).await;
            texts.iter().any(|it| it.contains(text)).then_some(())
        })
        .await;
    }

    /// What everything that this names says, as it is read: without the signs
    /// that isolate names in it.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])]\
             .map((it) => it.innerText.replace(/[\\u2068\\u2069]/gu, '').trim())";
        let texts = self.script(script, &[json!(selector)]).await;
        serde_json::from_value(texts).unwrap()
    }

    /// Waits until a script returns this value. A script that throws is run
    /// again: the page may not have drawn its elements yet.
    pub(crate) async fn comes_to(&self, script: &str, expected: Value) {
        let last = RefCell::new(Value::Null);
        let what = format!("{script} to come to {expected}");
        self.until_or(&what, &last, async || {
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

    /// Waits for what can be seen.
    async fn until(&self, what: &str, look: impl AsyncFnMut() -> Option<()>) {
        self.until_or(what, &RefCell::default(), look).await;
    }

    /// The same; where it doesn't come in time, what was there instead is told.
    async fn until_or(
        &self,
        what: &str,
        last: &RefCell<Value>,
        look: impl AsyncFnMut() -> Option<()>,
    ) {
        if looked_for(look).await.is_some() {
            return;
        }
        let said = self.script("return document.body?.innerText", &[]).await;
        let (path, complaints) = (self.path().await, self.complaints().await);
        panic!(
            "waited too long for {what}; seen last: {}; complaints: {complaints:#?}; \
             {path} says:\n{}",
            last.borrow(),
            said.as_str().unwrap_or_default(),
        );
    }
}
