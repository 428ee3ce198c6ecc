//! The timers of a session: pings, silence, and its login's end.

use actix::AsyncContext;
use entity::Millis;
use tokio::time::Instant;

use super::Session;
use super::socket::{self, SocketContext};
use crate::protocol::CloseCode;

impl Session {
    pub(super) fn start_timers(&self, ctx: &mut SocketContext) {
        let timings = &self.engine.inner.settings.timings;
        let silence = timings.silence;
        ctx.run_interval(timings.ping_every, move |session, ctx| {
            if session.last_heard.elapsed() >= silence {
                session.close(CloseCode::Away, ctx);
            } else {
                socket::ping(ctx);
            }
        });
        // A token has no leeway, nor has its socket.
        let left = self.who.expires_at.since(Millis::now());
        ctx.run_later(left, |session, ctx| {
            session.close(CloseCode::LoginEnded, ctx);
        });
    }

    /// The client said something, whatever it was.
    pub(super) fn heard(&mut self) {
        self.last_heard = Instant::now();
    }
}
