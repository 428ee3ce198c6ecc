//! Actors that die at the worst moment.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::Value;
use tidings::engine::testing::Faults;

use crate::support::{Person, Socket, TestApp, until, within};

/// Rooms of one conversation that die between commit and telling, as often
/// as a test says.
#[derive(Clone, Default)]
struct Deaths {
    of: Arc<AtomicI64>,
    /// One bit for each time that something is to be told from now on.
    when: Arc<AtomicUsize>,
    happened: Arc<AtomicUsize>,
}

impl Deaths {
    fn faults(&self) -> Faults {
        let deaths = self.clone();
        Faults {
            before_telling: Some(Arc::new(move |conversation| {
                if conversation.0 == deaths.of.load(Ordering::SeqCst) {
                    deaths.perhaps();
                }
            })),
            ..Faults::default()
        }
    }

    /// Where the next bit is set, this is where a Room dies.
    fn perhaps(&self) {
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

/// Guards the moment between commit and telling: what is on disk then is
/// known to nobody but the database, until the next Room reads it.
#[tokio::test]
async fn a_room_that_dies_before_it_tells_loses_nothing() {
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults()).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let (mut here, mut there) = (ann.chat_socket(id).await, ben.socket("/ws/").await);

    deaths.arm(id, 0b1);
    here.say_as("Is anybody there?", "question").await;
    let refused = here.expect_error("busy").await;
    assert_eq!(refused["client_id"], "question");
    // Where it stands is shown first, then what it was not told of.
    let shown = here.expect("conversation").await;
    assert_eq!(shown["conversation"]["version"], 1);
    let told = here.expect_message().await;
    assert_eq!(
        (&told["seq"], &told["client_id"]),
        (&2.into(), &"question".into())
    );
    there.expect("conversation").await;
    assert_eq!(there.expect_message().await, told);
    assert_eq!(there.expect_aside("unread").await["unread_count"], 2);
    assert_eq!(deaths.happened(), 1);

    // Who was told to try again may do so.
    here.say_as("Is anybody there?", "question").await;
    assert_eq!(here.expect_message().await, told);
    let again = ann
        .send_as(id, "Is anybody there?", "question")
        .await
        .expect(200);
    assert_eq!(again["id"], told["id"]);
    there.expect_nothing_until_pong().await;
    here.say("Yes.").await;
    assert_eq!(here.expect_message().await["seq"], 3);
    assert_eq!(there.expect_message().await["seq"], 3);
}

/// The same with posts at the Journal, in the Room's mailbox and on the way
/// while it dies: small batches, so that its commits come one by one.
#[tokio::test]
async fn rooms_that_die_with_much_under_way_lose_nothing() {
    const SENDS: usize = 60;
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults());
    let app = app
        .settings(|settings| settings.limits.journal_batch = 3)
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let mut others = [ann.chat_socket(id).await, ben.socket("/ws/").await];

