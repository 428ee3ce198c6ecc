//! **Watch** — one per admin's socket: the engine's pulse, as it is taken.
//!
//! - Owns: up to which moment it has told.
//! - Accepts: nothing; what the client says is passed over.
//! - Emits: `pulse` frames.
//! - Order: samples are told in the order of their moments, each once.
//! - Overflow: nothing is queued for it. A client that stops reading stops its
//!   timers, and the kernel ends the connection.
//! - Stop: when its login ends or is an admin's no more, with 4401; when the
//!   server stops, with 1001.

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{LoginId, Millis};
use serde::Serialize;

use super::socket::{self, WatchContext};
use crate::engine::Engine;
use crate::engine::pulse::Sample;
use crate::engine::rates::Bucket;
use crate::engine::task::in_task;
use crate::protocol::CloseCode;

/// The actor; see the module's documentation.
pub struct Watch {
    engine: Engine,
    login: LoginId,
    told: Millis,
    is_closing: bool,
    /// Of what its client says.
    pub(super) pace: Bucket,
}

/// The one frame there is.
#[derive(Serialize)]
struct Told<'a> {
    r#type: &'static str,
    /// Milliseconds from one sample to the next.
    every: u128,
    samples: &'a [Sample],
}

impl Watch {
    /// For an admin with this login.
    #[must_use]
    pub fn new(engine: Engine, login: LoginId) -> Self {
        Self {
            pace: Bucket::new(engine.inner.settings.rates.frames),
            engine,
            login,
            told: Millis(0),
            is_closing: false,
        }
    }

    /// All that is kept is told at once, and then what comes.
    pub(super) fn start(&mut self, ctx: &mut WatchContext) {
        self.tell(ctx);
        let timings = &self.engine.inner.settings.timings;
        ctx.run_interval(timings.login_check_every, |watch, ctx| {
            if watch.engine.is_stopping() {
                return watch.close(CloseCode::Away, ctx);
            }
            watch.tell(ctx);
            watch.check(ctx);
        });
    }

    fn tell(&mut self, ctx: &mut WatchContext) {
        let samples = self.engine.pulse_since(self.told);
        let Some(last) = samples.last() else {
            return;
        };
        self.told = last.at;
        let told = Told {
            r#type: "pulse",
            every: self.engine.inner.settings.timings.pulse_every.as_millis(),
            samples: &samples,
        };
        match serde_json::to_string(&told) {
            Ok(text) => socket::write(ctx, text.into()),
            Err(error) => tracing::error!(%error, "could not encode the pulse"),
        }
    }

    /// Whether it is still an admin who watches.
    fn check(&self, ctx: &mut WatchContext) {
        let (store, login) = (self.engine.inner.store.clone(), self.login);
        let look = in_task(async move { store.login(login, Millis::now()).await });
        let looked = look.into_actor(self).map(|found, watch, ctx| {
            // Where the database doesn't answer, the next look will tell.
            let is_over = found.is_ok_and(|login| !login.is_some_and(|it| it.user.is_admin));
            if is_over {
                watch.close(CloseCode::LoginEnded, ctx);
            }
        });
        ctx.spawn(looked);
    }

    /// Counted like any socket that is closed, and once: it may be found out
    /// again before it is gone.
    pub(super) fn close(&mut self, code: CloseCode, ctx: &mut WatchContext) {
        if !std::mem::replace(&mut self.is_closing, true) {
            self.engine.inner.counters.closed(code);
            socket::close(ctx, code);
        }
    }
}
