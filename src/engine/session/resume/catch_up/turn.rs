//! A turn handles the data of one read: frames to send, and the next read.

use std::sync::Arc;

use bytestring::ByteString;
use entity::ConversationId;

use super::{ReplayGate, ReplayRead};
use crate::engine::ports::SessionDelivery;
use crate::engine::reply::message_frame;
use crate::protocol::event::ResetReason;
use crate::protocol::{Message, ServerEvent};

/// Bytes sent per turn, unless a single frame is larger.
const CHUNK_BYTES: usize = 64 * 1024;

/// Output for the socket, in this order.
#[derive(Debug)]
pub(in crate::engine::session::resume) enum TurnOutput {
    Send(ByteString),
    /// A delivery that the gate kept; sent if it is still new to the client.
    Deliver(SessionDelivery),
    /// The replay is done; `synced` is sent with the current total.
    Synced(SyncedSummary),
}

/// The content of `synced`.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine::session::resume) struct SyncedSummary {
    /// Whether there are conversations that were neither named by the client
    /// nor sent.
    pub(super) more: bool,
    /// Names were replayed up to this version.
    pub(super) people_version: i64,
    /// Whether the client has to read names again.
    pub(super) people_reset: bool,
}

impl SyncedSummary {
    pub(in crate::engine::session::resume) fn to_event(self, total_unread: i64) -> ServerEvent {
        let Self {
            more,
            people_version,
            people_reset,
        } = self;
        ServerEvent::Synced {
            total_unread,
            more,
            people_version,
            people_reset,
        }
    }
}

/// The output of one turn, and the next read.
#[derive(Debug, Default)]
pub(in crate::engine::session::resume) struct ReplayTurn {
    pub(in crate::engine::session::resume) outputs: Vec<TurnOutput>,
    /// None if the resume is done.
    pub(in crate::engine::session::resume) next: Option<ReplayRead>,
}

impl ReplayTurn {
    pub(super) fn push_event(&mut self, event: &ServerEvent) {
        self.outputs.push(TurnOutput::Send(event.encode()));
    }

    pub(super) fn push_deliveries(&mut self, deliveries: Vec<SessionDelivery>) {
        self.outputs
            .extend(deliveries.into_iter().map(TurnOutput::Deliver));
    }

    /// Sends as many of the messages as fit in a chunk; returns their number.
    pub(super) fn push_messages(&mut self, messages: &[Message]) -> usize {
        let mut bytes = 0;
        for (at, message) in messages.iter().enumerate() {
            let text = message_frame(Arc::new(message.clone())).text;
            bytes += text.len();
            if at > 0 && bytes > CHUNK_BYTES {
                return at;
            }
            self.outputs.push(TurnOutput::Send(text));
        }
        messages.len()
    }
}

/// Makes the client read a conversation again. That read includes the dropped
/// changes.
pub(super) fn push_reset(
    conversation_id: ConversationId,
    version: Option<i64>,
    reason: ResetReason,
    replay_gate: &mut ReplayGate<'_>,
    turn: &mut ReplayTurn,
) {
    turn.push_event(&ServerEvent::Reset {
        conversation_id,
        reason,
    });
    if let Some(version) = version {
        replay_gate.floors.reach(conversation_id, version);
        turn.push_deliveries(replay_gate.gate.open(conversation_id));
    }
}
