//! Changes of connections. Both users' sessions receive each change.

use entity::{Millis, UserId, user};

use crate::protocol::connection::ConnectionStatus;
use crate::protocol::{Problem, ServerEvent};
use crate::store::{ConnectionChange, ConnectionRequestOutcome};
use crate::web::AppData;

/// Requests a connection, or connects the two if the other user had requested
/// it. Notifies both users.
pub(in crate::web) async fn request_connection(
    app: &AppData,
    me: &user::Model,
    them: &user::Model,
) -> Result<ConnectionRequestOutcome, Problem> {
    let outcome = app
        .store
        .connections()
        .request(me, them, Millis::now())
        .await?;
    match &outcome {
        ConnectionRequestOutcome::Requested(change)
        | ConnectionRequestOutcome::Connected(change) => {
            notify_both(app, me.id, change).await;
        }
        ConnectionRequestOutcome::Unchanged(_, Some(theirs)) => {
            let connection = theirs.clone();
            app.engine
                .deliver_event(them.id, &ServerEvent::Connection { connection });
        }
        ConnectionRequestOutcome::Unchanged(_, None) => {}
    }
    Ok(outcome)
}

/// Notifies both users in a separate task, which completes even if the caller
/// disconnects.
pub(in crate::web) async fn notify_both(app: &AppData, me: UserId, change: &ConnectionChange) {
    let (engine, app, change) = (app.engine.clone(), app.clone(), change.clone());
    let task = engine.spawn(async move { send_connection_events(&app, me, change).await });
    if let Err(error) = task.await {
        tracing::error!(%error, "the task that notifies of a connection change failed");
    }
}

/// Sends the change to both users. If they are connected now, each also
/// receives the other's status. If a connection ended, neither receives a
/// status after the change.
async fn send_connection_events(app: &AppData, me: UserId, change: ConnectionChange) {
    let ConnectionChange {
        caller_view: mine,
        other_view: theirs,
    } = change;
    let them = mine.user.id;
    if mine.state == ConnectionStatus::None {
        app.engine.wait_for_statuses().await;
    }
    let is_connected = mine.state == ConnectionStatus::Connected;
    if let Err(error) = app.engine.refresh_direct(me, them).await {
        tracing::error!(%error, "can't refresh write permission in a live conversation");
    }
    app.engine
        .deliver_event(me, &ServerEvent::Connection { connection: mine });
    if let Some(connection) = theirs {
        app.engine
            .deliver_event(them, &ServerEvent::Connection { connection });
    }
    if is_connected {
        app.engine.exchange_statuses(me, them).await;
    }
}
