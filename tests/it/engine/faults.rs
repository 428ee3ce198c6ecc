//! Actors that panic at critical moments.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::Value;
use tidings::engine::testing::FaultHooks;

use crate::support::{TestApp, TestSocket, TestUser, until, within};

/// Makes Rooms of one conversation panic between commit and fan-out. The test
/// chooses the fan-outs.
#[derive(Clone, Default)]
struct Deaths {
    of: Arc<AtomicI64>,
    /// One bit for each coming fan-out, lowest bit first; the fan-out panics if
    /// its bit is set.
    when: Arc<AtomicUsize>,
    happened: Arc<AtomicUsize>,
}

impl Deaths {
    fn faults(&self) -> FaultHooks {
        let deaths = self.clone();
        FaultHooks {
            before_fan_out: Some(Arc::new(move |conversation| {
                if conversation.0 == deaths.of.load(Ordering::SeqCst) {
                    deaths.maybe_panic();
                }
            })),
            ..FaultHooks::default()
        }
    }

    /// Takes the next bit of `when`, and panics if it is set.
    fn maybe_panic(&self) {
        let shift = |bits: usize| Some(bits >> 1);
        let bits = self
            .when
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, shift);
        if bits.unwrap() & 1 == 1 {
            self.happened.fetch_add(1, Ordering::SeqCst);
            panic!("a fault that a test asked for");
        }
    }

    fn arm(&self, conversation: i64, when: usize) {
        self.of.store(conversation, Ordering::SeqCst);
        self.when.store(when, Ordering::SeqCst);
    }

    fn happened(&self) -> usize {
        self.happened.load(Ordering::SeqCst)
    }
}

/// The Room dies between commit and fan-out, when only the database has the
/// message. The next Room reads the message and announces it.
#[tokio::test]
async fn room_death_after_commit_loses_nothing() {
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults()).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut here, mut there) = (ann.chat_socket(id).await, ben.socket("/ws/").await);

    deaths.arm(id, 0b1);
    here.send_text_as("Is anybody there?", "question").await;
    let refused = here.expect_error("busy").await;
    assert_eq!(refused["client_id"], "question");
    // The next Room sends the conversation first, then the missed message.
    let shown = here.expect("conversation").await;
    assert_eq!(shown["conversation"]["version"], 1);
    let told = here.expect_message().await;
    assert_eq!(
        (&told["seq"], &told["client_id"]),
        (&2.into(), &"question".into())
    );
    there.expect("conversation").await;
    assert_eq!(there.expect_message().await, told);
    assert_eq!(there.expect_side_frame("unread").await["unread_count"], 2);
    assert_eq!(deaths.happened(), 1);

    // The sender retries, as `busy` asks.
    here.send_text_as("Is anybody there?", "question").await;
    assert_eq!(here.expect_message().await, told);
    let again = ann
        .send_as(id, "Is anybody there?", "question")
        .await
        .expect(200);
    assert_eq!(again["id"], told["id"]);
    there.expect_nothing_until_pong().await;
    here.send_text("Yes.").await;
    assert_eq!(here.expect_message().await["seq"], 3);
    assert_eq!(there.expect_message().await["seq"], 3);
}

/// When the Room dies, sends are in the Journal, in the Room's mailbox and on
/// the socket. Batches are small, so that there are many commits.
#[tokio::test]
async fn room_deaths_under_load_lose_nothing() {
    const SENDS: usize = 60;
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults());
    let app = app
        .settings(|settings| settings.limits.journal_batch = 3)
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut others = [ann.chat_socket(id).await, ben.socket("/ws/").await];

    // Lowest bit first: the first four fan-outs panic, however many messages
    // each of them has.
    deaths.arm(id, 0b0100_1001_0110_1111);
    let mut open: BTreeMap<String, ()> = (0..SENDS).map(|at| (format!("{at:03}"), ())).collect();
    for name in open.keys() {
        here.send_text_as(name, name).await;
    }
    let mut last = 1;
    while !open.is_empty() {
        let frame = next_news(&mut here).await;
        let name = named(&frame);
        if frame["type"] == "error" {
            assert_eq!(frame["code"], "busy", "{frame}");
            here.send_text_as(name, name).await;
        } else {
            // A retry is echoed only after its message's fan-out, so no gap
            // occurs.
            let seq = frame["message"]["seq"].as_i64().unwrap();
            assert!(seq <= last + 1, "{frame} leaves a gap");
            last = last.max(seq);
            open.remove(name);
        }
    }
    for socket in &mut others {
        expect_each_once(socket, 2..=SENDS as i64 + 1).await;
    }
    assert!(deaths.happened() >= 4, "{}", deaths.happened());
    assert_eq!(ann.conversation(id).await["last_seq"], SENDS + 1);
}

