//! `tidings demo`.

use entity::Millis;

use super::CliError;
use crate::auth::passwords;
use crate::config::Settings;
use crate::demo::{DemoScript, PASSWORD, ScriptError};
use crate::protocol::Password;
use crate::store::{ImportData, Store};

pub(super) async fn fill_database(settings: &Settings, store: &Store) -> Result<(), CliError> {
    let script = DemoScript::load()?;
    let password = Password::parse(PASSWORD).map_err(|problem| CliError::new(problem.detail))?;
    // All users share one hash; that they share a password is no secret.
    let hash = passwords::hash(&password).map_err(CliError::new)?;
    let now = Millis::now();
    let mut summary = String::new();
    store
        .maintenance()
        .import_data(script.newcomers(&hash, now)?, |users| {
            let rows = script.play(users, now)?;
            summary = format_summary(&script, &rows);
            Ok::<_, CliError>(rows)
        })
        .await?;
    println!("{summary}");
    println!("{}", format_login_help(settings, &script));
    Ok(())
}

fn format_summary(script: &DemoScript, rows: &ImportData) -> String {
    let mut summary = format!(
        "The database now has {} users, {} conversations and {} messages.\n",
        script.people.len(),
        rows.conversations.len(),
        rows.messages.len(),
    );
    for person in &script.people {
        summary.push_str(&format!("\n  {:<9} {}", person.username, person.name));
    }
    summary
}

fn format_login_help(settings: &Settings, script: &DemoScript) -> String {
    let name = &script.you;
    let listen = settings.listen;
    format!(
        "\nLog in as {name} first. Password of all users: {PASSWORD}\n\n  \
         tidings serve\n  \
         curl -s http://{listen}/api/auth/login/ -H 'Content-Type: application/json' \
         -d '{{\"username\": \"{name}\", \"password\": \"{PASSWORD}\"}}'\n\n\
         This password is public: don't use this database in production."
    )
}

impl From<ScriptError> for CliError {
    fn from(error: ScriptError) -> Self {
        Self::new(error)
    }
}
