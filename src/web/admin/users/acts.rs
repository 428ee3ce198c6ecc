//! What can be done to an account: each is asked for on a page of its own
//! that says what will follow.

use actix_web::{HttpRequest, HttpResponse};
use entity::{LoginId, UserId, user};
use serde::Deserialize;

use super::find;
use super::opening::{self, Names};
use crate::engine::room::messages::Ask;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::message::isolate;
use crate::protocol::{Code, Problem, User};
use crate::store::{self, HouseStanding};
use crate::web::admin::Why;
use crate::web::admin::recheck;
use crate::web::admin::sheet::{Field, Sheet};
use crate::web::api::connections;
use crate::web::auth::Admin;
use crate::web::body::Form;
use crate::web::decoding::Path;
use crate::web::pages::go_on;
use crate::web::{App, State, accounts, made};

/// What it is, as its address has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::web) enum Act {
    Rename,
    Promote,
    Demote,
    Deactivate,
    Reactivate,
    Reset,
    EndLogins,
    Delete,
}

/// One that can be chosen on somebody's page.
pub(super) struct Offer {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) is_grave: bool,
}

#[derive(Default)]
pub(in crate::web) struct Fields {
    username: String,
    display_name: String,
    /// Typed to show that it is meant.
    confirm: String,
    password: String,
    why: Why,
}

impl FromFields for Fields {
    const NAMES: &'static [&'static str] =
        &["username", "display_name", "confirm", "password", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.text("username");
        let display_name = fields.text("display_name");
        let confirm = fields.text("confirm");
        let password = fields.text("password");
        let why = Why::from_fields(fields);
        Some(Self {
            username: username?,
            display_name: display_name?,
            confirm: confirm?,
            password: password?,
            why: why?,
        })
    }
}

impl Act {
    /// What can be done to somebody now.
    pub(super) fn offered(them: &user::Model) -> Vec<Offer> {
        let standing = match them.is_admin {
            true => (Self::Demote, "Take the admin’s rights"),
            false => (Self::Promote, "Make an admin"),
        };
        let is_off = them.deactivated_at.is_some();
        let switch = match is_off {
            true => (Self::Reactivate, "Switch on again"),
            false => (Self::Deactivate, "Switch off"),
        };
        let all = [
            (Self::Rename, "Rename"),
            (Self::Reset, "Password link"),
            (Self::EndLogins, "Log out everywhere"),
            standing,
            switch,
            (Self::Delete, "Delete"),
        ];
        all.into_iter()
            // Nobody could use one.
            .filter(|(act, _)| !(is_off && *act == Self::Reset))
            .map(|(act, label)| Offer {
                href: act.address(them.id),
                label,
                is_grave: act.is_grave(),
            })
            .collect()
    }

    /// Whether the admin's password is asked for again.
    fn needs_password(self) -> bool {
        match self {
            Self::Promote | Self::Demote | Self::Reset | Self::Delete => true,
            Self::Rename | Self::Deactivate | Self::Reactivate | Self::EndLogins => false,
        }
    }

    fn is_grave(self) -> bool {
        matches!(self, Self::Deactivate | Self::Delete)
    }

    fn title(self, name: &str) -> String {
        match self {
            Self::Rename => format!("Rename {name}"),
            Self::Promote => format!("Make {name} an admin"),
            Self::Demote => format!("Take the admin’s rights of {name}"),
            Self::Deactivate => format!("Switch off {name}’s account"),
            Self::Reactivate => format!("Switch on {name}’s account"),
            Self::Reset => format!("A password link for {name}"),
            Self::EndLogins => format!("Log out {name} everywhere"),
            Self::Delete => format!("Delete the account of {name}"),
        }
    }