/// A Room that always panics affects only its own conversation.
#[tokio::test]
async fn repeated_room_deaths_stay_isolated() {
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults()).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cyd = app.register_user("cyd").await;
    ann.connect_with(&cyd).await;
    let (bad, good) = (
        ann.open_direct_used(&ben).await,
        ann.open_direct_used(&cyd).await,
    );
    let mut here = ann.chat_socket(good).await;
    let mut there = ben.chat_socket(bad).await;

    deaths.arm(bad, usize::MAX);
    for name in ["one", "two", "three"] {
        // The first panic leaves the message unsent; the second occurs when the
        // next Room sends it.
        for _ in 0..2 {
            let before = deaths.happened();
            until("a death", async || {
                // Until the Hub knows of the last Room's death, a send reaches
                // no new Room.
                ann.send_as(bad, name, name)
                    .await
                    .expect_problem(503, "busy");
                (deaths.happened() > before).then_some(())
            })
            .await;
        }
    }
    app.get("/healthz").await.expect(200);
    here.send_text("All is well here.").await;
    assert_eq!(here.expect_message().await["seq"], 2);

    deaths.arm(bad, 0);
    ann.send_as(bad, "four", "four").await.expect(201);
    let last = ann.conversation(bad).await["last_seq"].as_i64().unwrap();
    expect_each_once(&mut there, 2..=last).await;
    for name in ["one", "two", "three", "four"] {
        ann.send_as(bad, name, name).await;
    }
    let history = ann.history(bad).await;
    let mut names: Vec<_> = history
        .iter()
        .filter_map(|it| it["client_id"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["four", "one", "three", "two"]);
}

/// A fault that, once armed, pauses a Room between commit and fan-out and then
/// makes it panic.
struct Dying {
    is_armed: Arc<AtomicUsize>,
    dies: tokio::sync::mpsc::UnboundedReceiver<()>,
    go_on: std::sync::mpsc::Sender<()>,
}

impl Dying {
    fn new() -> (Self, FaultHooks) {
        let (says_when, dies) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, waits) = std::sync::mpsc::channel();
        let waits = parking_lot::Mutex::new(waits);
        let is_armed = Arc::new(AtomicUsize::new(0));
        let armed = Arc::clone(&is_armed);
        let faults = FaultHooks {
            before_fan_out: Some(Arc::new(move |_| {
                if armed.swap(0, Ordering::SeqCst) == 1 {
                    says_when.send(()).unwrap();
                    waits.lock().recv().unwrap();
                    panic!("a fault that a test asked for");
                }
            })),
            ..FaultHooks::default()
        };
        let dying = Self {
            is_armed,
            dies,
            go_on,
        };
        (dying, faults)
    }

    /// Sends a message whose Room dies after the commit, and renames the table
    /// of conversations before the death.
    async fn hide_amid(&mut self, sender: &TestUser, id: i64, database: &DatabaseConnection) {
        self.is_armed.store(1, Ordering::SeqCst);
        let hiding = async {
            within("a commit", self.dies.recv()).await.unwrap();
            let hide = "ALTER TABLE conversation RENAME TO hidden";
            database.execute_unprepared(hide).await.unwrap();
            self.go_on.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(sender.send_as(id, "Hello?", "hello"), hiding);
        answer.expect_problem(503, "busy");
    }
}

