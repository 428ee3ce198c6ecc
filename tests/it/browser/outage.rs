//! Killed servers, blocked sockets and ended logins: typed text is kept and
//! arrives exactly once.

use std::net::TcpListener;

use serde_json::json;

use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, NetworkState};
use crate::support::{TestApp, TestBinary, TestUser, until};

/// Returns an address with a free port, which each restarted server reuses.
pub(super) fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Returns the texts of a conversation from the server.
async fn texts(person: &TestUser, id: i64) -> Vec<String> {
    let history = person.history(id).await;
    let texts = history.iter().map(|it| it["text"].as_str().unwrap());
    texts.map(str::to_owned).collect()
}

/// Checks that the browser's console has no errors apart from failed network
/// connections.
async fn assert_only_network_errors(tab: &BrowserTab) {
    let others = tab.console_errors().await.into_iter();
    let others: Vec<_> = others.filter(|it| !is_of_the_network(it)).collect();
    assert!(others.is_empty(), "{others:#?}");
}

fn is_of_the_network(complaint: &str) -> bool {
    complaint.contains("net::ERR_") || complaint.contains("WebSocket connection to")
}

/// Kills the server twice while one user types and the other sends. Messages
/// written without a server are sent when it returns.
#[tokio::test]
async fn killed_server_loses_no_messages() {
    let binary = TestBinary::migrated().await;
    let address = free_port();
    let listen: [(&str, &str); 1] = [("TIDINGS_LISTEN", &address)];
    let mut server = binary.serve(&listen).await;
    let ann = TestUser::register(&server.site, "ann").await;
    let ben = TestUser::register(&server.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let browsers = BrowserDriver::start().await;
    let anns = browsers.open_as(&ann, DESKTOP).await;
    let bens = browsers.open_as(&ben, DESKTOP).await;
    for tab in [&anns, &bens] {
        tab.open_conversation(id).await;
    }
    // Waits until each page shows the other user as online.
    for tab in [&anns, &bens] {
        tab.see(".bar .face.is-online").await;
    }
    bens.type_into(COMPOSER, "What I am about to ").await;
    let mut expected = vec!["The first.".to_owned()];
    for round in 1..=2 {
        let burst: Vec<_> = (1..=12).map(|at| format!("{round}, {at}")).collect();
        // All messages in one fast input.
        let keys: Vec<_> = burst.iter().map(|it| format!("{it}{ENTER}")).collect();
        anns.type_into(COMPOSER, &keys.concat()).await;
        expected.extend(burst);
        server.signal("KILL").await;
        server.wait_for_exit().await;
        anns.see(".banner:not(:empty)").await;
        anns.send_text(&format!("{round}, into the void")).await;
        expected.push(format!("{round}, into the void"));
        anns.see(".history .ticks[data-status=waiting]").await;
        server = until("the server to come back", async || {
            Some(binary.serve(&listen).await)
        })
        .await;
        bens.see_message(expected.last().unwrap()).await;
        anns.see_absent(".history .ticks[data-status=waiting]")
            .await;
        anns.see_absent(".banner:not(:empty)").await;
    }
    // The unfinished text has survived both kills.
    bens.press("say.").await;
    bens.press(ENTER).await;
    expected.push("What I am about to say.".to_owned());
    anns.see_message("What I am about to say.").await;
    assert_eq!(texts(&ann, id).await, expected);
    for tab in [&anns, &bens] {
        assert_eq!(tab.said().await, expected);
        tab.see_absent(".typing").await;
        assert_only_network_errors(tab).await;
    }
}

/// The client works without any socket. A message that can't be sent at first
/// survives a reload and is sent over REST.
#[tokio::test]
async fn client_falls_back_to_rest() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_sockets().await;
    tab.open_conversation(id).await;
    tab.see_text(".banner", "Connecting…").await;
    tab.block_urls(&["*/api/conversations/*/messages/"]).await;
    tab.send_text("Not yet").await;
    tab.type_into(COMPOSER, "a draft").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.see_text(".row-preview", "Not yet").await;
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.reload().await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.see_message("Not yet").await;
    tab.wait_for_value(
        "return document.querySelector('.composer textarea').value",
        json!("a draft"),
    )
    .await;
    assert_eq!(texts(&ann, id).await, ["The first."]);
    tab.block_urls(&[]).await;
    tab.see_absent(".history .ticks[data-status=waiting]").await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(texts(&ann, id).await, ["The first.", "Not yet"]);
    // Without a socket, the client polls for new messages.
    ben.send(id, "An answer").await.expect(201);
    tab.see_message("An answer").await;
    let path = format!("/api/conversations/{id}/");
    until("visible messages to be read", async || {
        let seen = ann.get(&path).await.expect(200);
        (seen["unread_count"] == 0).then_some(())
    })
    .await;
    tab.type_into(COMPOSER, ", finished").await;
    tab.press(ENTER).await;
    tab.see_message("a draft, finished").await;
    assert_only_network_errors(&tab).await;
}

/// Guards against a conversation that stayed empty: its history was requested
/// only once.
#[tokio::test]
async fn failed_history_request_is_repeated() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".rows .row").await;
    tab.block_urls(&["*/api/conversations/*/messages/"]).await;
    tab.click(".rows .row").await;
    tab.see_text(".toasts", "You seem to be offline.").await;
    tab.block_urls(&[]).await;
    tab.see_message("The first.").await;
}

