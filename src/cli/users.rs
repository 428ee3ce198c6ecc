//! `tidings user …`.

use std::io::{IsTerminal, Read};

use clap::Subcommand;
use entity::{Millis, user};

use super::CliError;
use crate::auth::passwords;
use crate::protocol::{DisplayName, Password, Problem, Username};
use crate::store::{AccountRole, AuditContext, NewUser, Store};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Create an account
    ///
    /// Prompts for the password, or reads it from standard input if that is not
    /// a terminal.
    Create {
        name: String,
        /// The display name [default: the name]
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Give the account admin rights
        #[arg(long)]
        admin: bool,
    },
    /// Give an account admin rights
    Promote { name: String },
    /// Remove admin rights from an account
    Demote { name: String },
    /// Deactivate an account: its logins and sockets end within a second
    Deactivate { name: String },
    /// Set a new password, and end every login made with the old one
    ///
    /// Prompts for the password, or reads it from standard input if that is not
    /// a terminal.
    ResetPassword { name: String },
}

impl UserCommand {
    pub(super) async fn run(self, store: Store) -> Result<(), CliError> {
        let act = AuditContext::from_command_line(Millis::now());
        match self {
            Self::Create {
                name,
                display_name,
                admin,
            } => {
                let created = create_user(&store, &name, display_name, admin, &act).await?;
                println!("The account {} was created.", created.username);
            }
            Self::Promote { name } => {
                let user = find_user(&store, &name).await?;
                store
                    .accounts()
                    .set_role(user.id, AccountRole::Admin, &act)
                    .await?;
                println!("{} is an admin now.", user.username);
            }
            Self::Demote { name } => {
                let user = find_user(&store, &name).await?;
                store
                    .accounts()
                    .set_role(user.id, AccountRole::Member, &act)
                    .await?;
                println!("{} is no longer an admin.", user.username);
            }
            Self::Deactivate { name } => {
                let user = find_user(&store, &name).await?;
                store.accounts().deactivate(user.id, &act).await?;
                println!("The account {} is deactivated.", user.username);
            }
            Self::ResetPassword { name } => {
                let user = find_user(&store, &name).await?;
                let password = read_password(&[&*user.username, &*user.display_name])?;
                let hash = passwords::hash(&password).map_err(CliError::new)?;
                store.accounts().reset_password(user.id, hash, &act).await?;
                println!(
                    "{} has a new password and is logged out on all devices.",
                    user.username
                );
            }
        }
        Ok(())
    }
}

async fn create_user(
    store: &Store,
    name: &str,
    display_name: Option<String>,
    is_admin: bool,
    act: &AuditContext,
) -> Result<user::Model, CliError> {
    let username = Username::parse(name).map_err(invalid_input)?;
    let shown = display_name.as_deref().unwrap_or(name);
    let display_name = DisplayName::parse(shown).map_err(invalid_input)?;
    if store.users().find_by_name(&username).await?.is_some() {
        return Err(CliError::new(format_args!(
            "the account {name} already exists"
        )));
    }
    let password = read_password(&[username.as_str(), shown])?;
    let password_hash = passwords::hash(&password).map_err(CliError::new)?;
    let new = NewUser {
        username,
        display_name,
        password_hash,
        is_admin,
    };
    Ok(store.accounts().create(new, act).await?)
}

async fn find_user(store: &Store, name: &str) -> Result<user::Model, CliError> {
    let username = Username::parse(name).map_err(invalid_input)?;
    let found = store.users().find_by_name(&username).await?;
    found.ok_or_else(|| CliError::new(format_args!("the account {name} doesn't exist")))
}

/// Reads a new password; it must differ from these names of the user.
fn read_password(names: &[&str]) -> Result<Password, CliError> {
    let typed = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(CliError::new)?;
        let again = rpassword::prompt_password("Again: ").map_err(CliError::new)?;
        if first != again {
            return Err(CliError::new("the passwords don't match"));
        }
        first
    } else {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(CliError::new)?;
        // The line end comes from the shell, not from the password.
        text.trim_end_matches(['\r', '\n']).to_owned()
    };
    Password::parse(&typed)
        .and_then(|password| password.reject_similar(names))
        .map_err(invalid_input)
}

/// Returns the usage error of an invalid value, with its first invalid field.
fn invalid_input(problem: Problem) -> CliError {
    match problem.errors.first() {
        Some(error) => CliError::usage(format_args!("{}: {}", error.field, error.detail)),
        None => CliError::usage(problem.detail),
    }
}
