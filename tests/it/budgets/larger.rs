//! Runs each endpoint and frame in a small world and in one a hundred times
//! larger. Compares SQLite's work, which may grow only as the budget allows.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings::engine::testing::FaultHooks;
use tidings::store::SqliteProbe;

use super::growth::{Growth, MEMBERS, grow};
use super::table::{self, Budget};
use crate::authority::frames::outcome;
use crate::authority::routes;
use crate::authority::table::{ROLES, Row, SOCKETS, rows};
use crate::authority::world::{Things, World};
use crate::support::{TestApp, TestDatabase, TestSocket, TokenTransport, until};

const SMALL: Growth = Growth { times: 1 };
const LARGE: Growth = Growth { times: 100 };

/// The maximum number of SQLite steps for each row that a budget allows.
const STEPS_A_ROW: u64 = 120;
/// The maximum work in the background during a request: cleanup of logins,
/// presence, the pulse.
const STEPS_BESIDE: u64 = 2_500;
const ROWS_BESIDE: u64 = 12;
/// Longer than the time for which the server gathers changes of presence.
const IDLE: Duration = Duration::from_secs(1);

/// The work of a download grows with its content. Other tests cover its
/// batches.
const DOWNLOADS: [&str; 1] = ["POST /settings/export"];

/// SQLite's work: steps of its virtual machine and rows written.
#[derive(Clone, Copy, Debug)]
struct Work {
    steps: u64,
    rows: u64,
}

/// A request or frame to measure, with the objects that it names.
struct Case {
    role: &'static str,
    row: Row,
    things: Things,
    is_frame: bool,
}

struct Measured {
    world: World,
    probe: Arc<SqliteProbe>,
    /// Sockets that keep their users online while frames are measured.
    /// Otherwise, reading the viewers of a change of presence would count, too.
    online: Vec<TestSocket>,
}

impl Measured {
    async fn new() -> Self {
        let probe = Arc::<SqliteProbe>::default();
        let faults = FaultHooks {
            sqlite_probe: Some(probe.clone()),
            ..FaultHooks::default()
        };
        let app = TestApp::builder().faults(faults).spawn().await;
        let world = World::of_app(app).await;
        Self {
            world,
            probe,
            online: Vec::new(),
        }
    }

