//! The mark of the product, the icons, and the steps of secondary text.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, DESKTOP};

/// Returns the widths of the strokes of all icons in pixels, each once. A shape
/// whose stroke grows with its icon is listed as such.
const STROKES: &str = "
    const shapes = [...document.querySelectorAll('.mark path, .mark circle, .symbols path')]
        .filter((it) => !it.hasAttribute('stroke-width'));
    return [...new Set(shapes.map((it) => {
        const { strokeWidth, vectorEffect } = getComputedStyle(it);
        const icon = it.closest('.mark');
        const width = icon ? strokeWidth : '1.6px';
        return vectorEffect === 'non-scaling-stroke' ? width : `${width} grows`;
    }))]";

/// Returns the contrast of the second argument's text with that of the first.
const STEP: &str = "
    const shade = (selector) => {
        const context = document.createElement('canvas').getContext('2d');
        context.fillStyle = getComputedStyle(document.querySelector(selector)).color;
        context.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data]
            .map((part) => part / 255)
            .map((part) => (part <= 0.04 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const [first, second] = [...arguments].map(shade);
    return Math.max(first, second) / Math.min(first, second)";

#[tokio::test]
async fn mark_and_icons_are_one_set() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open(app.site(), DESKTOP).await;
    tab.goto("/login").await;
    tab.see(".brand .mark").await;
    tab.wait_for_value(STROKES, json!(["1.6px"])).await;
    tab.log_in_as(&ann).await;
    tab.open_conversation(id).await;
    tab.wait_for_value(STROKES, json!(["1.6px"])).await;
    for scheme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", scheme).await;
        let steps = [json!(".row-preview"), json!(".row-time")];
        let step: Value = tab.script(STEP, &steps).await;
        assert!(step.as_f64().unwrap() > 1.2, "{scheme}: {step}");
        assert_eq!(tab.accessibility_faults().await, [""; 0]);
    }
}
