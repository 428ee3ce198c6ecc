//! `tidings demo`.

use entity::Millis;

use super::Failure;
use crate::auth::passwords;
use crate::config::Settings;
use crate::demo::{PASSWORD, Script, ScriptError};
use crate::protocol::Password;
use crate::store::{Store, World};

pub(super) async fn fill(settings: &Settings, store: &Store) -> Result<(), Failure> {
    let script = Script::load()?;
    let password = Password::parse(PASSWORD).map_err(|problem| Failure::new(problem.detail))?;
    // One hash for all: whoever reads the table may know that they share it.
    let hash = passwords::hash(&password).map_err(Failure::new)?;
    let now = Millis::now();
    let mut told = String::new();
    store
        .import(script.newcomers(&hash, now), |users| {
            let rows = script.play(users, now)?;
            told = summary(&script, &rows);
            Ok::<_, Failure>(rows)
        })
        .await?;
    println!("{told}");
    println!("{}", how_to_log_in(settings, &script));
    Ok(())
}

fn summary(script: &Script, rows: &World) -> String {
    let mut told = format!(
        "There are {} people, {} conversations and {} messages to look at now.\n",
        script.people.len(),
        rows.conversations.len(),
        rows.messages.len(),
    );
    for person in &script.people {
        let name = person.username.as_str();
        let line = format!("\n  {name:<9} {}", person.display_name.clone().into_inner());
        told.push_str(&line);
    }
    told
}

fn how_to_log_in(settings: &Settings, script: &Script) -> String {
    let name = script.you().map_or("", |you| you.username.as_str());
    let listen = settings.listen;
    format!(
        "\nLog in as {name} first. Everybody's password: {PASSWORD}\n\n  \
         tidings serve\n  \
         curl -s http://{listen}/api/auth/login/ -H 'Content-Type: application/json' \
         -d '{{\"username\": \"{name}\", \"password\": \"{PASSWORD}\"}}'\n\n\
         This password is public: keep this database to yourself."
    )
}

impl From<ScriptError> for Failure {
    fn from(error: ScriptError) -> Self {
        Self::new(error)
    }
}
