//! From the handshake to `hello`: what a session holds back meanwhile, and
//! what it passes on then.

use std::collections::VecDeque;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{ConversationId, Millis};

use super::socket::{self, SocketContext};
use super::{Engine, Session, Who};
use crate::engine::directory::Door;
use crate::engine::ports::{Deliver, Frame};
use crate::protocol::event::{Hello, PROTOCOL, Scope};
use crate::protocol::{CloseCode, Command, Event};
use crate::store::StoreError;

/// How far a session has come.
pub(super) enum Phase {
    /// Before `hello`.
    Opening {
        held: Vec<Deliver>,
        commands: VecDeque<Command>,
    },
    /// After it. What a bound socket's `hello` held already isn't told again.
    Live {
        floor: Option<(ConversationId, i64)>,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Opening {
            held: Vec::new(),
            commands: VecDeque::new(),
        }
    }
}

impl Phase {
    /// Keeps a delivery for after `hello`; gives it back where that was said.
    pub(super) fn hold(&mut self, delivery: Deliver) -> Option<Deliver> {
        match self {
            Self::Live { .. } => Some(delivery),
            Self::Opening { held, .. } => {
                held.push(delivery);
                None
            }
        }
    }

    /// Whether a frame tells more than `hello` did.
    pub(super) fn is_news(&self, frame: &Frame) -> bool {
        match self {
            Self::Live {
                floor: Some((conversation, version)),
            } if frame.conversation == Some(*conversation) => {
                frame.version == 0 || frame.version > *version
            }
            _ => true,
        }
    }
}

/// What is read for `hello`, all of it after the session entered the
/// Directory.
struct Opening {
    hello: Event,
    floor: Option<(ConversationId, i64)>,
}

/// Why there is no `hello`.
enum Failure {
    /// The login ended between the handshake and now.
    LoginEnded,
    /// They left the conversation, or were removed, between the two.
    Removed,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Session {
    /// Reads where things stand, and says `hello`.
    pub(super) fn say_hello(&self, ctx: &mut SocketContext) {
        let opening = read(self.engine.clone(), self.who.clone(), self.door);
        ctx.spawn(
            opening
                .into_actor(self)
                .map(|opening, session, ctx| session.opened(opening, ctx)),
        );
    }

    fn opened(&mut self, opening: Result<Opening, Failure>, ctx: &mut SocketContext) {
        let opening = match opening {
            Ok(opening) => opening,
            Err(Failure::LoginEnded) => return self.close(CloseCode::LoginEnded, ctx),
            Err(Failure::Removed) => return self.close(CloseCode::Removed, ctx),
            Err(Failure::Store(error)) => {
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
        socket::write(ctx, opening.hello.encode());
        let live = Phase::Live {
            floor: opening.floor,
        };
        if let Phase::Opening { held, commands } = std::mem::replace(&mut self.phase, live) {
            for delivery in &held {
                for frame in &*delivery.frames {
                    self.write(frame, ctx);
                }
                if let Some(guard) = &self.guard {
                    guard.written(delivery.bytes);
                }
            }
            for command in commands {
                self.dispatch(command, ctx);
            }
        }
    }
}

async fn read(engine: Engine, who: Who, door: Door) -> Result<Opening, Failure> {
    let store = &engine.inner.store;
    let now = Millis::now();
    if store.login(who.login, now).await?.is_none() {
        return Err(Failure::LoginEnded);
    }
    let (scope, floor) = match door {
        Door::Conversation(id) => {
            let conversation = store.conversation(who.user.id, id).await?;
            if conversation.left {
                return Err(Failure::Removed);
            }
            let floor = (id, conversation.version);
            let conversation = Box::new(conversation);
            (Scope::Bound { conversation }, Some(floor))
        }
        Door::Everything | Door::Notifications => {
            let scope = Scope::Unbound {
                total_unread: store.total_unread(who.user.id, now).await?,
                pending_connections: store.pending_connections(who.user.id).await?,
            };
            (scope, None)
        }
    };
    let hello = Hello {
        protocol: PROTOCOL,
        user: who.user,
        server_time: Millis::now(),
        scope,
    };
    Ok(Opening {
        hello: Event::Hello(Box::new(hello)),
        floor,
    })
}
