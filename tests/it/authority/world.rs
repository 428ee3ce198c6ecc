//! A user of every role, and the objects that requests name.

use entity::Millis;
use entity::UserId;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use tidings::store::{AccountRole, AuditContext};

use super::table::Row;
use crate::groups::crew::{invite, leave, make, remove, set_role};
use crate::support::{PASSWORD, TestApp, TestUser, within};

/// A server with one user of each role.
pub(crate) struct World {
    pub(crate) app: TestApp,
    client: Client,
    people: Vec<(&'static str, TestUser)>,
    count: AtomicU32,
}

/// The parts of a response that a client can compare with those of another
/// response.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The roles of the members of each test group. [`World::part`] later removes
/// `spare` and `former`.
const CREW: [&str; 7] = [
    "owner",
    "group admin",
    "warden",
    "participant",
    "mate",
    "spare",
    "former",
];

impl World {
    pub(crate) async fn new() -> Self {
        Self::of_app(TestApp::spawn().await).await
    }

    /// Registers the users on a server that has none yet.
    pub(crate) async fn of_app(app: TestApp) -> Self {
        let mut people = Vec::new();
        for (role, name) in [
            ("owner", "olga"),
            ("group admin", "greta"),
            ("warden", "wanda"),
            ("participant", "paul"),
            ("mate", "mona"),
            ("spare", "sven"),
            ("former", "fred"),
            ("user", "ulla"),
            ("admin", "rhea"),
            ("deactivated", "dora"),
        ] {
            people.push((role, app.register_user(name).await));
        }
        let world = Self {
            app,
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            people,
            count: AtomicU32::new(0),
        };
        for one in CREW {
            for other in CREW.iter().skip_while(|name| **name != one).skip(1) {
                world.of(one).connect_with(world.of(other)).await;
            }
        }
        let store = world.app.store().await;
        let id = |role| UserId(world.of(role).id);
        let act = AuditContext::from_command_line(Millis::now());
        let admin = id("admin");
        store
            .accounts()
            .set_role(admin, AccountRole::Admin, &act)
            .await
            .unwrap();
        store
            .accounts()
            .deactivate(id("deactivated"), &act)
            .await
            .unwrap();
        store.close().await;
        world
    }

    pub(crate) fn of(&self, role: &str) -> &TestUser {
        let mut people = self.people.iter();
        let found = people.find(|(name, _)| *name == role);
        &found.unwrap_or_else(|| panic!("no {role}")).1
    }

    /// Logs a user in again if the last request ended the login.
    pub(crate) async fn refresh(&mut self, role: &str) {
        if ["stranger", "deactivated"].contains(&role) {
            return;
        }
        let person = self.of(role).clone();
        if person.get("/api/me/").await.status == 401 {
            let again = person.log_in_again().await;
            let mut people = self.people.iter_mut();
            people.find(|(name, _)| *name == role).unwrap().1 = again;
        }
    }

    /// Creates a group of the whole crew. [`Self::part`] later removes two of
    /// them.
    pub(crate) async fn group(&self) -> i64 {
        let owner = self.of("owner");
        let others: Vec<&str> = CREW[1..].iter().map(|role| self.name(role)).collect();
        let made = make(owner, "Crew", &others).await.expect(201);
        let id = made["id"].as_i64().unwrap();
        for role in ["group admin", "warden"] {
            let name = self.name(role);
            set_role(owner, id, name, "admin").await.expect(200);
        }
        id
    }

    /// Removes `former` and `spare`. The owner and admins may invite `spare`
    /// again.
    pub(crate) async fn part(&self, group: i64) {
        for role in ["spare", "former"] {
            let name = self.name(role);
            remove(self.of("owner"), group, name).await.expect(204);
        }
    }

    fn name(&self, role: &str) -> &str {
        &self.of(role).username
    }