    /// Returns one case for each row of the tables of permissions, with a role
    /// that has the permission.
    async fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let endpoints = rows("endpoint", &ROLES).into_iter().map(|row| (row, false));
        let frames = rows("frame", &SOCKETS).into_iter().map(|row| (row, true));
        for (row, is_frame) in endpoints.chain(frames) {
            if DOWNLOADS.contains(&&*row.target) {
                continue;
            }
            let is_admins = ["/admin", "/ws/admin", "/api/admin"];
            let is_admins = !is_frame && is_admins.iter().any(|it| row.path().starts_with(it));
            let role = if is_admins { "admin" } else { "owner" };
            let things = Things::of(&self.world, role, &row).await;
            cases.push(Case {
                role,
                row,
                things,
                is_frame,
            });
        }
        cases
    }

    /// Stores the data of `growth`, bypassing the server.
    async fn grow(&mut self, cases: &[Case], growth: Growth) {
        let groups: Vec<i64> = cases
            .iter()
            .filter_map(|case| case.things.find("{group}"))
            .map(|id| id.parse().unwrap())
            .collect();
        self.world.app.stop().await;
        grow(&self.world, &groups, growth).await;
        self.world.app.start().await;
        // A Room reads its members when it starts. That cost isn't compared.
        let mate = self.world.of("mate");
        for group in groups {
            mate.send(group, "Once more.").await.expect(201);
        }
    }

    async fn work(&mut self, case: &Case) -> Work {
        let work = if case.is_frame {
            self.keep_online(case).await;
            self.work_of_frame(case).await
        } else {
            self.counted(self.request(case)).await
        };
        if !case.is_frame && !case.row.is_read_only() {
            self.world.refresh(case.role).await;
        }
        work
    }

    /// Returns SQLite's work while `doing` runs.
    async fn counted(&self, doing: impl Future<Output = ()>) -> Work {
        let (steps, rows) = (self.probe.steps(), self.probe.rows());
        doing.await;
        Work {
            steps: self.probe.steps() - steps,
            rows: self.probe.rows() - rows,
        }
    }

    /// On the first call, opens a socket of each user that sends or receives
    /// frames. Waits until the changes of presence are delivered.
    async fn keep_online(&mut self, case: &Case) {
        if !self.online.is_empty() {
            return;
        }
        for role in [case.role, "mate"] {
            self.online.push(self.world.of(role).socket("/ws/").await);
        }
        let mut before = u64::MAX;
        until("SQLite to be idle", async || {
            tokio::time::sleep(IDLE).await;
            let now = self.probe.steps();
            let is_idle = now.saturating_sub(before) < STEPS_BESIDE && before <= now;
            before = now;
            is_idle.then_some(())
        })
        .await;
    }

    /// Returns the work of a frame, without that of opening the sockets.
    async fn work_of_frame(&self, case: &Case) -> Work {
        let with = case.things.fill(&case.row.with);
        let frame: Value = serde_json::from_str(&with).unwrap();
        let mut sender = self.world.of(case.role).socket("/ws/").await;
        let mut mate = self.world.of("mate").socket("/ws/").await;
        for socket in [&mut sender, &mut mate] {
            socket.frames_until_pong().await;
        }
        let doing = async {
            outcome(&mut sender, &mut mate, frame).await;
        };
        self.counted(doing).await
    }

    async fn request(&self, case: &Case) {
        let with = case.things.fill(&case.row.with);
        let path = case.things.fill(case.row.path());
        let person = self.world.of(case.role);
        if path.starts_with("/ws") && !path.starts_with("/ws/chat/") {
            // A handshake is complete when its socket has received the first
            // frame.
            let path = format!("{path}/");
            let mut socket = TestSocket::open(person, &path, TokenTransport::Bearer).await;
            socket.read().await.unwrap();
            return;
        }
        let answer = self.world.ask(case.role, &case.row, (&path, &with)).await;
        let is_refused = [429, 500, 503].contains(&answer.status);
        assert!(!is_refused, "{path}: {answer:?}");
    }
}

/// Returns the work that the larger world may need beyond twice the work of the
/// smaller one.
fn allowed(budget: &Budget) -> Work {
    let mut rows = budget.rows;
    if budget.grows.contains("member") {
        let of_each = if budget.bound.contains("two ") { 2 } else { 1 };
        rows += of_each * MEMBERS * (LARGE.times - SMALL.times) / 10;
    }
    if budget.bound.contains("each conversation") {
        rows += 2 * (LARGE.conversations() - SMALL.conversations());
    }
    Work {
        steps: rows * STEPS_A_ROW + STEPS_BESIDE,
        rows: rows + ROWS_BESIDE,
    }
}

#[tokio::test]
async fn larger_world_costs_no_more() {
    // PostgreSQL can't count the steps and rows of a statement as SQLite does.
    // It runs the same statements.
    if !TestDatabase::is_sqlite() {
        return;
    }
    let (mut small, mut large) = (Measured::new().await, Measured::new().await);
    let (small_cases, large_cases) = (small.cases().await, large.cases().await);
    small.grow(&small_cases, SMALL).await;
    large.grow(&large_cases, LARGE).await;
    let budgets = table::budgets();
    let mut excess = String::new();
    for (one, other) in small_cases.iter().zip(&large_cases) {
        let name = if one.is_frame {
            one.row.target.clone()
        } else {
            format!("{} {}", one.row.method(), routes::shape(one.row.path()))
        };
        let budget = &budgets[&name];
        let (few, many) = (small.work(one).await, large.work(other).await);
        let more = allowed(budget);
        let fits = many.steps <= 2 * few.steps + more.steps && many.rows <= few.rows + more.rows;
        let line = format!("{} {}: {few:?}, {many:?}", one.row.target, one.row.with);
        println!("{line}");
        if !fits {
            writeln!(excess, "{line}, allowed in addition: {more:?}").unwrap();
        }
    }
    assert!(excess.is_empty(), "\n{excess}");
}
