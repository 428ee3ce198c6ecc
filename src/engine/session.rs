//! **Session** — one per open socket.
//!
//! - Owns: reading client frames, writing server frames, its heartbeat and its
//!   login's expiry.
//! - Accepts: frames from the client; `SessionDelivery`, `SessionReply` and
//!   `CloseCommand` from the engine.
//! - Emits: commands to Rooms, through the Hub's handle.
//! - Order: it enters the Directory first, then checks the login again, reads
//!   the current state and sends `hello`. After that it passes on newer
//!   deliveries and handles the frames that came before `hello`. While it
//!   catches up, the Directory's gate keeps changes of replayed conversations
//!   away (see `resume`).
//! - Overflow: a budget of queued bytes, in the Directory's handle. Above it, a
//!   client that makes no progress is closed (1013). A client that stops
//!   reading can't get a close frame: the kernel ends its connection (see
//!   `socket`).
//! - Stop: when the socket ends; its guards clean up in `Drop`.

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
use super::directory::{self, SocketScope};
use super::ports::{CloseCommand, EventFrame, ProbeCommand, SessionDelivery, SessionReply};
use super::presence::PresenceGuard;
use super::rates::{SocketPermit, TokenBucket};
use crate::config::Settings;
use crate::counters::Counters;
use crate::protocol::command::FrameReferences;
use crate::protocol::event::ErrorEvent;
use crate::protocol::{CloseCode, ErrorCode, Problem, ServerEvent, User};
use fragments::MessageAssembler;
use heartbeat::PendingProbes;
use opening::SessionPhase;
use resume::ResumeState;
use socket::SocketContext;
pub use socket::{Handshake, SUBPROTOCOL, open_session, open_watch, set_socket_options};
use tally::UnreadTally;
use throttle::ErrorMeter;
use typing::SessionTyping;
pub use watch::PulseWatch;

/// The user and login of a socket.
#[derive(Clone, Debug)]
pub struct SessionIdentity {
    pub user: User,
    pub login: LoginId,
    pub expires_at: Millis,
}

/// The scope and the permit of a socket.
pub struct SocketAdmission {
    pub scope: SocketScope,
    /// Counts this socket against the user's limit of sockets.
    pub permit: SocketPermit,
}

/// The actor; see the module's documentation.
pub struct Session {
    engine: Engine,
    identity: SessionIdentity,
    scope: SocketScope,
    /// The permit, until the session enters the Directory, which keeps the
    /// permit from then on.
    permit: Option<SocketPermit>,
    phase: SessionPhase,
    resume_state: ResumeState,
    /// The entry in the Directory; none before the session has started.
    guard: Option<directory::SessionGuard>,
    presence: Option<PresenceGuard>,
    fragments: MessageAssembler,
    errors: ErrorMeter,
    /// Limits frames of every kind.
    frame_bucket: TokenBucket,
    typing: SessionTyping,
    /// The user's unread counts; empty on bound sockets.
    tally: UnreadTally,
    last_frame_at: Instant,
    probes: PendingProbes,
    is_closing: bool,
}

impl Session {
    /// Returns the session of a socket that is about to open.
    #[must_use]
    pub fn new(engine: Engine, identity: SessionIdentity, place: SocketAdmission) -> Self {
        let Settings { limits, rates, .. } = &engine.inner.settings;
        Self {
            fragments: MessageAssembler::new(limits.frame_max),
            errors: ErrorMeter::new(limits.errors_before_close, limits.errors_window),
            frame_bucket: TokenBucket::new(rates.frames),
            typing: SessionTyping::new(rates.typing),
            tally: UnreadTally::default(),
            phase: SessionPhase::default(),
            resume_state: ResumeState::default(),
            guard: None,
            presence: None,
            last_frame_at: Instant::now(),
            is_closing: false,
            engine,
            identity,
            scope: place.scope,
            permit: Some(place.permit),
            probes: PendingProbes::default(),
        }
    }

