//! `/admin`: what admins see and do, and that other users can't.

mod access;
mod accounts;
mod audit;
mod conversations;
mod lists;
mod overview;
mod recheck;
mod reports;
mod resets;

use entity::Millis;
use serde_json::Value;
use tidings::auth::passwords;
use tidings::protocol::{DisplayName, Password, Username};
use tidings::store::{AccountRole, AuditContext, NewUser};

use crate::pages::{Browser, Shown};
use crate::support::{PASSWORD, TestApp, TestSocket, TestUser};

/// Creates an admin as the command line does, and logs in.
pub(crate) async fn admin(app: &TestApp, username: &str) -> TestUser {
    let store = app.store().await;
    let new = NewUser {
        username: Username::parse(username).unwrap(),
        display_name: DisplayName::parse(username).unwrap(),
        password_hash: passwords::hash(&Password::from_existing(PASSWORD)).unwrap(),
        is_admin: false,
    };
    let user = store.users().create(new, Millis::now()).await.unwrap();
    let act = AuditContext::from_command_line(Millis::now());
    store
        .accounts()
        .set_role(user.id, AccountRole::Admin, &act)
        .await
        .unwrap();
    store.close().await;
    TestUser::log_in(app.site(), username, PASSWORD).await
}

/// An admin with a logged-in browser.
pub(crate) struct Keeper {
    person: TestUser,
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

    /// Opens the page of an admin action, checks it and submits its form.
    pub(crate) async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let page = self.get(path).await.expect(200);
        page.check_page();
        self.browser.submit(path, fields).await
    }

    /// Downloads a file by the form of the audit log's page.
    async fn download(&mut self, path: &str) -> Shown {
        self.get("/admin/audit").await.expect(200);
        self.browser.submit(path, &[]).await
    }

    /// Returns the CSV lines of the audit log that `query` selects, newest
    /// first. Omits entries of downloads.
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

/// Returns the next frame of this type. `conversation` frames may come before
/// it, and so may `user` frames, which the server sends at its own pace.
pub(crate) async fn expect_frame(socket: &mut TestSocket, kind: &str) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] == kind {
            return frame;
        }
        let is_aside = frame["type"] == "conversation" || frame["type"] == "user";
        assert!(is_aside, "{kind} expected: {frame}");
    }
}
