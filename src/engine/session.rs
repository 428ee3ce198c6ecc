//! **Session** — one per open socket.
//!
//! - Owns: reading client frames, writing server frames, its heartbeat and
//!   its login's expiry.
//! - Accepts: frames from the client; `Deliver`, `Answer` and `Close` from
//!   the engine.
//! - Emits: commands to Rooms, through the Hub's handle.
//! - Order: it enters the Directory first, then checks the login once more,
//!   reads where things stand, says `hello`, and only then passes on what was
//!   delivered meanwhile and is newer than that. What the client said before
//!   its `hello` waits as long. While it catches up, the Directory's gate
//!   keeps the news of what it replays away (see `resume`).
//! - Overflow: a budget of queued bytes, in the Directory's handle; above it, a
//!   client that makes no progress is closed (1013). One that stops reading altogether can't
//!   be told: the kernel ends its connection (see `socket`).
//! - Stop: with the socket, for whatever reason; its guards leave by `Drop`.

mod dispatch;
mod fragments;
mod frame_guard;
mod heartbeat;
mod opening;
mod resume;
mod socket;
mod tally;
mod throttle;
mod typing;
mod watch;

use actix::{AsyncContext, Handler};
use bytestring::ByteString;
use entity::{LoginId, Millis};
use tokio::time::Instant;

use super::Engine;
use super::directory::{self, Door};
use super::ports::{Answer, Close, Deliver, Frame, Probe};
use super::presence::Here;
use super::rates::{Bucket, Seat};
use crate::config::Settings;
use crate::counters::Counters;
use crate::protocol::command::Named;
use crate::protocol::event::Refused;
use crate::protocol::{CloseCode, Code, Event, Problem, User};
use fragments::Assembler;
use heartbeat::Probes;
use opening::Phase;
use resume::Resuming;
use socket::SocketContext;
pub use socket::{Handshake, SUBPROTOCOL, open, open_watch, secure};
use tally::Tally;
use throttle::ErrorMeter;
use typing::TypingIn;
pub use watch::Watch;

/// Whose socket it is.
#[derive(Clone, Debug)]
pub struct Who {
    pub user: User,
    pub login: LoginId,
    pub expires_at: Millis,
}

/// What a socket is, beside whose.
pub struct Place {
    pub door: Door,
    /// One of those that its user may have.
    pub seat: Seat,
}

/// The actor; see the module's documentation.
pub struct Session {
    engine: Engine,
    who: Who,
    door: Door,
    /// Until it enters the Directory, which keeps it from then on.
    seat: Option<Seat>,
    phase: Phase,
    resuming: Resuming,
    /// Its place in the Directory; none before it has started.
    guard: Option<directory::Guard>,
    here: Option<Here>,
    fragments: Assembler,
    errors: ErrorMeter,
    /// Of frames of whatever kind.
    pace: Bucket,
    typing: TypingIn,
    /// What waits for its person, where it tells them so.
    tally: Tally,
    last_heard: Instant,
    probes: Probes,
    is_closing: bool,
}

impl Session {
    /// The session of a socket that is about to open.
    #[must_use]
    pub fn new(engine: Engine, who: Who, place: Place) -> Self {
        let Settings { limits, rates, .. } = &engine.inner.settings;
        Self {
            fragments: Assembler::new(limits.frame_max),
            errors: ErrorMeter::new(limits.errors_before_close, limits.errors_window),
            pace: Bucket::new(rates.frames),
            typing: TypingIn::new(rates.typing),
            tally: Tally::default(),
            phase: Phase::default(),
            resuming: Resuming::default(),
            guard: None,
            here: None,
            last_heard: Instant::now(),
            is_closing: false,
            engine,
            who,
            door: place.door,
            seat: Some(place.seat),
            probes: Probes::default(),
        }
    }

