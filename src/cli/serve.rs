//! `tidings serve`.

use tokio::signal::unix::{SignalKind, signal};

use super::CliError;
use crate::app::Application;
use crate::config::Settings;

pub(super) async fn serve(settings: Settings) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::new)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::new)?;
    let application = Application::build(settings).await.map_err(CliError::new)?;
    println!("Tidings serves on http://{}", application.address());
    application
        .run_until(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await
        .map_err(CliError::new)
}
