//! Connection requests and invitations, by the forms above the list.

use super::messages::at_the_list;
use crate::groups::crew::{group, invite, leave};
use crate::support::TestApp;

#[tokio::test]
async fn new_user_sees_first_steps() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let (_, list) = at_the_list(&app, "ann").await;
    list.check_page();
    assert!(list.text.contains("<details class=\"find\" open>"));
    assert!(
        list.text
            .contains("Enter the username of a person you know.")
    );
}

#[tokio::test]
async fn request_is_accepted_by_forms() {
    let app = TestApp::spawn().await;
    let (_ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut socket = ben.socket("/ws/").await;
    let (mut hers, _) = at_the_list(&app, "ann").await;
    let fields = [("username", " @Ben ")];
    let asked = hers.submit("/messages/requests", &fields).await.expect(303);
    assert_eq!(asked.location(), "/messages");
    let frame = socket.expect("connection").await;
    let id = frame["connection"]["id"].as_i64().unwrap();
    let list = hers.get("/messages").await.expect(200);
    assert!(
        list.text
            .contains("</strong> hasn’t accepted your request yet.")
    );
    let early = hers.submit("/messages/chat", &fields).await.expect(403);
    assert!(
        early
            .text
            .contains("\u{2068}ben\u{2069} hasn’t accepted your request yet.")
    );
    // A second request changes nothing.
    hers.submit("/messages/requests", &fields).await.expect(303);

    let (mut his, list) = at_the_list(&app, "ben").await;
    assert!(
        list.text
            .contains("aria-label=\"Accept the request of ann\"")
    );
    let accept = format!("/messages/requests/{id}/accept");
    assert!(list.text.contains(&format!("action=\"{accept}\"")));
    let accepted = his.submit(&accept, &[]).await.expect(303);
    assert_eq!(accepted.location(), "/messages/chat/ann/");
    his.get("/messages/chat/ann/").await.expect(200);
    let list = hers.get("/messages").await.expect(200);
    assert!(list.text.contains("href=\"/messages/chat/ben/\""));
    let open = hers.submit("/messages/chat", &fields).await.expect(303);
    assert_eq!(open.location(), "/messages/chat/ben/");
}

#[tokio::test]
async fn request_is_declined_by_form() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    let (mut his, _) = at_the_list(&app, "ben").await;
    let decline = format!("/messages/requests/{}/decline", asked["id"]);
    let declined = his.submit(&decline, &[]).await.expect(303);
    assert_eq!(declined.location(), "/messages");
    let list = his.get("/messages").await.expect(200);
    assert!(!list.text.contains("wants to connect"));
    let none = ann.get("/api/connections/").await.expect(200);
    assert_eq!(none.as_array().unwrap().len(), 0);
    his.submit(&decline, &[]).await.expect(404);
}

#[tokio::test]
async fn group_invitation_is_answered_by_forms() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let (mut his, list) = at_the_list(&app, "ben").await;
    assert!(!list.text.contains("invited you to rejoin"));
    for act in ["accept", "decline"] {
        leave(&people[1], id).await.expect(200);
        invite(&people[0], id, "ben").await.expect(202);
        let known = people[1].get("/api/invitations/").await.expect(200);
        let path = format!("/messages/invitations/{}", known[0]["id"]);
        let list = his.get("/messages").await.expect(200);
        list.check_page();
        let hint = "\u{2068}ann\u{2069} invited you to rejoin";
        assert!(list.text.contains(hint), "{}", list.text);
        assert!(list.text.contains(&format!("action=\"{path}/accept\"")));
        assert!(
            list.text
                .contains(&format!("formaction=\"{path}/decline\""))
        );
        let answered = his.submit(&format!("{path}/{act}"), &[]).await.expect(303);
        match act {
            "accept" => assert_eq!(answered.location(), format!("/messages?conversation={id}")),
            _ => assert_eq!(answered.location(), "/messages"),
        }
        his.submit(&format!("{path}/{act}"), &[]).await.expect(404);
        let list = his.get("/messages").await.expect(200);
        assert!(!list.text.contains("invited you to rejoin"));
    }
    assert_eq!(people[1].conversation(id).await["left"], true);
}

#[tokio::test]
async fn invalid_username_stays_in_form() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    app.register_user("ben").await;
    let (mut browser, _) = at_the_list(&app, "ann").await;
    for (path, name, status, why) in [
        (
            "/messages/chat",
            "nobody",
            422,
            "No account with this username.",
        ),
        (
            "/messages/requests",
            "no\"<b>",
            422,
            "No account with this username.",
        ),
        (
            "/messages/chat",
            "ben",
            403,
            "You’re not connected with \u{2068}ben\u{2069}. Connect first.",
        ),
        (
            "/messages/requests",
            "ann",
            409,
            "You can&#39;t connect with yourself.",
        ),
    ] {
        let refused = browser.submit(path, &[("username", name)]).await;
        let refused = refused.expect(status);
        refused.check_page();
        assert!(refused.text.contains(why), "{why} in {}", refused.text);
        let kept = name
            .replace('"', "&#34;")
            .replace('<', "&#60;")
            .replace('>', "&#62;");
        let kept = format!("name=\"username\" value=\"{kept}\"");
        assert!(refused.text.contains(&kept), "{kept} in {}", refused.text);
    }
}
