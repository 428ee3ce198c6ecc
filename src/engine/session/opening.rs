//! The session from the handshake to `hello`: frames that wait meanwhile, and
//! their handling after it.

use std::collections::VecDeque;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{ConversationId, Millis};

use super::socket::SocketContext;
use super::tally::UnreadTally;
use super::{Engine, Session, SessionIdentity};
use crate::engine::directory::SocketScope;
use crate::engine::ports::{EventFrame, SessionDelivery, UnreadNotice};
use crate::engine::task::run_in_task;
use crate::protocol::command::{ClientFrame, RejectedFrame};
use crate::protocol::event::{HelloEvent, HelloScope, PROTOCOL_VERSION, RemovalReason};
use crate::protocol::{CloseCode, ServerEvent};
use crate::store::{StoreError, with_payer};

/// The phase of a session.
pub(super) enum SessionPhase {
    /// Before `hello`.
    Opening {
        held: Vec<SessionDelivery>,
        /// Frames that the client sent meanwhile.
        frames: VecDeque<Result<ClientFrame, Box<RejectedFrame>>>,
        /// The user was removed from the conversation meanwhile.
        was_removed: bool,
    },
    /// After `hello`. A bound socket's `hello` covers changes up to `floor`,
    /// which aren't sent again.
    Open {
        floor: Option<(ConversationId, i64)>,
    },
}

impl Default for SessionPhase {
    fn default() -> Self {
        Self::Opening {
            held: Vec::new(),
            frames: VecDeque::new(),
            was_removed: false,
        }
    }
}

impl SessionPhase {
    /// Keeps a delivery until after `hello`; returns it if `hello` was sent.
    pub(super) fn hold_delivery(&mut self, delivery: SessionDelivery) -> Option<SessionDelivery> {
        match self {
            Self::Open { .. } => Some(delivery),
            Self::Opening { held, .. } => {
                held.push(delivery);
                None
            }
        }
    }

    /// Keeps the removal from the conversation until after `hello`, since the
    /// socket reports the removal before it closes. Returns false if `hello`
    /// was sent.
    pub(super) fn hold_removal(&mut self) -> bool {
        match self {
            Self::Open { .. } => false,
            Self::Opening { was_removed, .. } => {
                *was_removed = true;
                true
            }
        }
    }

    /// Returns whether a frame is newer than `hello`.
    pub(super) fn is_newer(&self, frame: &EventFrame) -> bool {
        match self {
            Self::Open {
                floor: Some((conversation, version)),
            } if frame.conversation == Some(*conversation) => {
                frame.version == 0 || frame.version > *version
            }
            _ => true,
        }
    }
}

/// The data for `hello`, all read after the session entered the Directory.
struct HelloData {
    hello: ServerEvent,
    tally: UnreadTally,
    floor: Option<(ConversationId, i64)>,
    /// The conversation from which the user was removed since the handshake.
    /// The removal may have been sent before this session was in the Directory.
    ended: Option<ConversationId>,
}

/// The reason why the session can't send `hello`.
enum OpeningFailure {
    /// The login ended since the handshake.
    LoginEnded,
    Store(StoreError),
}

impl From<StoreError> for OpeningFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Session {
    /// Reads the current state, and sends `hello`.
    pub(super) fn send_hello(&self, ctx: &mut SocketContext) {
        let payer = self.engine.rates().payer_of_socket(self.identity.user.id);
        let opening = load_hello(self.engine.clone(), self.identity.clone(), self.scope);
        let opening = with_payer(payer, opening);
        ctx.spawn(
            run_in_task(opening)
                .into_actor(self)
                .map(|opening, session, ctx| session.finish_opening(opening, ctx)),
        );
    }

    fn finish_opening(
        &mut self,
        opening: Result<HelloData, OpeningFailure>,
        ctx: &mut SocketContext,
    ) {
        let opening = match opening {
            Ok(opening) => opening,
            Err(OpeningFailure::LoginEnded) => return self.close(CloseCode::LoginEnded, ctx),
            Err(OpeningFailure::Store(error)) => {
                tracing::error!(session = self.id(), %error, "can't open a session");
                return self.close(CloseCode::Internal, ctx);
            }
        };
        if self.is_closing {
            return;
        }
        if self.engine.is_stopping() {
            return self.close(CloseCode::Away, ctx);
        }
        self.send_text(opening.hello.encode(), ctx);
        self.tally = opening.tally;
        self.schedule_unmute(ctx);
        let live = SessionPhase::Open {
            floor: opening.floor,
        };
        if let Some(conversation_id) = opening.ended {
            let reason = RemovalReason::Removed;
            let event = ServerEvent::ConversationRemoved {
                conversation_id,
                reason,
            };
            self.send_text(event.encode(), ctx);
            return self.close(CloseCode::Removed, ctx);
        }
        if let SessionPhase::Opening {
            held,
            frames,
            was_removed,
        } = std::mem::replace(&mut self.phase, live)
        {
            for delivery in &held {
                self.send_delivery(delivery, ctx);
                if let Some(guard) = &self.guard {
                    guard.mark_written(delivery.bytes);
                }
            }
            if was_removed {
                return self.close(CloseCode::Removed, ctx);
            }
            for frame in frames {
                self.handle_frame(frame, ctx);
            }
        }
    }
}

async fn load_hello(
    engine: Engine,
    identity: SessionIdentity,
    socket_scope: SocketScope,
) -> Result<HelloData, OpeningFailure> {
    let store = &engine.inner.store;
    let now = Millis::now();
    let people_version = engine.people_version();
    if store.logins().load(identity.login, now).await?.is_none() {
        return Err(OpeningFailure::LoginEnded);
    }
    let mut tally = UnreadTally::default();
    let (scope, floor, ended) = match socket_scope {
        SocketScope::Conversation(id) => {
            let conversation = store.conversations().load(identity.user.id, id).await?;
            let floor = (id, conversation.version);
            let ended = conversation.left.then_some(id);
            let conversation = Box::new(conversation);
            (HelloScope::Bound { conversation }, Some(floor), ended)
        }
        SocketScope::Everything | SocketScope::Notifications => {
            let waiting = store.unread().list(identity.user.id).await?;
            tally = UnreadTally::new(waiting.into_iter().map(UnreadNotice::from));
            let scope = HelloScope::Unbound {
                total_unread: tally.total(now),
                pending_connections: store.connections().count_pending(identity.user.id).await?,
            };
            (scope, None, None)
        }
    };
    let hello = HelloEvent {
        protocol: PROTOCOL_VERSION,
        user: identity.user,
        server_time: Millis::now(),
        epoch: engine.inner.history.epoch.clone(),
        people_version,
        scope,
    };
    Ok(HelloData {
        hello: ServerEvent::Hello(Box::new(hello)),
        tally,
        floor,
        ended,
    })
}
