//! The timers of a session: pings, silence, and its login's end.

use std::time::Duration;

use actix::AsyncContext;
use entity::Millis;
use tokio::time::Instant;

use super::Session;
use super::socket::{self, SocketContext};
use crate::engine::ports::Probe;
use crate::protocol::CloseCode;

/// Handshakes that wait for a word of the client.
#[derive(Default)]
pub(super) struct Probes {
    waiting: Vec<Probe>,
    answered_at: Option<Instant>,
}

fn answer(probe: Probe) {
    // The handshake may have been given up.
    let _ = probe.answers.send(probe.session);
}

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
        if !self.probes.waiting.is_empty() {
            self.probes.answered_at = Some(self.last_heard);
            self.probes.waiting.drain(..).for_each(answer);
        }
    }

    /// Asks the client whether it is there, unless it was asked already or
    /// answered a moment ago.
    pub(super) fn probe(&mut self, probe: Probe, ctx: &mut SocketContext) {
        let within = self.engine.inner.settings.timings.probe_within;
        let answered_at = self.probes.answered_at;
        if answered_at.is_some_and(|at| at.elapsed() < within) {
            return answer(probe);
        }
        if self.probes.waiting.is_empty() {
            socket::ping(ctx);
        }
        self.probes.waiting.push(probe);
    }
}
