//! Accessibility checks by axe-core.

use serde_json::{Value, json};

use super::BrowserTab;

/// The source of axe-core. The driver injects it, so the page's content
/// security policy doesn't block it.
const AXE: &str = include_str!("../../../fixtures/axe/axe.min.js");

/// Returns one line for each serious finding. First waits until scrolling and
/// transitions have ended: a fading element, such as the label of a day, has
/// too little contrast.
const LOOK: &str = "
    const frame = () => new Promise(requestAnimationFrame);
    while (document.querySelector('.is-scrolling')) await frame();
    await frame();
    await Promise.allSettled(document.getAnimations()
        .filter((it) => it.effect.getComputedTiming().endTime !== Infinity)
        .map((it) => it.finished));
    const found = await window.axe.run(document, {
        preload: false, resultTypes: ['violations'],
    });
    const worst = found.violations.filter(({ impact }) => /serious|critical/u.test(impact));
    return worst.flatMap(({ id, help, nodes }) => nodes.map(({ html, any }) =>
        `${id}: ${help}: ${html.slice(0, 200)} ${any.map(({ message }) => message).join('; ')}`));
";

impl BrowserTab {
    /// Checks that the page has no serious accessibility violation and that the
    /// browser logged no warning or error.
    #[track_caller]
    pub(crate) fn assert_accessible(&self) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let findings = self.accessibility_faults().await;
            assert!(findings.is_empty(), "{place}: {findings:#?}");
            let complaints = self.console_errors().await;
            assert!(complaints.is_empty(), "{place}: {complaints:#?}");
        }
    }

    /// Returns the violations that axe-core rates serious or critical.
    pub(crate) async fn accessibility_faults(&self) -> Vec<String> {
        if self.script("return !window.axe", &[]).await == json!(true) {
            self.script(AXE, &[]).await;
        }
        let look = format!("return (async () => {{ {LOOK} }})()");
        let found: Value = self.script(&look, &[]).await;
        serde_json::from_value(found).unwrap()
    }
}