    /// Returns an unused username.
    pub(crate) fn new_name(&self) -> String {
        format!("new-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Registers a new user.
    pub(crate) async fn new_user(&self) -> TestUser {
        self.app.register_user(&self.new_name()).await
    }

    /// Sends the row's request as `role` and follows no redirect.
    pub(crate) async fn ask(&self, role: &str, row: &Row, (path, with): (&str, &str)) -> Outcome {
        let method = Method::from_bytes(row.method().as_bytes()).unwrap();
        let mut request = self.client.request(method, self.app.site().url(path));
        if role != "stranger" {
            request = request.bearer_auth(&self.of(role).token);
        }
        if path.starts_with("/ws") {
            request = request
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        }
        request = match with {
            "" => request,
            json if json.starts_with('{') => request
                .header("content-type", "application/json")
                .body(json.to_owned()),
            form => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned()),
        };
        let response = within("an answer", request.send()).await.unwrap();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            // Whether the connection is kept after an unread body depends on
            // when the body arrived.
            .filter(|(name, _)| *name != "date" && *name != "connection");
        let mut headers: Vec<_> = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        // The order of the headers comes from a hash table, whose seed is
        // random.
        headers.sort();
        let body = match status {
            101 => String::new(),
            _ => within("a body", response.text()).await.unwrap(),
        };
        Outcome {
            status,
            headers,
            body,
        }
    }
}

impl Outcome {
    /// Returns the response in the form of the table's cells.
    pub(crate) fn cell(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let location = self.headers.iter().find(|(name, _)| name == "location");
        let is_login = location.is_some_and(|(_, to)| to.split('?').next() == Some("/login"));
        match (self.status, body["code"].as_str()) {
            (401, Some("unauthenticated")) | (404, Some("not_found")) => self.status.to_string(),
            (status, Some(code)) if status >= 400 => format!("{status} {code}"),
            (status, _) if is_login => format!("{status} to login"),
            (status, _) => status.to_string(),
        }
    }
}

/// The values of the placeholders in a row, created for one role.
pub(crate) struct Things(Vec<(&'static str, String)>);

impl Things {
    /// Creates all objects that `row` names.
    pub(crate) async fn of(world: &World, role: &str, row: &Row) -> Self {
        let names = |name: &str| row.target.contains(name) || row.with.contains(name);
        let mut things = Self(Vec::new());
        things.people(world);
        if names("{group}") {
            things.group(world, role).await;
        }
        let me = world.of(role);
        if names("{friend}") || names("{direct}") {
            let friend = world.new_user().await;
            me.connect_with(&friend).await;
            let direct = me.open_direct_used(&friend).await;
            things.set("{friend}", friend.username);
            things.set("{direct}", direct);
        }
        if names("{request}") {
            let other = world.new_user().await;
            let asked = other.request_connection(me).await.expect(201);
            things.set("{request}", &asked["id"]);
        }
        if names("{somebody}") {
            things.set("{somebody}", world.new_user().await.username);
        }
        if names("{others request}") || names("{others direct}") {
            let (one, two) = (world.new_user().await, world.new_user().await);
            things.set("{others request}", one.connect_with(&two).await);
            things.set("{others direct}", one.open_direct_used(&two).await);
        }
        if names("{leaver}") {
            let (group, leaver) = (things.get("{group}"), world.new_user().await);
            for inviter in ["owner", "group admin"] {
                world.of(inviter).connect_with(&leaver).await;
            }
            join_and_leave(world.of("owner"), &leaver, group).await;
            things.set("{leaver}", leaver.username);
        }
        if names("{invitation}") {
            things.set("{invitation}", invitation(world, me).await);
        }
        if names("{others invitation}") {
            let other = world.new_user().await;
            things.set("{others invitation}", invitation(world, &other).await);
        }
        if names("{report}") {
            things.set("{report}", report(world).await);
        }
        if names("{login}") {
            things.set("{login}", login_of(me).await);
        }
        if names("{others login}") {
            things.set("{others login}", login_of(&world.new_user().await).await);
        }
        if names("{account}") {
            let other = world.new_user().await;
            things.set("{account}", other.id);
            things.set("{their login}", login_of(&other).await);
        }
        things.set("{new}", world.new_name());
        things
    }

    fn people(&mut self, world: &World) {
        for (key, role) in [
            ("{owner}", "owner"),
            ("{warden}", "warden"),
            ("{mate}", "mate"),
            ("{spare}", "spare"),
            ("{dora}", "deactivated"),
        ] {
            self.set(key, &world.of(role).username);
        }
        for (key, word) in [
            ("{password}", PASSWORD),
            ("{emoji}", "👍"),
            ("{file}", "css/tokens.css"),
            ("{ask}", "ask"),
            ("{block}", "block"),
            ("{act}", "end-logins"),
        ] {
            self.set(key, word);
        }
    }

    async fn group(&mut self, world: &World, role: &str) {
        let group = world.group().await;
        let in_it = ["participant", "former", "group admin", "owner"].contains(&role);
        let mate = world.of("mate");
        let own = if in_it { world.of(role) } else { mate };
        let sent = async |person: &TestUser| {
            let sent = person.send(group, "Hello!").await.expect(201);
            sent["id"].clone()
        };
        // The mate sends last, because sending marks earlier messages as read.
        self.set("{own}", sent(own).await);
        self.set("{message}", sent(mate).await);
        world.part(group).await;
        self.set("{group}", group);
    }

    /// Returns the id behind a placeholder.
    fn get(&self, key: &str) -> i64 {
        self.find(key).unwrap().parse().unwrap()
    }

    /// Returns the value of a placeholder.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let mut things = self.0.iter();
        let found = things.find(|(key, _)| *key == name);
        found.map(|(_, value)| &**value)
    }

    fn set(&mut self, key: &'static str, value: impl ToString) {
        self.0.push((key, value.to_string()));
    }

    /// Returns `text` with its placeholders replaced.
    pub(crate) fn fill(&self, text: &str) -> String {
        let filled = self.0.iter().fold(text.to_owned(), |text, (key, value)| {
            text.replace(key, value)
        });
        // Remaining braces belong to JSON.
        let open = filled.split('{').skip(1);
        let is_json = |part: &str| part.starts_with('"') || part.starts_with('}');
        assert!(open.clone().all(is_json), "{filled}");
        filled
    }
}

/// Invites a user to a group, which the user then leaves.
async fn join_and_leave(owner: &TestUser, leaver: &TestUser, group: i64) {
    invite(owner, group, &leaver.username).await.expect(201);
    leave(leaver, group).await.expect(200);
}

/// Creates an invitation of `user` to a group that the user left.
async fn invitation(world: &World, user: &TestUser) -> Value {
    let (owner, other) = (world.new_user().await, world.new_user().await);
    owner.connect_with(user).await;
    owner.connect_with(&other).await;
    let made = make(&owner, "Left", &[&other.username]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    join_and_leave(&owner, user, group).await;
    invite(&owner, group, &user.username).await.expect(202);
    let list = user.get("/api/invitations/").await.expect(200);
    list[0]["id"].clone()
}

/// Creates a report of a message.
async fn report(world: &World) -> i64 {
    let (one, two) = (world.new_user().await, world.new_user().await);
    one.connect_with(&two).await;
    let sent = one.open_direct(&two).await;
    let message = one.send(sent, "Hello!").await.expect(201);
    let path = format!(
        "/api/conversations/{sent}/messages/{}/report/",
        message["id"]
    );
    let reason = json!({ "reason": "Spam" });
    two.post(&path, reason).await.expect(201);
    let store = world.app.store().await;
    let newest = store.reports().list(false, None, 1).await.unwrap();
    store.close().await;
    newest[0].report.id.0
}

async fn login_of(person: &TestUser) -> Value {
    let again = person.log_in_again().await;
    let list = again.get("/api/auth/sessions/").await.expect(200);
    let list = list.as_array().unwrap();
    let mine = list.iter().find(|login| login["current"] == json!(true));
    mine.unwrap()["id"].clone()
}
