//! From the handshake to `hello`: what a session holds back meanwhile, and
//! what it passes on then.

use std::collections::VecDeque;

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use entity::{ConversationId, Millis};

use super::socket::SocketContext;
use super::tally::Tally;
use super::{Engine, Session, Who};
use crate::engine::directory::Door;
use crate::engine::ports::{Deliver, Frame, Unread};
use crate::engine::task::in_task;
use crate::protocol::command::{BadFrame, ClientFrame};
use crate::protocol::event::{Hello, PROTOCOL, RemovedReason, Scope};
use crate::protocol::{CloseCode, Event};
use crate::store::{StoreError, paid_by};

/// How far a session has come.
pub(super) enum Phase {
    /// Before `hello`.
    Opening {
        held: Vec<Deliver>,
        /// What the client said meanwhile.
        said: VecDeque<Result<ClientFrame, Box<BadFrame>>>,
        /// They were put out of its conversation meanwhile.
        is_over: bool,
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
            said: VecDeque::new(),
            is_over: false,
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

    /// Keeps for after `hello` that its conversation is over for them: a
    /// socket says so before it goes. False where that was said.
    pub(super) fn hold_end(&mut self) -> bool {
        match self {
            Self::Live { .. } => false,
            Self::Opening { is_over, .. } => {
                *is_over = true;
                true
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
    tally: Tally,
    floor: Option<(ConversationId, i64)>,
    /// The conversation that they were put out of between the handshake and
    /// now. That may have been told before this session could hear it.
    over: Option<ConversationId>,
}

/// Why there is no `hello`.
enum Failure {
    /// The login ended between the handshake and now.
    LoginEnded,
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
        let payer = self.engine.rates().payer_of_socket(self.who.user.id);
        let opening = read(self.engine.clone(), self.who.clone(), self.door);
        let opening = paid_by(payer, opening);
        ctx.spawn(
            in_task(opening)
                .into_actor(self)
                .map(|opening, session, ctx| session.opened(opening, ctx)),
        );
    }

    fn opened(&mut self, opening: Result<Opening, Failure>, ctx: &mut SocketContext) {
        let opening = match opening {
            Ok(opening) => opening,
            Err(Failure::LoginEnded) => return self.close(CloseCode::LoginEnded, ctx),
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
        self.say(opening.hello.encode(), ctx);
        self.tally = opening.tally;
        self.tell_once_heard(ctx);
        let live = Phase::Live {
            floor: opening.floor,
        };
        if let Some(conversation_id) = opening.over {
            let reason = RemovedReason::Removed;
            let event = Event::ConversationRemoved {
                conversation_id,
                reason,
            };
            self.say(event.encode(), ctx);
            return self.close(CloseCode::Removed, ctx);
        }
        if let Phase::Opening {
            held,
            said,
            is_over,
        } = std::mem::replace(&mut self.phase, live)
        {
            for delivery in &held {
                self.tell(delivery, ctx);
                if let Some(guard) = &self.guard {
                    guard.written(delivery.bytes);
                }
            }
            if is_over {
                return self.close(CloseCode::Removed, ctx);
            }
            for said in said {
                self.take(said, ctx);
            }
        }
    }
}

async fn read(engine: Engine, who: Who, door: Door) -> Result<Opening, Failure> {
    let store = &engine.inner.store;
    let now = Millis::now();
    let people_version = engine.people_version();
    if store.login(who.login, now).await?.is_none() {
        return Err(Failure::LoginEnded);
    }
    let mut tally = Tally::default();
    let (scope, floor, over) = match door {
        Door::Conversation(id) => {
            let conversation = store.conversation(who.user.id, id).await?;
            let floor = (id, conversation.version);
            let over = conversation.left.then_some(id);
            let conversation = Box::new(conversation);
            (Scope::Bound { conversation }, Some(floor), over)
        }
        Door::Everything | Door::Notifications => {
            let waiting = store.waiting(who.user.id).await?;
            tally = Tally::new(waiting.into_iter().map(Unread::from));
            let scope = Scope::Unbound {
                total_unread: tally.total(now),
                pending_connections: store.pending_connections(who.user.id).await?,
            };
            (scope, None, None)
        }
    };
    let hello = Hello {
        protocol: PROTOCOL,
        user: who.user,
        server_time: Millis::now(),
        epoch: engine.inner.history.epoch.clone(),
        people_version,
        scope,
    };
    Ok(Opening {
        hello: Event::Hello(Box::new(hello)),
        tally,
        floor,
        over,
    })
}