    /// Enters the Directory and Presence; from now on it is delivered to.
    fn enter(&mut self, ctx: &SocketContext) {
        let address = ctx.address();
        let guard = self.engine.inner.directory.enter(directory::Entrant {
            user: self.who.user.id,
            login: self.who.login,
            door: self.door,
            deliver: address.clone().recipient(),
            close: address.clone().recipient(),
            probe: address.recipient(),
            seat: self.seat.take().unwrap_or_else(Seat::unlimited),
        });
        tracing::debug!(session = guard.id, user = %self.who.user.id, login = %self.who.login, door = ?self.door, "session opened");
        self.guard = Some(guard);
        self.here = Some(self.engine.inner.presence.here(self.who.user.id));
    }

    fn id(&self) -> u64 {
        self.guard.as_ref().map_or(0, |guard| guard.id)
    }

    /// Says `error`; the socket stays open, unless that happens too often.
    fn refuse(&mut self, problem: Problem, named: Named, ctx: &mut SocketContext) {
        let counts = is_their_fault(problem.code);
        self.counters().refused(problem.code);
        self.say(Event::Error(Refused::new(problem, named)).encode(), ctx);
        if counts && self.errors.count(Instant::now()) {
            self.close(CloseCode::Abuse, ctx);
        }
    }

    /// Closes the socket. Nothing is read or written after that.
    fn close(&mut self, code: CloseCode, ctx: &mut SocketContext) {
        if !self.is_closing {
            self.is_closing = true;
            self.counters().closed(code);
            tracing::debug!(
                session = self.id(),
                code = code.number(),
                "closing a session"
            );
            socket::close(ctx, code);
        }
    }

    /// Writes a frame.
    fn say(&self, text: ByteString, ctx: &mut SocketContext) {
        self.counters().wrote(text.len());
        socket::write(ctx, text);
    }

    fn counters(&self) -> &Counters {
        &self.engine.inner.counters
    }

    fn write(&self, frame: &Frame, ctx: &mut SocketContext) {
        let is_news = self.phase.is_news(frame) && self.resuming.is_news(frame);
        if is_news && self.door.carries(frame) {
            self.say(frame.text.clone(), ctx);
        }
    }

    /// Passes on what was delivered.
    fn tell(&mut self, delivery: &Deliver, ctx: &mut SocketContext) {
        for frame in &*delivery.frames {
            self.write(frame, ctx);
        }
        if let Some(unread) = delivery.unread {
            self.count(unread, ctx);
        }
    }
}

/// Being told to slow down is no abuse by itself; nor is what the server owes,
/// or a client with much under way would be shut out for a Room's death.
fn is_their_fault(code: Code) -> bool {
    code != Code::RateLimited && code.status() < 500
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, delivery: Deliver, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        // Held frames keep their share of the budget until they are written.
        let Some(delivery) = self.phase.hold(delivery) else {
            if let Some(guard) = &self.guard {
                guard.kept();
            }
            return;
        };
        self.tell(&delivery, ctx);
        if let Some(guard) = &self.guard {
            guard.written(delivery.bytes);
        }
    }
}

impl Handler<Answer> for Session {
    type Result = ();

    fn handle(&mut self, answer: Answer, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        match answer {
            // Asked for by name, so it is written whatever was seen before.
            Answer::Echo(frame) => self.say(frame.text, ctx),
            Answer::Refused(problem, named) => self.refuse(problem, named, ctx),
        }
    }
}

impl Handler<Probe> for Session {
    type Result = ();

    fn handle(&mut self, probe: Probe, ctx: &mut SocketContext) {
        if !self.is_closing {
            self.probe(probe, ctx);
        }
    }
}

impl Handler<Close> for Session {
    type Result = ();

    fn handle(&mut self, Close(code): Close, ctx: &mut SocketContext) {
        if code == CloseCode::Removed {
            if self.phase.hold_end() {
                return;
            }
            self.hear_of_the_end(ctx);
        }
        self.close(code, ctx);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_typing();
        tracing::debug!(session = self.id(), "session ended");
    }
}
