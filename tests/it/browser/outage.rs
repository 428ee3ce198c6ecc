//! The server is killed, sockets don't come through, a login ends: what one
//! typed stays, and arrives once.

use std::net::TcpListener;

use serde_json::json;

use crate::support::browser::{Browsers, DESKTOP, ENTER, Network, Tab, WRITE};
use crate::support::{Binary, Person, TestApp, until};

/// A port that nobody has, so that a server comes back where it was.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// What was said in a conversation, as the server has it.
async fn texts(person: &Person, id: i64) -> Vec<String> {
    let history = person.history(id).await;
    let texts = history.iter().map(|it| it["text"].as_str().unwrap());
    texts.map(str::to_owned).collect()
}

/// That a connection fails is all that there may be to complain of.
async fn only_missed_the_server(tab: &Tab) {
    let others = tab.complaints().await.into_iter();
    let others: Vec<_> = others.filter(|it| !is_of_the_network(it)).collect();
    assert!(others.is_empty(), "{others:#?}");
}

fn is_of_the_network(complaint: &str) -> bool {
    complaint.contains("net::ERR_") || complaint.contains("WebSocket connection to")
}

/// SIGKILL while one types and the other sends, twice; and what was typed with
/// no server there goes out by itself when there is one.
#[tokio::test]
async fn a_killed_server_loses_nothing_and_doubles_nothing() {
    let binary = Binary::migrated().await;
    let address = free_port();
    let listen: [(&str, &str); 1] = [("TIDINGS_LISTEN", &address)];
    let mut server = binary.serve(&listen).await;
    let ann = Person::register(&server.site, "ann").await;
    let ben = Person::register(&server.site, "ben").await;
    ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let browsers = Browsers::start().await;
    let anns = browsers.open_as(&ann, DESKTOP).await;
    let bens = browsers.open_as(&ben, DESKTOP).await;
    for tab in [&anns, &bens] {
        tab.open_conversation(id).await;
    }
    // Each hears of the other, whichever socket was first.
    for tab in [&anns, &bens] {
        tab.see(".bar .face.is-online").await;
    }
    bens.type_into(WRITE, "What I am about to ").await;
    let mut expected = vec!["The first.".to_owned()];
    for round in 1..=2 {
        let burst: Vec<_> = (1..=12).map(|at| format!("{round}, {at}")).collect();
        // As fast as keys can be pressed.
        let keys: Vec<_> = burst.iter().map(|it| format!("{it}{ENTER}")).collect();
        anns.type_into(WRITE, &keys.concat()).await;
        expected.extend(burst);
        server.signal("KILL").await;
        server.ended().await;
        anns.see_text(".banner", "Connecting…").await;
        anns.say(&format!("{round}, into the void")).await;
        expected.push(format!("{round}, into the void"));
        anns.see(".history .ticks[data-status=waiting]").await;
        server = until("the server to come back", async || {
            Some(binary.serve(&listen).await)
        })
        .await;
        bens.see_said(expected.last().unwrap()).await;
        anns.see_no(".history .ticks[data-status=waiting]").await;
        anns.see_no(".banner:not(:empty)").await;
    }
    // He was in the middle of a sentence all along.
    bens.press("say.").await;
    bens.press(ENTER).await;
    expected.push("What I am about to say.".to_owned());
    anns.see_said("What I am about to say.").await;
    assert_eq!(texts(&ann, id).await, expected);
    for tab in [&anns, &bens] {
        assert_eq!(tab.said().await, expected);
        tab.see_no(".typing").await;
        only_missed_the_server(tab).await;
    }
}