/// If another user ends the contact, a notice replaces the composer. If the
/// login ends, the page shows the login form. Typed text survives both.
#[tokio::test]
async fn ended_connection_and_login_keep_text() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(COMPOSER, "half a").await;
    let connections = ben.get("/api/connections/").await.expect(200);
    let connection = connections[0]["id"].as_i64().unwrap();
    ben.delete(&format!("/api/connections/{connection}/")).await;
    tab.see_text(".composer .closed", "no longer connected")
        .await;
    tab.see(".composer.is-closed textarea:read-only").await;
    tab.assert_accessible().await;
    ben.request_connection(&ann).await.expect(201);
    tab.see_text(".composer .closed", "wants to connect").await;
    tab.press_button(".people", "Accept").await;
    tab.see(".composer:not(.is-closed) textarea").await;
    tab.see_absent(".composer .closed").await;
    tab.type_into(COMPOSER, " sentence").await;

    let other = ann.log_in_again().await;
    let logins = other.get("/api/auth/sessions/").await.expect(200);
    let logins = logins.as_array().unwrap().iter();
    let mut first = logins.filter(|login| login["current"] == false);
    let login = first.next().unwrap()["id"].clone();
    other.delete(&format!("/api/auth/sessions/{login}/")).await;
    tab.see("form[action='/login']").await;
    assert!(tab.path().await.starts_with("/login"));
    tab.log_in_as(&other).await;
    tab.open_conversation(id).await;
    tab.wait_for_value(
        "return document.querySelector('.composer textarea').value",
        json!("half a sentence"),
    )
    .await;
    tab.assert_accessible().await;
}

/// Guards against reconnecting forever: browsers hide why a socket is refused,
/// so an ended login went unnoticed while the user was offline.
#[tokio::test]
async fn login_ended_offline_loses_nothing() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_message("The first.").await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    tab.send_text("Written while away").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    let other = ann.log_in_again().await;
    let logins = other.get("/api/auth/sessions/").await.expect(200);
    let mut logins = logins.as_array().unwrap().iter();
    let first = logins.find(|login| login["current"] == false).unwrap();
    let path = format!("/api/auth/sessions/{}/", first["id"]);
    other.delete(&path).await;
    tab.set_network(NetworkState::Online).await;
    tab.see("form[action='/login']").await;
    assert_eq!(
        tab.path().await,
        format!("/login?next=%2Fmessages%3Fconversation%3D{id}&ended=1")
    );
    tab.see_text(".account-page", "You were logged out on this device.")
        .await;
    assert_eq!(texts(&ben, id).await, ["The first."]);
    tab.log_in_as(&other).await;
    tab.open_conversation(id).await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(texts(&ben, id).await, ["The first.", "Written while away"]);
}

/// Records the times at which the page opens sockets.
pub(super) const ATTEMPTS: &str = "
    window.attempts = [];
    window.WebSocket = new Proxy(window.WebSocket, {
        construct(target, given) {
            window.attempts.push(performance.now());
            return Reflect.construct(target, given);
        },
    });";

/// The maximum time between two attempts to connect, in milliseconds: 3 s, and
/// the time that a busy machine takes.
const LONGEST_GAP: f64 = 3_600.0;

/// While a server is away for a short time, the client tries to connect often.
#[tokio::test]
async fn short_outage_ends_soon() {
    let binary = TestBinary::migrated().await;
    let address = free_port();
    let listen: [(&str, &str); 1] = [("TIDINGS_LISTEN", &address)];
    let mut server = binary.serve(&listen).await;
    let ann = TestUser::register(&server.site, "ann").await;
    let browsers = BrowserDriver::start().await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(ATTEMPTS).await;
    tab.goto("/messages").await;
    tab.wait_for_console_info("WebSocket connection established")
        .await;
    tab.script("window.attempts = [performance.now()]", &[])
        .await;
    server.signal("KILL").await;
    server.wait_for_exit().await;
    tab.see(".banner:not(:empty)").await;
    // Some attempts fail in more than 5 s.
    let duration = "return window.attempts.at(-1) - window.attempts[0]";
    until("attempts to connect", async || {
        let duration = tab.script(duration, &[]).await.as_f64();
        (duration > Some(8_000.0)).then_some(())
    })
    .await;
    let _server = until("the server to come back", async || {
        Some(binary.serve(&listen).await)
    })
    .await;
    tab.see_absent(".banner:not(:empty)").await;
    let attempts = tab.script("return window.attempts", &[]).await;
    let attempts: Vec<f64> = serde_json::from_value(attempts).unwrap();
    let gaps: Vec<f64> = attempts.windows(2).map(|it| it[1] - it[0]).collect();
    assert!(gaps.iter().all(|gap| *gap < LONGEST_GAP), "{gaps:?}");
    assert_only_network_errors(&tab).await;
}

/// The page logs each opened socket once.
#[tokio::test]
async fn each_opened_socket_is_logged() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(LOGGED).await;
    tab.goto("/messages").await;
    let opened = "WebSocket connection established";
    let logged = "return window.logged";
    tab.wait_for_value(logged, json!([opened])).await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    tab.set_network(NetworkState::Online).await;
    tab.wait_for_value(logged, json!([opened, opened])).await;
    tab.see_absent(".banner:not(:empty)").await;
    assert_eq!(tab.script(logged, &[]).await, json!([opened, opened]));
}

/// Collects what the page logs as information.
const LOGGED: &str = "
    window.logged = [];
    console.info = (text) => window.logged.push(text);";
