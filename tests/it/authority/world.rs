//! Somebody of every role, and what they ask about.

use entity::Millis;
use entity::UserId;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use tidings::store::{Act, HouseStanding};

use super::table::Row;
use crate::groups::crew::{invite, leave, make, remove, set_role};
use crate::support::{PASSWORD, Person, TestApp, within};

/// A server, and people on it.
pub(crate) struct World {
    pub(crate) app: TestApp,
    client: Client,
    people: Vec<(&'static str, Person)>,
    count: AtomicU32,
}

/// What is answered, as far as anybody could tell things apart by it.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The others in a group, beside who asks.
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

    /// The people of a server that has none yet.
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
            people.push((role, app.person(name).await));
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
        let act = Act::at_the_command_line(Millis::now());
        let admin = id("admin");
        store
            .set_standing(admin, HouseStanding::Admin, &act)
            .await
            .unwrap();
        store.deactivate(id("deactivated"), &act).await.unwrap();
        store.close().await;
        world
    }

    pub(crate) fn of(&self, role: &str) -> &Person {
        let mut people = self.people.iter();
        let found = people.find(|(name, _)| *name == role);
        &found.unwrap_or_else(|| panic!("no {role}")).1
    }

    /// Logs somebody in again whose last request ended that.
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

    /// A group with everybody of the crew in it but the spare one, whom the
    /// owner and the admins could invite, and the former one, who was.
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

    /// The same once those who are to be outside are.
    pub(crate) async fn part(&self, group: i64) {
        for role in ["spare", "former"] {
            let name = self.name(role);
            remove(self.of("owner"), group, name).await.expect(204);
        }
    }

    fn name(&self, role: &str) -> &str {
        &self.of(role).username
    }

    /// A name that nobody has.
    pub(crate) fn new_name(&self) -> String {
        format!("new-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody new.
    pub(crate) async fn somebody(&self) -> Person {
        self.app.person(&self.new_name()).await
    }

    /// Asks as a browser or program without a redirect of its own.
    pub(crate) async fn ask(&self, role: &str, row: &Row, (path, with): (&str, &str)) -> Told {
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
            // Whether a connection goes on after a body that nobody read
            // depends on when that came.
            .filter(|(name, _)| *name != "date" && *name != "connection");
        let mut headers: Vec<_> = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        // Their order is nobody's to choose: a table's, of another seed each.
        headers.sort();
        let body = match status {
            101 => String::new(),
            _ => within("a body", response.text()).await.unwrap(),
        };
        Told {
            status,
            headers,
            body,
        }
    }
}

impl Told {
    /// As a cell of the table has it.
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

/// What a row speaks of, made for whoever asks.
pub(crate) struct Things(Vec<(&'static str, String)>);

impl Things {
    /// All that `row` names.
    pub(crate) async fn of(world: &World, role: &str, row: &Row) -> Self {
        let names = |name: &str| row.door.contains(name) || row.with.contains(name);
        let mut things = Self(Vec::new());
        things.people(world);
        if names("{group}") {
            things.group(world, role).await;
        }
        let me = world.of(role);
        if names("{friend}") || names("{direct}") {
            let friend = world.somebody().await;
            me.connect_with(&friend).await;
            let direct = me.talk_with(&friend).await;
            things.set("{friend}", friend.username);
            things.set("{direct}", direct);
        }
        if names("{request}") {
            let asked = world.somebody().await.ask_to_connect(me).await.expect(201);
            things.set("{request}", &asked["id"]);
        }
        if names("{somebody}") {
            things.set("{somebody}", world.somebody().await.username);
        }
        if names("{others request}") || names("{others direct}") {
            let (one, two) = (world.somebody().await, world.somebody().await);
            things.set("{others request}", one.connect_with(&two).await);
            things.set("{others direct}", one.talk_with(&two).await);
        }
        if names("{leaver}") {
            let (group, leaver) = (things.get("{group}"), world.somebody().await);
            for inviter in ["owner", "group admin"] {
                world.of(inviter).connect_with(&leaver).await;
            }
            go_and_leave(world.of("owner"), &leaver, group).await;
            things.set("{leaver}", leaver.username);
        }
        if names("{invitation}") {
            things.set("{invitation}", invitation(world, me).await);
        }
        if names("{others invitation}") {
            let other = world.somebody().await;
            things.set("{others invitation}", invitation(world, &other).await);
        }
        if names("{report}") {
            things.set("{report}", report(world).await);
        }
        if names("{login}") {
            things.set("{login}", login_of(me).await);
        }
        if names("{others login}") {
            things.set("{others login}", login_of(&world.somebody().await).await);
        }
        if names("{account}") {
            let other = world.somebody().await;
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
        let sent = async |person: &Person| {
            let sent = person.send(group, "Hello!").await.expect(201);
            sent["id"].clone()
        };
        // The mate's comes last: sending reads what stands before.
        self.set("{own}", sent(own).await);
        self.set("{message}", sent(mate).await);
        world.part(group).await;
        self.set("{group}", group);
    }

    /// The id that a name is filled with.
    fn get(&self, key: &str) -> i64 {
        self.find(key).unwrap().parse().unwrap()
    }

    /// What a name is filled with.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let mut things = self.0.iter();
        let found = things.find(|(key, _)| *key == name);
        found.map(|(_, value)| &**value)
    }

    fn set(&mut self, key: &'static str, value: impl ToString) {
        self.0.push((key, value.to_string()));
    }

    /// `text` with what it names.
    pub(crate) fn fill(&self, text: &str) -> String {
        let filled = self.0.iter().fold(text.to_owned(), |text, (key, value)| {
            text.replace(key, value)
        });
        // What is left open is JSON.
        let open = filled.split('{').skip(1);
        let is_json = |part: &str| part.starts_with('"') || part.starts_with('}');
        assert!(open.clone().all(is_json), "{filled}");
        filled
    }
}

/// Has somebody join a group, and leave it.
async fn go_and_leave(owner: &Person, leaver: &Person, group: i64) {
    invite(owner, group, &leaver.username).await.expect(201);
    leave(leaver, group).await.expect(200);
}

/// An invitation of this user to a group that they left.
async fn invitation(world: &World, user: &Person) -> Value {
    let (owner, other) = (world.somebody().await, world.somebody().await);
    owner.connect_with(user).await;
    owner.connect_with(&other).await;
    let made = make(&owner, "Left", &[&other.username]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    go_and_leave(&owner, user, group).await;
    invite(&owner, group, &user.username).await.expect(202);
    let list = user.get("/api/invitations/").await.expect(200);
    list[0]["id"].clone()
}

/// A report of a message.
async fn report(world: &World) -> i64 {
    let (one, two) = (world.somebody().await, world.somebody().await);
    one.connect_with(&two).await;
    let sent = one.direct_with(&two).await;
    let message = one.send(sent, "Hello!").await.expect(201);
    let path = format!(
        "/api/conversations/{sent}/messages/{}/report/",
        message["id"]
    );
    let reason = json!({ "reason": "Spam" });
    two.post(&path, reason).await.expect(201);
    let store = world.app.store().await;
    let newest = store.reports(false, None, 1).await.unwrap();
    store.close().await;
    newest[0].report.id.0
}

async fn login_of(person: &Person) -> Value {
    let again = person.log_in_again().await;
    let list = again.get("/api/auth/sessions/").await.expect(200);
    let list = list.as_array().unwrap();
    let mine = list.iter().find(|login| login["current"] == json!(true));
    mine.unwrap()["id"].clone()
}
