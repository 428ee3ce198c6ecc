//! The timers of a session: pings, silence, and the end of its login.

use std::time::Duration;

use actix::AsyncContext;
use entity::Millis;
use tokio::time::Instant;

use super::Session;
use super::socket::{self, SocketContext};
use crate::engine::ports::ProbeCommand;
use crate::protocol::CloseCode;

/// Probes that wait for the client's next frame.
#[derive(Default)]
pub(super) struct PendingProbes {
    waiting: Vec<ProbeCommand>,
    answered_at: Option<Instant>,
}

fn answer_probe(probe: ProbeCommand) {
    // The caller of the probe may be gone.
    let _ = probe.answers.send(probe.session);
}

impl Session {
    pub(super) fn start_timers(&self, ctx: &mut SocketContext) {
        let timings = &self.engine.inner.settings.timings;
        ctx.run_interval(timings.ping_every, |_, ctx| socket::send_ping(ctx));
        self.watch_silence(timings.silence, ctx);
        // The token expires without leeway, and so does its socket.
        let left = self.identity.expires_at.since(Millis::now());
        ctx.run_later(left, |session, ctx| {
            session.close(CloseCode::LoginEnded, ctx);
        });
    }

    /// Closes the socket if its client sends nothing for `silence`.
    fn watch_silence(&self, silence: Duration, ctx: &mut SocketContext) {
        let left = silence.saturating_sub(self.last_frame_at.elapsed());
        ctx.run_later(left, move |session, ctx| {
            if session.last_frame_at.elapsed() >= silence {
                session.close(CloseCode::Away, ctx);
            } else {
                session.watch_silence(silence, ctx);
            }
        });
    }

    /// Records a frame of any kind, and answers the waiting probes.
    pub(super) fn note_activity(&mut self) {
        self.last_frame_at = Instant::now();
        if !self.probes.waiting.is_empty() {
            self.probes.answered_at = Some(self.last_frame_at);
            self.probes.waiting.drain(..).for_each(answer_probe);
        }
    }

    /// Pings the client for a probe, unless a ping is under way or was answered
    /// within the probe's time.
    pub(super) fn probe_client(&mut self, probe: ProbeCommand, ctx: &mut SocketContext) {
        let within = self.engine.inner.settings.timings.probe_within;
        let answered_at = self.probes.answered_at;
        if answered_at.is_some_and(|at| at.elapsed() < within) {
            return answer_probe(probe);
        }
        if self.probes.waiting.is_empty() {
            socket::send_ping(ctx);
        }
        self.probes.waiting.push(probe);
    }
}
