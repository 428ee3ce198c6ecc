//! `/admin`: what admins see and do, and that nobody else does.

mod accounts;
mod audit;
mod conversations;
mod gate;
mod lists;
mod overview;
mod recheck;
mod reports;
mod resets;

use entity::Millis;
use serde_json::Value;
use tidings::auth::passwords;
use tidings::protocol::{DisplayName, Password, Username};
use tidings::store::{Act, HouseStanding, NewUser};

use crate::pages::{Browser, Shown};
use crate::support::{PASSWORD, Person, Socket, TestApp};

/// Somebody who looks after the server, made one as the command line does.
pub(crate) async fn admin(app: &TestApp, username: &str) -> Person {
    let store = app.store().await;
    let new = NewUser {
        username: Username::parse(username).unwrap(),
        display_name: DisplayName::parse(username).unwrap(),
        password_hash: passwords::hash(&Password::existing(PASSWORD)).unwrap(),
        is_admin: false,
    };
    let user = store.create_user(new, Millis::now()).await.unwrap();
    let act = Act::at_the_command_line(Millis::now());
    store
        .set_standing(user.id, HouseStanding::Admin, &act)
        .await
        .unwrap();
    store.close().await;
    Person::log_in(app.site(), username, PASSWORD).await
}

/// An admin at a browser.
pub(crate) struct Keeper {
    person: Person,
    browser: Browser,
}

impl Keeper {
    pub(crate) async fn at(app: &TestApp) -> Self {
        let person = admin(app, "root").await;
        let mut browser = Browser::at(app);
        browser.log_in("root").await.expect(303);
        Self { person, browser }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        self.browser.get(path).await
    }

    /// Looks at an act's page, and has it done.
    pub(crate) async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let page = self.get(path).await.expect(200);
        page.check_page();
        self.browser.submit(path, fields).await
    }

    /// A file, asked for by the form of a page of the log.
    async fn download(&mut self, path: &str) -> Shown {
        self.get("/admin/audit").await.expect(200);
        self.browser.submit(path, &[]).await
    }

    /// The log's newest lines, as their table has them.
    async fn log(&mut self, query: &str) -> Vec<String> {
        let csv = self.download(&format!("/admin/audit.csv{query}")).await;
        let csv = csv.expect(200);
        let lines = csv.source.lines().skip(1);
        lines
            .filter(|line| !line.contains("audit.download"))
            .map(str::to_owned)
            .collect()
    }
}

/// The next frame of that type, where only the conversation itself is shown
/// before it.
pub(crate) async fn hear(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] != "conversation" {
            assert_eq!(frame["type"], kind, "{frame}");
            return frame;
        }
    }
}
