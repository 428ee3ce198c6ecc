//! `tidings user …`.

use std::io::{IsTerminal, Read};

use clap::Subcommand;
use entity::{Millis, user};

use super::Failure;
use crate::auth::passwords;
use crate::protocol::{DisplayName, Password, Problem, Username};
use crate::store::{Act, HouseStanding, NewUser, Store};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Open an account
    ///
    /// The password is asked for, or read from standard input where that is
    /// not a terminal.
    Create {
        name: String,
        /// What is shown [default: the name]
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Make them an admin at once
        #[arg(long)]
        admin: bool,
    },
    /// Make somebody an admin
    Promote { name: String },
    /// Make somebody an admin no longer
    Demote { name: String },
    /// Switch an account off: its logins and sockets end within a second
    Deactivate { name: String },
    /// Set a new password, and end every login made with the old one
    ///
    /// It is asked for, or read from standard input where that is not a
    /// terminal.
    ResetPassword { name: String },
}

impl UserCommand {
    pub(super) async fn run(self, store: Store) -> Result<(), Failure> {
        let act = Act::at_the_command_line(Millis::now());
        match self {
            Self::Create {
                name,
                display_name,
                admin,
            } => {
                let created = create(&store, (&name, display_name, admin), &act).await?;
                println!("{} has an account now.", created.username);
            }
            Self::Promote { name } => {
                let user = find(&store, &name).await?;
                store
                    .set_standing(user.id, HouseStanding::Admin, &act)
                    .await?;
                println!("{} is an admin now.", user.username);
            }
            Self::Demote { name } => {
                let user = find(&store, &name).await?;
                store
                    .set_standing(user.id, HouseStanding::Member, &act)
                    .await?;
                println!("{} is an admin no longer.", user.username);
            }
            Self::Deactivate { name } => {
                let user = find(&store, &name).await?;
                store.deactivate(user.id, &act).await?;
                println!("The account of {} is switched off.", user.username);
            }
            Self::ResetPassword { name } => {
                let user = find(&store, &name).await?;
                let password = read_password(&[&*user.username, &*user.display_name])?;
                let hash = passwords::hash(&password).map_err(Failure::new)?;
                store.reset_password(user.id, hash, &act).await?;
                println!("{} has a new password; every login ended.", user.username);
            }
        }
        Ok(())
    }
}

async fn create(
    store: &Store,
    (name, display_name, is_admin): (&str, Option<String>, bool),
    act: &Act,
) -> Result<user::Model, Failure> {
    let username = Username::parse(name).map_err(wrong)?;
    let shown = display_name.as_deref().unwrap_or(name);
    let display_name = DisplayName::parse(shown).map_err(wrong)?;
    if store.user_named(&username).await?.is_some() {
        return Err(Failure::new(format_args!("{name} has an account already.")));
    }
    let password = read_password(&[username.as_str(), shown])?;
    let password_hash = passwords::hash(&password).map_err(Failure::new)?;
    let new = NewUser {
        username,
        display_name,
        password_hash,
        is_admin,
    };
    Ok(store.admit(new, act).await?)
}

async fn find(store: &Store, name: &str) -> Result<user::Model, Failure> {
    let username = Username::parse(name).map_err(wrong)?;
    let found = store.user_named(&username).await?;
    found.ok_or_else(|| Failure::new(format_args!("there is no account named {name}")))
}

/// Asks for a new password of a user with these names.
fn read_password(names: &[&str]) -> Result<Password, Failure> {
    let typed = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(Failure::new)?;
        let again = rpassword::prompt_password("Again: ").map_err(Failure::new)?;
        if first != again {
            return Err(Failure::new("the two are not the same"));
        }
        first
    } else {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(Failure::new)?;
        // The line's end is the shell's, not the password's.
        text.trim_end_matches(['\r', '\n']).to_owned()
    };
    Password::parse(&typed)
        .and_then(|password| password.unlike(names))
        .map_err(wrong)
}

/// What was typed is wrong; the fields say how.
fn wrong(problem: Problem) -> Failure {
    match problem.errors.first() {
        Some(error) => Failure::usage(format_args!("{}: {}", error.field, error.detail)),
        None => Failure::usage(problem.detail),
    }
}
