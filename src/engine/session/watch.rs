//! **Watch** — one per admin's socket: sends the engine's pulse.
//!
//! - Owns: the time of the last sample it sent.
//! - Accepts: nothing; it ignores the client's frames.
//! - Emits: `pulse` frames.
//! - Order: samples are sent in the order of their times, each once.
//! - Overflow: nothing is queued for it. A client that stops reading stops its
//!   timers, and the kernel ends the connection.
//! - Stop: when its login ends or loses admin rights, with 4401; when the
//!   server stops, with 1001.

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{LoginId, Millis};
use serde::Serialize;

use super::socket::{self, WatchContext};
use crate::engine::Engine;
use crate::engine::pulse::PulseSample;
use crate::engine::rates::TokenBucket;
use crate::engine::task::run_in_task;
use crate::protocol::CloseCode;

/// The actor; see the module's documentation.
pub struct PulseWatch {
    engine: Engine,
    login: LoginId,
    sent_up_to: Millis,
    is_closing: bool,
    /// Limits the client's frames.
    pub(super) frame_bucket: TokenBucket,
}

/// The only frame it sends.
#[derive(Serialize)]
struct PulseFrame<'a> {
    r#type: &'static str,
    /// Milliseconds from one sample to the next.
    every: u128,
    samples: &'a [PulseSample],
}

impl PulseWatch {
    /// Returns the actor for an admin with this login.
    #[must_use]
    pub fn new(engine: Engine, login: LoginId) -> Self {
        Self {
            frame_bucket: TokenBucket::new(engine.inner.settings.rates.frames),
            engine,
            login,
            sent_up_to: Millis(0),
            is_closing: false,
        }
    }

    /// Sends all kept samples at once, and then each new one.
    pub(super) fn start_stream(&mut self, ctx: &mut WatchContext) {
        self.send_samples(ctx);
        let timings = &self.engine.inner.settings.timings;
        ctx.run_interval(timings.login_check_every, |watch, ctx| {
            if watch.engine.is_stopping() {
                return watch.close(CloseCode::Away, ctx);
            }
            watch.send_samples(ctx);
            watch.check_admin(ctx);
        });
    }

    fn send_samples(&mut self, ctx: &mut WatchContext) {
        let samples = self.engine.pulse_since(self.sent_up_to);
        let Some(last) = samples.last() else {
            return;
        };
        self.sent_up_to = last.at;
        let frame = PulseFrame {
            r#type: "pulse",
            every: self.engine.inner.settings.timings.pulse_every.as_millis(),
            samples: &samples,
        };
        match serde_json::to_string(&frame) {
            Ok(text) => socket::write_text(ctx, text.into()),
            Err(error) => tracing::error!(%error, "could not encode the pulse"),
        }
    }

    /// Closes the socket if its login ended or is no longer an admin's.
    fn check_admin(&self, ctx: &mut WatchContext) {
        let (store, login) = (self.engine.inner.store.clone(), self.login);
        let look = run_in_task(async move { store.logins().load(login, Millis::now()).await });
        let checked = look.into_actor(self).map(|found, watch, ctx| {
            // If the database doesn't answer, the next check decides.
            let has_ended = found.is_ok_and(|login| !login.is_some_and(|it| it.user.is_admin));
            if has_ended {
                watch.close(CloseCode::LoginEnded, ctx);
            }
        });
        ctx.spawn(checked);
    }

    /// Closes the socket and counts that once: a later check may call it again
    /// before the socket is gone.
    pub(super) fn close(&mut self, code: CloseCode, ctx: &mut WatchContext) {
        if !std::mem::replace(&mut self.is_closing, true) {
            self.engine.inner.counters.count_closing(code);
            socket::close_socket(ctx, code);
        }
    }
}
