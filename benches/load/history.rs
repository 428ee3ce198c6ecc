//! Pages of 50 messages at the head and deep in histories of several lengths,
//! and a long list of conversations. Each uses four connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::JoinSet;

use super::figures::{Latencies, LoadFigures, micros_each};
use super::http::LoadHttpClient;
use super::load_socket::parse_number;
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::world::{LoadWorld, WorldPlan};

const CONNECTIONS: usize = 4;
const PAGE_SIZE: usize = 50;

/// Returns the path of the n-th request, and the first `seq` of its answer if
/// that is known.
type RequestMaker = Rc<dyn Fn(usize) -> (String, Option<usize>)>;

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let mut histories = sizes.history.clone();
    // The conversations of the list have few messages.
    histories.extend(vec![20; sizes.list]);
    let world = LoadWorld::new(&WorldPlan {
        people: 2 * histories.len() + 4,
        histories,
        ..WorldPlan::default()
    })
    .await;
    let token = world.token(1);
    let server = LoadProcess::start_server(&world).await;
    let mut found = Vec::new();
    let mut page = 0;
    for (at, said) in sizes.history.iter().copied().enumerate() {
        let path = format!("/api/conversations/{}/messages/", world.history(at));
        page = LoadHttpClient::open(server.address(), &token)
            .await
            .get(&path)
            .await
            .len();
        let head = path.clone();
        let head: RequestMaker = Rc::new(move |_| (head.clone(), Some(said - PAGE_SIZE + 1)));
        // Spread over the whole history, never the same page twice in a row.
        let deep: RequestMaker = Rc::new(move |turn| {
            let before = PAGE_SIZE + 1 + turn.wrapping_mul(7_919) % (said - PAGE_SIZE);
            (format!("{path}?before={before}"), Some(before - PAGE_SIZE))
        });
        let head = measure(&server, &token, head, sizes).await;
        let deep = measure(&server, &token, deep, sizes).await;
        let deep = deep.with_limit("of head", &head);
        found.push(with_scenario(head, format!("head-of-{said}")));
        found.push(with_scenario(deep, format!("deep-in-{said}")));
    }
    let list: RequestMaker = Rc::new(|_| ("/api/conversations/".to_owned(), None));
    let list = measure(&server, &token, list, sizes).await;
    found.push(with_scenario(list, format!("list-of-{}", sizes.list)));
    server.stop().await;
    let relay = LoadProcess::start_relay().await;
    let canned: RequestMaker = Rc::new(move |_| (format!("/canned/{page}"), None));
    let limit = measure(&relay, &token, canned, sizes).await;
    found = found
        .into_iter()
        .map(|ours| ours.with_limit("of canned", &limit))
        .collect();
    found.push(with_scenario(limit, "canned".to_owned()));
    found
}

fn with_scenario(figures: LoadFigures, scenario: String) -> LoadFigures {
    LoadFigures {
        scenario,
        ..figures
    }
}

async fn measure(
    process: &LoadProcess,
    token: &str,
    ask: RequestMaker,
    sizes: &LoadSizes,
) -> LoadFigures {
    let latencies = Rc::new(RefCell::new(Latencies::default()));
    let (start, cpu) = (Instant::now(), process.cpu());
    let until = start + sizes.span / 2;
    let mut asking = JoinSet::new();
    for first in 0..CONNECTIONS {
        let mut client = LoadHttpClient::open(process.address(), token).await;
        let (ask, latencies) = (Rc::clone(&ask), Rc::clone(&latencies));
        asking.spawn_local(async move {
            let mut turn = first;
            while Instant::now() < until {
                let (path, seq) = ask(turn);
                turn += CONNECTIONS;
                let before = Instant::now();
                let body = client.get(&path).await;
                latencies.borrow_mut().record(before.elapsed());
                if let Some(seq) = seq {
                    assert_eq!(parse_number(body, br#""seq":"#), seq as i64, "{path}");
                }
            }
        });
    }
    asking.join_all().await;
    let (took, spent) = (start.elapsed(), process.cpu() - cpu);
    let mut latencies = latencies.take();
    LoadFigures {
        process: process.name,
        unit: "pages",
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        cpu_micros: micros_each(spent, latencies.len()),
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        ..LoadFigures::default()
    }
}
