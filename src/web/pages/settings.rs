//! `/settings`: one's name, one's password, where one is logged in; and, with
//! a script, what this browser does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{LoginId, Millis, login};
use serde::Deserialize;

use super::view::times;
use super::visitor::Visitor;
use super::{go_on, page_as, wrong};
use crate::protocol::Problem;
use crate::protocol::user::{Notice, NoticeCause};
use crate::store::{Login, notices_of};
use crate::web::api::me::{self, ChangePassword};
use crate::web::body::{Form, read_pairs, text_fields};
use crate::web::decoding::{Path, Query};
use crate::web::{App, assets, paging};

const HERE: &str = "/settings";
const SAVED: &str = "/settings?saved=true";
/// How many logins a page shows.
const LOGINS: u64 = 20;

#[derive(Default)]
pub(in crate::web) struct Named {
    display_name: String,
    about: String,
}

text_fields!(Named {
    display_name,
    about,
});

/// Up to when notices were shown, in milliseconds since 1970.
#[derive(Default)]
pub(in crate::web) struct Shown {
    until: String,
}

text_fields!(Shown { until });

/// What was done just before, which the page then says, and which logins are
/// looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Done {
    saved: bool,
    before: Option<i64>,
}

/// What was tried, and how it went.
#[derive(Default)]
struct Tried {
    is_saved: bool,
    named: Option<Named>,
    profile_problem: Option<Problem>,
    password_problem: Option<Problem>,
    is_renewed: bool,
    /// The last login of the page before.
    before: Option<LoginId>,
}

/// Somewhere one is logged in.
struct Seat {
    id: LoginId,
    is_here: bool,
    device: String,
    address: String,
    used: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page<'a> {
    csrf_token: String,
    username: &'a str,
    display_name: &'a str,
    about: &'a str,
    is_admin: bool,
    notices: Vec<NoticeLine>,
    /// When the newest of them was.
    notices_until: i64,
    logins: Vec<Seat>,
    /// Where the next page of them begins.
    older: Option<LoginId>,
    tried: &'a Tried,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let problems = [&self.tried.profile_problem, &self.tried.password_problem];
        let found = problems.into_iter().flatten();
        found
            .filter_map(|problem| wrong(Some(problem), field))
            .next()
    }
}

/// `GET /settings`.
pub(in crate::web) async fn show(
    app: App,
    Visitor(login): Visitor,
    done: Query<Done>,
) -> Result<HttpResponse, Problem> {
    let tried = Tried {
        is_saved: done.saved,
        before: done.before.map(LoginId),
        ..Tried::default()
    };
    page(&app, &login, &tried).await
}

/// `POST /settings/profile`.
pub(in crate::web) async fn rename(
    app: App,
    Visitor(login): Visitor,
    Form(named): Form<Named>,
) -> Result<HttpResponse, Problem> {
    let pairs = [
        ("display_name", &named.display_name),
        ("about", &named.about),
    ];
    let done = match read_pairs(&pairs) {
        Ok(change) => me::apply(&app, &login, change).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => Ok(go_on(SAVED, [])),
        Err(problem) => {
            let tried = Tried {
                named: Some(named),
                profile_problem: Some(problem),
                ..Tried::default()
            };
            page(&app, &login, &tried).await
        }
    }
}

/// `POST /settings/notices`: forgets those that were shown.
pub(in crate::web) async fn forget(
    app: App,
    Visitor(login): Visitor,
    Form(shown): Form<Shown>,
) -> Result<HttpResponse, Problem> {
    let until = Millis(shown.until.parse().unwrap_or_default());
    app.store.forget_notices(login.user.id, until).await?;
    Ok(go_on(HERE, []))
}

/// `POST /settings/password`.
pub(in crate::web) async fn renew(
    app: App,
    Visitor(login): Visitor,
    request: HttpRequest,
    Form(change): Form<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let problem = me::renew(&app, (&login, &request), change).await.err();
    let tried = Tried {
        is_renewed: problem.is_none(),
        password_problem: problem,
        ..Tried::default()
    };
    page(&app, &login, &tried).await
}

/// `POST /settings/logins/{id}/end`.
pub(in crate::web) async fn end_login(
    app: App,
    Visitor(login): Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (user, id) = (login.user.id, LoginId(*id));
    app.store.end_own_login(user, id, Millis::now()).await?;
    app.engine.end_login(user, id);
    Ok(go_on(HERE, []))
}

async fn page(app: &App, login: &Login, tried: &Tried) -> Result<HttpResponse, Problem> {
    let logins = app.store.logins(login.user.id, tried.before, LOGINS + 1);
    let mut logins = logins.await?;
    let older = paging::cut(&mut logins, LOGINS).map(|last| last.id);
    let now = Millis::now();
    let notices = notices_of(&login.user);
    let named = tried.named.as_ref();
    let page = Page {
        csrf_token: app.csrf.of_login(login.id),
        username: &login.user.username,
        display_name: named.map_or(&login.user.display_name, |named| &named.display_name),
        about: named.map_or(&login.user.about, |named| &named.about),
        is_admin: login.user.is_admin,
        notices: notices.iter().map(NoticeLine::of).collect(),
        notices_until: notices.first().map_or(0, |notice| notice.at.0),
        logins: logins
            .into_iter()
            .map(|row| Seat::of(row, login.id, now))
            .collect(),
        older,
        tried,
    };
    let problems = [&tried.profile_problem, &tried.password_problem];
    let status = problems.into_iter().flatten().next();
    page_as(status.map_or(StatusCode::OK, Problem::status_code), &page)
}

/// What happened to an account, in words.
pub(in crate::web) struct NoticeLine {
    pub(in crate::web) text: &'static str,
    pub(in crate::web) at: String,
    pub(in crate::web) address: String,
}

impl NoticeLine {
    pub(in crate::web) fn of(notice: &Notice) -> Self {
        Self {
            text: match notice.cause {
                NoticeCause::PasswordLinkUsed => {
                    "Your password was set by a link that an admin had made."
                }
                NoticeCause::PasswordChanged => "Your password was changed.",
                NoticeCause::PasswordSet => "Your password was set by an operator of the server.",
                NoticeCause::DataExported => "All that you see here was downloaded.",
            },
            at: format!(
                "{}, {} UTC",
                times::date(notice.at),
                times::clock(notice.at)
            ),
            address: notice.address.clone(),
        }
    }
}

impl Seat {
    fn of(row: login::Model, here: LoginId, now: Millis) -> Self {
        Self {
            id: row.id,
            is_here: row.id == here,
            device: device(&row.device),
            used: times::last_used(row.last_used_at, now),
            address: row.address,
        }
    }
}

/// What people call what a browser calls itself.
pub(in crate::web) fn device(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        let mut known = known.iter();
        known
            .find(|(sign, _)| agent.contains(sign))
            .map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "Unknown device".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn devices_are_called_what_people_call_them() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.9.1", "curl/8.9.1"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device(agent), expected);
        }
    }
}
