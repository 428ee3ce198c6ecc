//! The actions on an account. Each has a page that explains its consequences
//! before it is confirmed.

use actix_web::{HttpRequest, HttpResponse};
use entity::{LoginId, UserId, user};
use serde::Deserialize;

use super::account_creation::{self, AccountNames};
use super::find_user;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::message::isolate_name;
use crate::protocol::{Problem, User};
use crate::store::{self, AccountRole};
use crate::web::actions::account_deletion::{delete_account, end_logins, leave_groups};
use crate::web::admin::ReasonForm;
use crate::web::admin::action_form::{ActionForm, FormField};
use crate::web::admin::recheck;
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::FormBody;
use crate::web::decoding::StrictPath;
use crate::web::rendering::redirect_to;
use crate::web::{AppData, accounts};

/// An action on an account, named as in the URL of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::web) enum UserAction {
    Rename,
    Promote,
    Demote,
    Deactivate,
    Reactivate,
    Reset,
    EndLogins,
    Delete,
}

/// A link to an action on a user's page.
pub(super) struct UserActionLink {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) is_grave: bool,
}

#[derive(Default)]
pub(in crate::web) struct UserActionForm {
    username: String,
    display_name: String,
    /// The username, typed to confirm a deletion.
    confirm: String,
    password: String,
    reason_form: ReasonForm,
}

impl FromFields for UserActionForm {
    const NAMES: &'static [&'static str] =
        &["username", "display_name", "confirm", "password", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.text("username");
        let display_name = fields.text("display_name");
        let confirm = fields.text("confirm");
        let password = fields.text("password");
        let why = ReasonForm::from_fields(fields);
        Some(Self {
            username: username?,
            display_name: display_name?,
            confirm: confirm?,
            password: password?,
            reason_form: why?,
        })
    }
}

impl UserAction {
    /// Returns the actions that are possible for this account now.
    pub(super) fn available_for(them: &user::Model) -> Vec<UserActionLink> {
        let standing = if them.is_admin {
            (Self::Demote, "Remove admin rights")
        } else {
            (Self::Promote, "Make admin")
        };
        let is_off = them.deactivated_at.is_some();
        let switch = if is_off {
            (Self::Reactivate, "Reactivate")
        } else {
            (Self::Deactivate, "Deactivate")
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
            // A deactivated user could not use a reset link.
            .filter(|(act, _)| !(is_off && *act == Self::Reset))
            .map(|(act, label)| UserActionLink {
                href: act.url(them.id),
                label,
                is_grave: act.is_grave(),
            })
            .collect()
    }

    /// Returns whether the admin has to enter their password again.
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
            Self::Demote => format!("Remove the admin rights of {name}"),
            Self::Deactivate => format!("Deactivate the account of {name}"),
            Self::Reactivate => format!("Reactivate the account of {name}"),
            Self::Reset => format!("Password link for {name}"),
            Self::EndLogins => format!("Log out {name} everywhere"),
            Self::Delete => format!("Delete the account of {name}"),
        }
    }

    /// Returns the consequences of the action.
    fn consequences(self) -> &'static [&'static str] {
        match self {
            Self::Rename => &["Others see the new name at once. The old username becomes free."],
            Self::Promote => &["They can see and do everything on these pages, as you can."],
            Self::Demote => &["They keep their account and lose access to these pages."],
            Self::Deactivate => &[
                "They are logged out everywhere within a second, and can’t log in. Their \
                 messages and groups stay as they are. You can reactivate the account.",
            ],
            Self::Reactivate => &["They can log in again with their previous password."],
            Self::Reset => &[
                "You get a link with which they choose a new password. It works once, within 24 \
                 hours, and replaces earlier links. When they use it, they are logged out \
                 everywhere.",
            ],
            Self::EndLogins => &["They can log in again with their password."],
            Self::Delete => &[
                "This can’t be undone. They are logged out within a second. Their name, profile \
                 text, password, contacts and blocks are deleted, and they leave their groups. \
                 The username becomes free.",
                "Recipients keep their messages, which show “Deleted user” as the sender. To \
                 delete a message too, delete it in its conversation first.",
            ],
        }
    }

    fn submit(self) -> &'static str {
        match self {
            Self::Rename => "Rename",
            Self::Promote => "Make admin",
            Self::Demote => "Remove admin rights",
            Self::Deactivate => "Deactivate",
            Self::Reactivate => "Reactivate",
            Self::Reset => "Create link",
            Self::EndLogins => "Log out",
            Self::Delete => "Delete permanently",
        }
    }

    fn url(self, id: UserId) -> String {
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

    fn form(
        self,
        them: &user::Model,
        fields: &UserActionForm,
        password: Option<FormField>,
    ) -> ActionForm {
        let mut asked = match self {
            Self::Rename => account_creation::name_fields(&fields.username, &fields.display_name),
            Self::Delete => vec![FormField {
                name: "confirm",
                label: "Username",
                value: fields.confirm.clone(),
                hint: format!("Type {} to confirm", them.username),
                is_required: true,
                longest: 30,
            }],
            _ => Vec::new(),
        };
        asked.push(FormField::reason(&fields.reason_form.reason));
        asked.extend(password.filter(|_| self.needs_password()));
        ActionForm {
            here: "users",
            title: self.title(&format!(
                "{} (@{})",
                isolate_name(&them.display_name),
                them.username
            )),
            lead: self
                .consequences()
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            fields: asked,
            submit: self.submit(),
            is_grave: self.is_grave(),
            action: self.url(them.id),
            back: format!("/admin/users/{}", them.id),
        }
    }
}