/// Waits until a send is refused because the next Room has failed to load.
async fn expect_not_to_be_found(
    (sender, name): (&TestUser, &str),
    id: i64,
    database: &DatabaseConnection,
) {
    // PostgreSQL's prepared statements still find the renamed table.
    if database.get_database_backend() != DbBackend::Sqlite {
        return;
    }
    until("the next Room", async || {
        let answer = sender.send_as(id, "Hello?", name).await;
        // The answer is `busy` until the Hub knows of the last Room's death.
        let is_busy = answer.body["code"] == "busy";
        (!is_busy).then(|| answer.expect_problem(500, "internal"))
    })
    .await;
}

async fn show_again(database: &DatabaseConnection) {
    let show = "ALTER TABLE hidden RENAME TO conversation";
    database.execute_unprepared(show).await.unwrap();
}

/// Guards a Room that fails to load after its predecessor left a message
/// unsent. The first command that loads it, even a retry, sends the message.
#[tokio::test]
async fn retry_sends_message_of_dead_room() {
    let (mut dying, faults) = Dying::new();
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    dying.hide_amid(&ann, id, &database).await;
    expect_not_to_be_found((&ann, "hello"), id, &database).await;
    show_again(&database).await;
    ann.send_as(id, "Hello?", "hello").await.expect(200);
    expect_each_once(&mut there, 2..=2).await;
    database.close().await.unwrap();
}

/// The next Room sends a dead Room's message even if no command follows.
#[tokio::test]
async fn unsent_message_follows_without_command() {
    let (mut dying, faults) = Dying::new();
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    dying.hide_amid(&ann, id, &database).await;
    expect_not_to_be_found((&ann, "lost"), id, &database).await;
    show_again(&database).await;
    expect_each_once(&mut there, 2..=2).await;
    database.close().await.unwrap();
}

/// After a panic in the Journal, the server can't know what is on disk, so it
/// aborts and sends no events. The test runs itself as a child process.
#[tokio::test]
async fn journal_panic_aborts_process() {
    const CHILD: &str = "TIDINGS_TEST_OF_ABORT";
    #[expect(
        clippy::disallowed_methods,
        reason = "marks the child process of this test"
    )]
    if std::env::var_os(CHILD).is_some() {
        return die_by_the_journal().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "engine::faults::journal_panic_aborts_process"])
        .env_remove("TIDINGS_TEST_DATABASE")
        .env("TMPDIR", folder.path())
        .env(CHILD, "1");
    let ended = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    const SIGABRT: i32 = 6;
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{ended:?}");
}

async fn die_by_the_journal() {
    let is_armed = Arc::new(AtomicUsize::new(0));
    let armed = Arc::clone(&is_armed);
    let faults = FaultHooks {
        before_commit: Some(Arc::new(move || {
            assert_eq!(
                armed.load(Ordering::SeqCst),
                0,
                "a fault that a test asked for"
            );
        })),
        ..FaultHooks::default()
    };
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    is_armed.store(1, Ordering::SeqCst);
    let mut socket = ann.chat_socket(id).await;
    socket.send_text("The last word.").await;
    // Times out if the process survives; the parent then sees no SIGABRT.
    until("the end", async || None::<()>).await;
}

fn named(frame: &Value) -> &str {
    let name = frame["client_id"].as_str();
    name.or(frame["message"]["client_id"].as_str()).unwrap()
}

/// Returns the next frame that isn't `conversation`. A Room that found unsent
/// changes sends that frame first.
async fn next_news(socket: &mut TestSocket) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] != "conversation" {
            return frame;
        }
    }
}

async fn next_message(socket: &mut TestSocket) -> Value {
    let mut frame = next_news(socket).await;
    assert_eq!(frame["type"], "message", "{frame}");
    frame["message"].take()
}

/// Expects the messages with these `seq`s, each once and in order, and nothing
/// else.
async fn expect_each_once(socket: &mut TestSocket, expected: std::ops::RangeInclusive<i64>) {
    for seq in expected {
        assert_eq!(next_message(socket).await["seq"], seq);
    }
    socket.expect_nothing_until_pong().await;
}