    /// What will follow.
    fn lead(self) -> &'static [&'static str] {
        match self {
            Self::Rename => &["Others see the new name at once; the old username is free then."],
            Self::Promote => &["They will see everything here, and can do to others what you can."],
            Self::Demote => &["They stay, and see nothing of this any more."],
            Self::Deactivate => &[
                "They are logged out everywhere within a second, and can’t log in. Their messages \
                 and groups stay as they are. You can switch the account on again.",
            ],
            Self::Reactivate => &["They can log in again, with the password that they had."],
            Self::Reset => &[
                "You get a link by which they choose a new password. It works once, for 24 hours, \
                 and takes the place of any you made before. When they use it, they are logged \
                 out everywhere.",
            ],
            Self::EndLogins => &["They can log in again with their password."],
            Self::Delete => &[
                "This can’t be undone. They are logged out within a second. Their name, what they \
                 said of themselves, their password, connections and blocks are deleted, and they \
                 leave their groups. The username is free for somebody else.",
                "Their messages stay with those they wrote to, as those of “Deleted user”. \
                 Where one has to go, withdraw it in its conversation first.",
            ],
        }
    }

    fn submit(self) -> &'static str {
        match self {
            Self::Rename => "Rename",
            Self::Promote => "Make an admin",
            Self::Demote => "Take the rights",
            Self::Deactivate => "Switch off",
            Self::Reactivate => "Switch on",
            Self::Reset => "Make the link",
            Self::EndLogins => "Log out",
            Self::Delete => "Delete for good",
        }
    }

    fn address(self, id: UserId) -> String {
        let act = match self {
            Self::Rename => "rename",
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
            Self::Reset => "reset",
            Self::EndLogins => "end-logins",
            Self::Delete => "delete",
        };
        format!("/admin/users/{id}/{act}")
    }

    fn sheet(self, them: &user::Model, fields: &Fields, password: Option<Field>) -> Sheet {
        let mut asked = match self {
            Self::Rename => opening::names(&fields.username, &fields.display_name),
            Self::Delete => vec![Field {
                name: "confirm",
                label: "Their username",
                value: fields.confirm.clone(),
                hint: format!("Write {} here, so that it is no slip.", them.username),
                is_required: true,
                longest: 30,
            }],
            _ => Vec::new(),
        };
        asked.push(Field::reason(&fields.why.reason));
        asked.extend(password.filter(|_| self.needs_password()));
        Sheet {
            here: "users",
            title: self.title(&format!(
                "{} (@{})",
                isolate(&them.display_name),
                them.username
            )),
            lead: self.lead().iter().map(|line| (*line).to_owned()).collect(),
            fields: asked,
            submit: self.submit(),
            is_grave: self.is_grave(),
            action: self.address(them.id),
            back: format!("/admin/users/{}", them.id),
        }
    }
}

/// `GET /admin/users/{id}/{act}`.
pub(in crate::web) async fn show(
    app: App,
    Admin(login): Admin,
    path: Path<(i64, Act)>,
) -> Result<HttpResponse, Problem> {
    let (id, act) = path.into_inner();
    let them = find(&app, id).await?;
    let fields = Fields {
        username: them.username.clone(),
        display_name: them.display_name.clone(),
        ..Fields::default()
    };
    let password = recheck::field(&app, &login);
    act.sheet(&them, &fields, password).page(&app, &login, None)
}

/// `POST /admin/users/{id}/{act}`.
pub(in crate::web) async fn submit(
    app: App,
    Admin(login): Admin,
    (path, request): (Path<(i64, Act)>, HttpRequest),
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let (id, what) = path.into_inner();
    let them = find(&app, id).await?;
    let checked = match what.needs_password() {
        true => recheck::check(&app, (&login, &request), &fields.password).await,
        false => Ok(()),
    };
    let act = crate::web::admin::act(&app, &login, &request);
    let done = match checked.and_then(|()| fields.of(what, &them, act)) {
        // It has a page to show, and so an answer of its own.
        Ok((Act::Reset, _, act)) => {
            match opening::offer(&app, &login, (&request, &act), &them).await {
                Ok(page) => return Ok(page),
                Err(problem) => Err(problem),
            }
        }
        Ok((what, names, act)) => carry_out(&app, &them, (what, names), &act).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(go_on(&format!("/admin/users/{}", them.id), [])),
        Err(problem) => {
            let problem = accounts::at_its_field(problem);
            let password = recheck::field(&app, &login);
            what.sheet(&them, &fields, password)
                .page(&app, &login, Some(&problem))
        }
    }
}

