//! Benchmarks of the pure code on the hot path: the cost of a message before
//! and after its commit, without socket, actor or database.
//!
//! Run `cargo bench --bench codec`; names after `--` select benchmarks.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that can't continue should panic"
)]

use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use entity::{ConversationId, MessageId, Millis, UserId};
use tidings::engine::directory::gate::{ClosedConversations, DeliveryGate};
use tidings::engine::ports::{EventFrame, SessionDelivery};
use tidings::engine::reply::message_frame;
use tidings::engine::testing::BenchRoom;
use tidings::protocol::event::MarkerEvent;
use tidings::protocol::{ClientCommand, Message, MessageStatus, ServerEvent, User};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    divan::main();
}

const TEXT: &str = "Shall we meet at the old harbour at seven? Bring the map, the blue one, and \
                    something warm to wear.";

fn make_user(id: i64) -> User {
    User {
        id: UserId(id),
        username: format!("person{id}"),
        display_name: format!("Person {id}"),
    }
}

fn make_message(seq: i64) -> Message {
    Message {
        id: MessageId(1_000_000 + seq),
        conversation_id: ConversationId(7),
        seq,
        version: seq,
        kind: entity::message::MessageKind::Text,
        text: TEXT.to_owned(),
        event: None,
        sender: make_user(1),
        client_id: Some("0194e1a2-7b3c-7def-8123-456789abcdef".to_owned()),
        reply_to: None,
        reactions: Vec::new(),
        created_at: Millis(1_763_755_465_123),
        edited_at: None,
        deleted: false,
        status: MessageStatus::Sent,
        delivered_at: None,
        is_read: false,
        read_at: None,
        is_changed: false,
        own_version: seq,
        posted_version: seq,
    }
}

#[divan::bench]
fn encode_message(bencher: Bencher<'_, '_>) {
    let message = Arc::new(make_message(1));
    let length = message_frame(Arc::clone(&message)).text.len();
    bencher
        .counter(BytesCount::new(length))
        .bench_local(|| message_frame(Arc::clone(black_box(&message))));
}

#[divan::bench]
fn encode_read_receipt(bencher: Bencher<'_, '_>) {
    let event = ServerEvent::ReadReceipt(MarkerEvent {
        conversation_id: ConversationId(7),
        message_id: MessageId(1_000_001),
        seq: 1,
        user_id: UserId(1),
        username: "person1".to_owned(),
        at: Millis(1_763_755_465_123),
        version: 2,
    });
    bencher.bench_local(|| black_box(&event).encode());
}

#[divan::bench(args = ["message", "read_receipt", "typing"])]
fn parse(bencher: Bencher<'_, '_>, kind: &str) {
    let frame = match kind {
        "message" => format!(
            r#"{{"type":"message","client_id":"0194e1a2-7b3c-7def-8123-456789abcdef","message":"{TEXT}"}}"#
        ),
        "typing" => r#"{"type":"typing","is_typing":true}"#.to_owned(),
        _ => r#"{"type":"read_receipt","message_id":1000001}"#.to_owned(),
    };
    bencher
        .counter(BytesCount::of_str(&frame))
        .bench_local(|| ClientCommand::parse(black_box(&frame)).is_ok());
}

/// A Room checks a message and plans the events to send after its commit.
#[divan::bench(args = [2, 50, 1_000])]
fn room(bencher: Bencher<'_, '_>, people: i64) {
    let mut core = BenchRoom::new((1..=people).map(make_user).collect(), TEXT).unwrap();
    let mut seq = 0;
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| {
            seq += 1;
            Arc::new(make_message(seq))
        })
        .bench_local_values(|message| core.post_message(message));
}

/// A delivery reaches a session that is live, or one that is catching up in all
/// conversations.
#[divan::bench(args = ["open", "shut"])]
fn gate(bencher: Bencher<'_, '_>, how: &str) {
    let gate = DeliveryGate::default();
    if how == "shut" {
        gate.close(ClosedConversations::AllExcept([].into()));
    }
    let frames: Arc<[EventFrame]> = [message_frame(Arc::new(make_message(1)))].into();
    let delivery = SessionDelivery {
        frames,
        unread: None,
        bytes: 500,
    };
    bencher.bench_local(|| gate.admit(black_box(delivery.clone()), 1 << 18));
}
