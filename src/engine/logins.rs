//! Logins that end elsewhere: at the command line, or on another node. Each
//! process looks for them twice a second, so that an ended login loses its
//! sockets within one whoever ended it.

use std::time::Duration;

use entity::Millis;

use super::directory::Directory;
use crate::protocol::CloseCode;
use crate::store::Store;

/// A login counts as ended from a moment that is noted before its transaction
/// commits, by a clock that may not be ours: so each look goes back this far.
/// Closing a socket twice does nothing.
const OVERLAP: Duration = Duration::from_secs(10);

pub(super) fn watch(store: Store, directory: Directory, every: Duration) {
    actix::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_well = true;
        loop {
            ticks.tick().await;
            match store
                .logins_ended_since(Millis::now().before(OVERLAP))
                .await
            {
                Ok(ended) => {
                    was_well = true;
                    for (login, user) in ended {
                        directory.close_login(user, login, CloseCode::LoginEnded);
                    }
                }
                Err(error) => {
                    if was_well {
                        tracing::error!(%error, "can't look for ended logins");
                    }
                    was_well = false;
                }
            }
        }
    });
}