    // The first four for certain, however much is told in one go.
    deaths.arm(id, 0b0100_1001_0110_1111);
    let mut open: BTreeMap<String, ()> = (0..SENDS).map(|at| (format!("{at:03}"), ())).collect();
    for name in open.keys() {
        here.say_as(name, name).await;
    }
    let mut last = 1;
    while !open.is_empty() {
        let frame = next_news(&mut here).await;
        let name = named(&frame);
        if frame["type"] == "error" {
            assert_eq!(frame["code"], "busy", "{frame}");
            here.say_as(name, name).await;
        } else {
            // An echo that was asked for comes after it was told to all.
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

/// A Room that can't be helped costs its own conversation, and nobody else.
#[tokio::test]
async fn a_room_that_dies_again_and_again_takes_nobody_along() {
    let deaths = Deaths::default();
    let app = TestApp::builder().faults(deaths.faults()).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cyd = app.person("cyd").await;
    ann.connect_with(&cyd).await;
    let (bad, good) = (ann.talk_with(&ben).await, ann.talk_with(&cyd).await);
    let mut here = ann.chat_socket(good).await;
    let mut there = ben.chat_socket(bad).await;

    deaths.arm(bad, usize::MAX);
    for name in ["one", "two", "three"] {
        // The first time it isn't told; the second, what wasn't told is in
        // the way.
        for _ in 0..2 {
            let before = deaths.happened();
            until("a death", async || {
                // Where the Hub hasn't heard of the last one, this costs none.
                ann.send_as(bad, name, name).await.refused(503, "busy");
                (deaths.happened() > before).then_some(())
            })
            .await;
        }
    }
    app.get("/healthz").await.expect(200);
    here.say("All is well here.").await;
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

/// A Room that dies, once it is told to, between commit and telling, and first
/// lets something be done.
struct Dying {
    is_armed: Arc<AtomicUsize>,
    dies: tokio::sync::mpsc::UnboundedReceiver<()>,
    go_on: std::sync::mpsc::Sender<()>,
}

impl Dying {
    fn new() -> (Self, Faults) {
        let (says_when, dies) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, waits) = std::sync::mpsc::channel();
        let waits = parking_lot::Mutex::new(waits);
        let is_armed = Arc::new(AtomicUsize::new(0));
        let armed = Arc::clone(&is_armed);
        let faults = Faults {
            before_telling: Some(Arc::new(move |_| {
                if armed.swap(0, Ordering::SeqCst) == 1 {
                    says_when.send(()).unwrap();
                    waits.lock().recv().unwrap();
                    panic!("a fault that a test asked for");
                }
            })),
            ..Faults::default()
        };
        let dying = Self {
            is_armed,
            dies,
            go_on,
        };
        (dying, faults)
    }

    /// Has a message's Room die, and the conversation be nowhere to be found.
    async fn hide_amid(&mut self, sender: &Person, id: i64, database: &DatabaseConnection) {
        self.is_armed.store(1, Ordering::SeqCst);
        let hiding = async {
            within("a commit", self.dies.recv()).await.unwrap();
            let hide = "ALTER TABLE conversation RENAME TO hidden";
            database.execute_unprepared(hide).await.unwrap();
            self.go_on.send(()).unwrap();
        };
        let (answer, ()) = tokio::join!(sender.send_as(id, "Hello?", "hello"), hiding);
        answer.refused(503, "busy");
    }
}

/// Has the next Room try, which whoever is refused by it shows.
async fn expect_not_to_be_found(
    (sender, name): (&Person, &str),
    id: i64,
    database: &DatabaseConnection,
) {
    // PostgreSQL's prepared statements still find what they once found.
    if database.get_database_backend() != DbBackend::Sqlite {
        return;
    }
    until("the next Room", async || {
        let answer = sender.send_as(id, "Hello?", name).await;
        // While the Hub hasn't heard of the last one's death.
        let is_busy = answer.body["code"] == "busy";
        (!is_busy).then(|| answer.refused(500, "internal"))
    })
    .await;
}

async fn show_again(database: &DatabaseConnection) {
    let show = "ALTER TABLE hidden RENAME TO conversation";
    database.execute_unprepared(show).await.unwrap();
}

/// Guards a Room that couldn't be loaded where its predecessor left something
/// untold: with the first command that loads it, also a retry, that is told.
#[tokio::test]
async fn what_could_not_be_read_at_first_is_told_by_a_retry() {
    let (mut dying, faults) = Dying::new();
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    dying.hide_amid(&ann, id, &database).await;
    expect_not_to_be_found((&ann, "hello"), id, &database).await;
    show_again(&database).await;
    ann.send_as(id, "Hello?", "hello").await.expect(200);
    expect_each_once(&mut there, 2..=2).await;
    database.close().await.unwrap();
}

/// The same where nobody asks for anything again.
#[tokio::test]
async fn what_could_not_be_read_at_first_is_told_as_soon_as_it_can() {
    let (mut dying, faults) = Dying::new();
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut there = ben.chat_socket(id).await;
    let database = app.database().connection().await;

    dying.hide_amid(&ann, id, &database).await;
    expect_not_to_be_found((&ann, "lost"), id, &database).await;
    show_again(&database).await;
    expect_each_once(&mut there, 2..=2).await;
    database.close().await.unwrap();
}

/// Nothing may be told that isn't known to be on disk, so a Journal that
/// panics takes the process along: here, a second process of this very test.
#[tokio::test]
async fn a_journal_that_panics_aborts_the_process() {
    const CHILD: &str = "TIDINGS_TEST_OF_ABORT";
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test is told that it is the child"
    )]
    if std::env::var_os(CHILD).is_some() {
        return die_by_the_journal().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "engine::faults::a_journal_that_panics_aborts_the_process",
        ])
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
    let faults = Faults {
        before_commit: Some(Arc::new(move || {
            assert_eq!(
                armed.load(Ordering::SeqCst),
                0,
                "a fault that a test asked for"
            );
        })),
        ..Faults::default()
    };
    let app = TestApp::builder().faults(faults).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    is_armed.store(1, Ordering::SeqCst);
    let mut socket = ann.chat_socket(id).await;
    socket.say("The last word.").await;
    // Whatever this hears, the parent sees that the process lives.
    until("the end", async || None::<()>).await;
}

fn named(frame: &Value) -> &str {
    let name = frame["client_id"].as_str();
    name.or(frame["message"]["client_id"].as_str()).unwrap()
}

/// The next frame but for the conversation itself, which a Room that found
/// something untold shows first.
async fn next_news(socket: &mut Socket) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] != "conversation" {
            return frame;
        }
    }
}

async fn next_message(socket: &mut Socket) -> Value {
    let mut frame = next_news(socket).await;
    assert_eq!(frame["type"], "message", "{frame}");
    frame["message"].take()
}

/// The messages of these `seq`s, each once, in order, and then nothing.
async fn expect_each_once(socket: &mut Socket, expected: std::ops::RangeInclusive<i64>) {
    for seq in expected {
        assert_eq!(next_message(socket).await["seq"], seq);
    }
    socket.expect_nothing_until_pong().await;
}