    /// Enters the Directory and Presence; deliveries arrive from now on.
    fn register(&mut self, ctx: &SocketContext) {
        let address = ctx.address();
        let guard = self
            .engine
            .inner
            .directory
            .register(directory::SessionEntry {
                user: self.identity.user.id,
                login: self.identity.login,
                scope: self.scope,
                deliver: address.clone().recipient(),
                close: address.clone().recipient(),
                probe: address.recipient(),
                permit: self.permit.take().unwrap_or_else(SocketPermit::unlimited),
            });
        tracing::debug!(session = guard.id, user = %self.identity.user.id, login = %self.identity.login, scope = ?self.scope, "session opened");
        self.guard = Some(guard);
        self.presence = Some(
            self.engine
                .inner
                .presence
                .track_session(self.identity.user.id),
        );
    }

    fn id(&self) -> u64 {
        self.guard.as_ref().map_or(0, |guard| guard.id)
    }

    /// Sends `error`. The socket stays open, unless errors are too frequent.
    fn send_error(&mut self, problem: Problem, named: FrameReferences, ctx: &mut SocketContext) {
        let counts = is_client_fault(problem.code);
        self.counters().count_refusal(problem.code);
        self.send_text(
            ServerEvent::Error(ErrorEvent::new(problem, named)).encode(),
            ctx,
        );
        if counts && self.errors.count(Instant::now()) {
            self.close(CloseCode::Abuse, ctx);
        }
    }

    /// Closes the socket. Nothing is read or written after that.
    fn close(&mut self, code: CloseCode, ctx: &mut SocketContext) {
        if !self.is_closing {
            self.is_closing = true;
            self.counters().count_closing(code);
            tracing::debug!(
                session = self.id(),
                code = code.number(),
                "closing a session"
            );
            socket::close_socket(ctx, code);
        }
    }

    /// Sends a text frame.
    fn send_text(&self, text: ByteString, ctx: &mut SocketContext) {
        self.counters().count_frame_out(text.len());
        socket::write_text(ctx, text);
    }

    fn counters(&self) -> &Counters {
        &self.engine.inner.counters
    }

    fn send_frame(&self, frame: &EventFrame, ctx: &mut SocketContext) {
        let is_news = self.phase.is_newer(frame) && self.resume_state.is_newer(frame);
        if is_news && self.scope.carries(frame) {
            self.send_text(frame.text.clone(), ctx);
        }
    }

    /// Sends the frames of a delivery that are new to the client.
    fn send_delivery(&mut self, delivery: &SessionDelivery, ctx: &mut SocketContext) {
        for frame in &*delivery.frames {
            self.send_frame(frame, ctx);
        }
        if let Some(unread) = delivery.unread {
            self.update_unread(unread, ctx);
        }
    }
}

/// Returns whether an error counts as abuse. Rate limits don't, nor do server
/// errors: a dead Room would otherwise close clients with many pending
/// commands.
fn is_client_fault(code: ErrorCode) -> bool {
    code != ErrorCode::RateLimited && code.status() < 500
}

impl Handler<SessionDelivery> for Session {
    type Result = ();

    fn handle(&mut self, delivery: SessionDelivery, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        // Held frames keep their share of the budget until they are written.
        let Some(delivery) = self.phase.hold_delivery(delivery) else {
            if let Some(guard) = &self.guard {
                guard.mark_held();
            }
            return;
        };
        self.send_delivery(&delivery, ctx);
        if let Some(guard) = &self.guard {
            guard.mark_written(delivery.bytes);
        }
    }
}

impl Handler<SessionReply> for Session {
    type Result = ();

    fn handle(&mut self, answer: SessionReply, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        match answer {
            // The client named this message, so it is sent even if it isn't
            // new.
            SessionReply::Echo(frame) => self.send_text(frame.text, ctx),
            SessionReply::Refused(problem, named) => self.send_error(problem, named, ctx),
        }
    }
}

impl Handler<ProbeCommand> for Session {
    type Result = ();

    fn handle(&mut self, probe: ProbeCommand, ctx: &mut SocketContext) {
        if !self.is_closing {
            self.probe_client(probe, ctx);
        }
    }
}

impl Handler<CloseCommand> for Session {
    type Result = ();

    fn handle(&mut self, CloseCommand(code): CloseCommand, ctx: &mut SocketContext) {
        if code == CloseCode::Removed {
            if self.phase.hold_removal() {
                return;
            }
            self.flush_gate_on_removal(ctx);
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