impl Fields {
    /// What is to be done, with new names if it needs any.
    ///
    /// # Errors
    /// Every field at fault.
    fn of(
        &self,
        what: Act,
        them: &user::Model,
        act: store::Act,
    ) -> Result<(Act, Option<Names>, store::Act), Problem> {
        let mut faults = FieldFaults::default();
        let names = match what {
            Act::Rename => opening::names_of(&mut faults, &self.username, &self.display_name),
            Act::Delete if them.deleted_at.is_none() => {
                let typed = self.confirm.trim().trim_start_matches('@');
                if !typed.eq_ignore_ascii_case(&them.username) {
                    let wanted = Problem::field("confirm", "their username, as it is now");
                    faults.add("confirm", wanted);
                }
                None
            }
            _ => None,
        };
        let act = faults.check("reason", self.why.of(act));
        Ok((what, names, faults.finish(act)?))
    }
}

async fn carry_out(
    app: &App,
    them: &user::Model,
    (what, names): (Act, Option<Names>),
    act: &store::Act,
) -> Result<(), Problem> {
    let id = them.id;
    match what {
        Act::Rename => {
            let names = names.ok_or_else(Problem::internal)?;
            let changed = app.store.rename(id, names, act).await?;
            app.engine.renamed(&User::from(&changed));
        }
        Act::Promote => {
            app.store
                .set_standing(id, HouseStanding::Admin, act)
                .await?
        }
        Act::Demote => {
            app.store
                .set_standing(id, HouseStanding::Member, act)
                .await?
        }
        Act::Deactivate => {
            let ended = app.store.deactivate(id, act).await?;
            end(app, id, ended);
        }
        Act::Reactivate => app.store.reactivate(id, act).await?,
        Act::EndLogins => {
            let ended = app.store.revoke_logins(id, act).await?;
            end(app, id, ended);
        }
        Act::Reset => {}
        Act::Delete if them.deleted_at.is_some() => leave_groups(app, id).await?,
        Act::Delete => delete(app, id, act).await?,
    }
    Ok(())
}

fn end(app: &State, user: UserId, logins: Vec<LoginId>) {
    for login in logins {
        app.engine.end_login(user, login);
    }
}

/// Deletes an account. It is done in a task of its own: whoever asked may hang
/// up.
async fn delete(app: &App, id: UserId, act: &store::Act) -> Result<(), Problem> {
    let (engine, app, act) = (app.engine.clone(), app.clone(), act.clone());
    let done = engine.spawn(async move {
        // Nobody can have taken it before: it can't be guessed.
        let word = made::word()?;
        let tail: String = word
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect();
        let name = format!("deleted-{tail}");
        let deleted = app.store.delete_user(id, name, &act).await?;
        end(&app, id, deleted.ended);
        app.engine.renamed(&User::from(&deleted.user));
        for change in &deleted.parted {
            connections::tell(&app, id, change).await;
        }
        leave_groups(&app, id).await
    });
    done.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an account may not have been deleted");
        Err(Problem::internal())
    })
}

/// Has somebody leave their groups, as they would themself: the owner's place
/// goes to another.
async fn leave_groups(app: &State, id: UserId) -> Result<(), Problem> {
    for group in app.store.groups_of(id).await? {
        match app.engine.ask(group, id, Ask::Leave).await {
            Ok(_) => {}
            // It was closed, or they were put out, meanwhile.
            Err(problem) if problem.code == Code::NotAParticipant => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}

/// `POST /admin/users/{id}/logins/{login}/end`.
pub(in crate::web) async fn end_login(
    app: App,
    Admin(login): Admin,
    path: Path<(i64, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (user, ended) = (UserId(path.0), LoginId(path.1));
    let act = crate::web::admin::act(&app, &login, &request);
    app.store.revoke_login(user, ended, &act).await?;
    app.engine.end_login(user, ended);
    Ok(go_on(&format!("/admin/users/{user}"), []))
}
