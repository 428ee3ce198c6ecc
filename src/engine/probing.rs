//! Frees the socket permits of clients that vanished.

use entity::UserId;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Engine;
use super::rates::SocketPermit;
use crate::protocol::Problem;

impl Engine {
    /// Reserves a socket for a user. At the limit, the server pings the user's
    /// sockets, and closes those whose clients send nothing within three
    /// seconds.
    ///
    /// # Errors
    /// `rate_limited` if the user has too many sockets and all clients answer;
    /// `busy` if the server stops meanwhile.
    pub async fn reserve_socket(&self, user: UserId) -> Result<SocketPermit, Problem> {
        let rates = &self.inner.rates;
        if let Ok(seat) = rates.reserve_socket(user) {
            return Ok(seat);
        }
        self.close_silent(user).await;
        if self.is_stopping() {
            return Err(Problem::busy());
        }
        rates.reserve_socket(user)
    }

    async fn close_silent(&self, user: UserId) {
        let until = Instant::now() + self.inner.settings.timings.probe_within;
        let (answers, mut answered) = mpsc::unbounded_channel();
        let mut silent = self.inner.directory.probe_sessions(user, &answers);
        drop(answers);
        // The channel ends once every session has answered or ended.
        while !silent.is_empty()
            && let Ok(Some(session)) = timeout_at(until, answered.recv()).await
        {
            silent.remove(&session);
        }
        for handle in silent.into_values() {
            handle.close_vanished();
        }
    }
}
