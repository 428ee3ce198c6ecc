//! The dialog and the panel of a user with 1,000 contacts and a group of 1,000 members.

use sea_orm::{ConnectionTrait, Database};
use serde_json::json;

use crate::ClientServer;
use crate::figures::ClientFigures;
use crate::load::world::{LoadWorld, PlannedRoom, WorldPlan};
use crate::support::browser::{BrowserDriver, BrowserTab};

const PEOPLE: usize = 1_000;

/// Records the time from each click to the frame that has the first row of a
/// person in an open dialog or panel.
const RECORD: &str = "
    addEventListener('click', () => {
        const start = performance.now();
        window.rowsAfter = null;
        const look = () => {
            if (document.querySelector(':is(dialog[open], .panel) .person')) {
                window.rowsAfter = performance.now() - start;
            } else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }, true);";

pub(crate) async fn run(driver: &BrowserDriver, figures: &mut ClientFigures) {
    let plan = WorldPlan {
        people: PEOPLE,
        rooms: vec![PlannedRoom {
            first: 1,
            people: PEOPLE,
        }],
        ..WorldPlan::default()
    };
    let world = LoadWorld::new(&plan).await;
    connect_all(&world).await;
    let server = ClientServer::start(world).await;
    let tab = server.open_browser(driver).await;
    tab.run_before_pages(RECORD).await;
    let room = server.world.room(0);
    for (name, button) in [
        ("members of 1,000", "[data-act=about]"),
        ("new chat with 1,000 contacts", "[data-act=new]"),
    ] {
        tab.goto(&format!("/messages?conversation={room}")).await;
        tab.see(".days").await;
        tab.click(button).await;
        measure(&tab, name, figures).await;
    }
    tab.close().await;
    server.stop().await;
}

async fn measure(tab: &BrowserTab, name: &str, figures: &mut ClientFigures) {
    tab.wait_for_value("return window.rowsAfter !== null", json!(true))
        .await;
    let took = tab.script("return window.rowsAfter", &[]).await;
    let nodes = tab
        .script(
            "return document.querySelectorAll(':is(dialog[open], .panel) *').length",
            &[],
        )
        .await;
    figures.add_with_target(name, ("nodes", 2_000.0), nodes.as_f64().unwrap());
    figures.add_with_target(name, ("first rows, ms", 200.0), took.as_f64().unwrap());
}

/// Connects user 1 with all others. The world has connected users 1 and 2.
async fn connect_all(world: &LoadWorld) {
    let db = Database::connect(world.url()).await.unwrap();
    let sql = "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
        SELECT 1, id, 1, 1, 0 FROM \"user\" WHERE id > 2";
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
