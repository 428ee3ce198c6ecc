//! The hot parts that are pure: what a message costs before and after it is
//! on disk, without a socket, an actor or a database.
//!
//! `cargo bench --bench codec`; names after `--` choose.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that can't go on should stop where it is"
)]

use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use entity::{ConversationId, MessageId, Millis, UserId};
use tidings::engine::directory::gate::{Gate, Shut};
use tidings::engine::ports::{Deliver, Frame};
use tidings::engine::reply::echo;
use tidings::engine::testing::Core;
use tidings::protocol::event::Mark;
use tidings::protocol::{Command, Event, Message, Status, User};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    divan::main();
}

const TEXT: &str = "Shall we meet at the old harbour at seven? Bring the map, the blue one, and \
                    something warm to wear.";

fn person(id: i64) -> User {
    User {
        id: UserId(id),
        username: format!("person{id}"),
        display_name: format!("Person {id}"),
    }
}

fn message(seq: i64) -> Message {
    Message {
        id: MessageId(1_000_000 + seq),
        conversation_id: ConversationId(7),
        seq,
        version: seq,
        kind: entity::message::Kind::Text,
        text: TEXT.to_owned(),
        event: None,
        sender: person(1),
        client_id: Some("0194e1a2-7b3c-7def-8123-456789abcdef".to_owned()),
        reply_to: None,
        reactions: Vec::new(),
        created_at: Millis(1_763_755_465_123),
        edited_at: None,
        deleted: false,
        status: Status::Sent,
        delivered_at: None,
        is_read: false,
        read_at: None,
        is_touched: false,
        own_version: seq,
        posted_version: seq,
    }
}

#[divan::bench]
fn encode_message(bencher: Bencher<'_, '_>) {
    let message = message(1);
    let length = echo(&message).text.len();
    bencher
        .counter(BytesCount::new(length))
        .bench_local(|| echo(black_box(&message)));
}

#[divan::bench]
fn encode_read_receipt(bencher: Bencher<'_, '_>) {
    let event = Event::ReadReceipt(Mark {
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
        .bench_local(|| Command::parse(black_box(&frame)).is_ok());
}

/// A Room judges a message, and says what is to be told once it is on disk.
#[divan::bench(args = [2, 50, 1_000])]
fn room(bencher: Bencher<'_, '_>, people: i64) {
    let mut core = Core::new((1..=people).map(person).collect(), TEXT).unwrap();
    let mut seq = 0;
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| {
            seq += 1;
            Arc::new(message(seq))
        })
        .bench_local_values(|message| core.say(message));
}

/// A delivery comes to a session that catches up with nothing, or with
/// everything.
#[divan::bench(args = ["open", "shut"])]
fn gate(bencher: Bencher<'_, '_>, how: &str) {
    let gate = Gate::default();
    if how == "shut" {
        gate.shut(Shut::AllBut([].into()));
    }
    let frames: Arc<[Frame]> = [echo(&message(1))].into();
    let delivery = Deliver {
        frames,
        unread: None,
        bytes: 500,
    };
    bencher.bench_local(|| gate.admit(black_box(delivery.clone()), 1 << 18));
}