/// `GET /admin/users/{id}/{act}`.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
    path: StrictPath<(i64, UserAction)>,
) -> Result<HttpResponse, Problem> {
    let (id, act) = path.into_inner();
    let them = find_user(&app, id).await?;
    let fields = UserActionForm {
        username: them.username.clone(),
        display_name: them.display_name.clone(),
        ..UserActionForm::default()
    };
    let password = recheck::password_field(&app, &login);
    act.form(&them, &fields, password)
        .render(&app, &login, None)
}

/// `POST /admin/users/{id}/{act}`.
pub(in crate::web) async fn submit(
    app: AppData,
    AdminLogin(login): AdminLogin,
    path: StrictPath<(i64, UserAction)>,
    request: HttpRequest,
    FormBody(fields): FormBody<UserActionForm>,
) -> Result<HttpResponse, Problem> {
    let (id, what) = path.into_inner();
    let them = find_user(&app, id).await?;
    let checked = if what.needs_password() {
        recheck::check_password(&app, &login, &request, &fields.password).await
    } else {
        Ok(())
    };
    let act = audit_context(&app, &login, &request);
    let done = match checked.and_then(|()| fields.validate(what, &them, act)) {
        // A reset shows a page instead of redirecting.
        Ok((UserAction::Reset, _, act)) => {
            match account_creation::issue_reset_link(&app, &login, &request, &act, &them).await {
                Ok(page) => return Ok(page),
                Err(problem) => Err(problem),
            }
        }
        Ok((what, names, act)) => run_action(&app, &them, what, names, &act).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(redirect_to(&format!("/admin/users/{}", them.id), [])),
        Err(problem) => {
            let problem = accounts::to_field_error(problem);
            let password = recheck::password_field(&app, &login);
            what.form(&them, &fields, password)
                .render(&app, &login, Some(&problem))
        }
    }
}

impl UserActionForm {
    /// Validates the form. Returns the action with its audit context, and the
    /// new names for a rename.
    ///
    /// # Errors
    ///
    /// All invalid fields.
    fn validate(
        &self,
        what: UserAction,
        them: &user::Model,
        act: store::AuditContext,
    ) -> Result<(UserAction, Option<AccountNames>, store::AuditContext), Problem> {
        let mut faults = FieldFaults::default();
        let names = match what {
            UserAction::Rename => {
                account_creation::check_names(&mut faults, &self.username, &self.display_name)
            }
            UserAction::Delete if them.deleted_at.is_none() => {
                let typed = self.confirm.trim().trim_start_matches('@');
                if !typed.eq_ignore_ascii_case(&them.username) {
                    let wanted = Problem::invalid_field("confirm", "their current username");
                    faults.add("confirm", wanted);
                }
                None
            }
            _ => None,
        };
        let act = faults.check("reason", self.reason_form.add_to(act));
        Ok((what, names, faults.finish(act)?))
    }
}

async fn run_action(
    app: &AppData,
    them: &user::Model,
    what: UserAction,
    names: Option<AccountNames>,
    act: &store::AuditContext,
) -> Result<(), Problem> {
    let id = them.id;
    match what {
        UserAction::Rename => {
            let AccountNames {
                username,
                display_name,
            } = names.ok_or_else(Problem::internal)?;
            let accounts = app.store.accounts();
            let changed = accounts.rename(id, username, display_name, act).await?;
            app.engine.rename_user(&User::from(&changed));
        }
        UserAction::Promote => {
            app.store
                .accounts()
                .set_role(id, AccountRole::Admin, act)
                .await?
        }
        UserAction::Demote => {
            app.store
                .accounts()
                .set_role(id, AccountRole::Member, act)
                .await?
        }
        UserAction::Deactivate => {
            let ended = app.store.accounts().deactivate(id, act).await?;
            end_logins(app, id, ended);
        }
        UserAction::Reactivate => app.store.accounts().reactivate(id, act).await?,
        UserAction::EndLogins => {
            let ended = app.store.accounts().revoke_logins(id, act).await?;
            end_logins(app, id, ended);
        }
        UserAction::Reset => {}
        UserAction::Delete if them.deleted_at.is_some() => leave_groups(app, id).await?,
        UserAction::Delete => delete_account(app, id, act).await?,
    }
    Ok(())
}

/// `POST /admin/users/{id}/logins/{login}/end`.
pub(in crate::web) async fn end_login(
    app: AppData,
    AdminLogin(login): AdminLogin,
    path: StrictPath<(i64, i64)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (user, ended) = (UserId(path.0), LoginId(path.1));
    let act = audit_context(&app, &login, &request);
    app.store.accounts().revoke_login(user, ended, &act).await?;
    app.engine.end_login(user, ended);
    Ok(redirect_to(&format!("/admin/users/{user}"), []))
}
