//! The timers of a session: pings, silence, and its login's end.

use std::time::Duration;

use actix::AsyncContext;
use entity::Millis;
use tokio::time::Instant;

use super::Session;
use super::socket::{self, SocketContext};
use crate::protocol::CloseCode;

impl Session {
    pub(super) fn start_timers(&self, ctx: &mut SocketContext) {
        let timings = &self.engine.inner.settings.timings;
        ctx.run_interval(timings.ping_every, |_, ctx| socket::ping(ctx));
        self.watch_silence(timings.silence, ctx);
        // A token has no leeway, nor has its socket.
        let left = self.who.expires_at.since(Millis::now());
        ctx.run_later(left, |session, ctx| {
            session.close(CloseCode::LoginEnded, ctx);
        });
    }

    /// Closes the socket as soon as its client has said nothing for so long.
    fn watch_silence(&self, silence: Duration, ctx: &mut SocketContext) {
        let left = silence.saturating_sub(self.last_heard.elapsed());
        ctx.run_later(left, move |session, ctx| {
            if session.last_heard.elapsed() >= silence {
                session.close(CloseCode::Away, ctx);
            } else {
                session.watch_silence(silence, ctx);
            }
        });
    }

    /// The client said something, whatever it was.
    pub(super) fn heard(&mut self) {
        self.last_heard = Instant::now();
    }
}