/// No socket ever opens, and for a while nothing can be sent at all, not even
/// across a new page; then all goes over REST.
#[tokio::test]
async fn without_a_socket_rest_takes_over() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.without_sockets().await;
    tab.open_conversation(id).await;
    tab.see_text(".banner", "Connecting…").await;
    tab.block(&["*/api/conversations/*/messages/"]).await;
    tab.say("Not yet").await;
    tab.type_into(WRITE, "a draft").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.see_text(".row-preview", "Not yet").await;
    assert_eq!(tab.axe().await, [""; 0]);
    tab.reload().await;
    tab.see(".history .ticks[data-status=waiting]").await;
    tab.see_said("Not yet").await;
    tab.comes_to(
        "return document.querySelector('.composer textarea').value",
        json!("a draft"),
    )
    .await;
    assert_eq!(texts(&ann, id).await, ["The first."]);
    tab.block(&[]).await;
    tab.see_no(".history .ticks[data-status=waiting]").await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(texts(&ann, id).await, ["The first.", "Not yet"]);
    // Nobody tells that there is an answer: it is asked for.
    ben.send(id, "An answer").await.expect(201);
    tab.see_said("An answer").await;
    let path = format!("/api/conversations/{id}/");
    until("what is seen to be read", async || {
        let seen = ann.get(&path).await.expect(200);
        (seen["unread_count"] == 0).then_some(())
    })
    .await;
    tab.type_into(WRITE, ", finished").await;
    tab.press(ENTER).await;
    tab.see_said("a draft, finished").await;
    only_missed_the_server(&tab).await;
}

/// Guards against a conversation that stayed empty for ever: its history was
/// asked for once.
#[tokio::test]
async fn a_history_that_does_not_come_is_asked_for_again() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".rows .row").await;
    tab.block(&["*/api/conversations/*/messages/"]).await;
    tab.click(".rows .row").await;
    tab.see_text(".toasts", "You seem to be offline.").await;
    tab.block(&[]).await;
    tab.see_said("The first.").await;
}

/// A login that ends takes its page along, a connection that ends the place
/// to write; both at once, and what was typed stays.
#[tokio::test]
async fn what_ends_is_seen_to_end() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.type_into(WRITE, "half a").await;
    let connections = ben.get("/api/connections/").await.expect(200);
    let connection = connections[0]["id"].as_i64().unwrap();
    ben.delete(&format!("/api/connections/{connection}/")).await;
    tab.see_text(".composer .closed", "not connected").await;
    tab.see_no(WRITE).await;
    tab.assert_good().await;
    ben.ask_to_connect(&ann).await.expect(201);
    tab.see_text(".composer .closed", "would like to connect")
        .await;
    tab.press_button(".people", "Accept").await;
    tab.see(WRITE).await;
    tab.see_no(".composer .closed").await;
    tab.type_into(WRITE, " sentence").await;

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
    tab.comes_to(
        "return document.querySelector('.composer textarea').value",
        json!("half a sentence"),
    )
    .await;
    tab.assert_good().await;
}

/// Guards against waiting for ever: why a socket is refused, browsers don't
/// tell, so a login that ended while nobody was there was never noticed.
#[tokio::test]
async fn a_login_that_ends_while_one_is_away_is_noticed_and_nothing_is_lost() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_said("The first.").await;
    tab.network(Network::Gone).await;
    tab.see_text(".banner", "Connecting…").await;
    tab.say("Written while away").await;
    tab.see(".history .ticks[data-status=waiting]").await;
    let other = ann.log_in_again().await;
    let logins = other.get("/api/auth/sessions/").await.expect(200);
    let mut logins = logins.as_array().unwrap().iter();
    let first = logins.find(|login| login["current"] == false).unwrap();
    let path = format!("/api/auth/sessions/{}/", first["id"]);
    other.delete(&path).await;
    tab.network(Network::Here).await;
    tab.see("form[action='/login']").await;
    assert_eq!(
        tab.path().await,
        format!("/login?next=%2Fmessages%3Fconversation%3D{id}")
    );
    assert_eq!(texts(&ben, id).await, ["The first."]);
    tab.log_in_as(&other).await;
    tab.open_conversation(id).await;
    tab.see(".history .message:last-child .ticks[data-status=sent]")
        .await;
    assert_eq!(texts(&ben, id).await, ["The first.", "Written while away"]);
}
