//! Pages of 50 messages at the head and deep down, of histories of several
//! lengths, and a long list of conversations; each over four connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::JoinSet;

use super::figures::{Figures, Latencies, each};
use super::http::Client;
use super::process::Process;
use super::sizes::Sizes;
use super::wire::number;
use super::world::{Plan, World};

const CONNECTIONS: usize = 4;
const PAGE: usize = 50;

/// The path of the n-th request, and the `seq` that its answer begins with,
/// where that can be said.
type Ask = Rc<dyn Fn(usize) -> (String, Option<usize>)>;

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let mut histories = sizes.history.clone();
    // Those of the list have hardly any messages.
    histories.extend(vec![20; sizes.list]);
    let world = World::new(&Plan {
        people: 2 * histories.len() + 4,
        histories,
        ..Plan::default()
    })
    .await;
    let token = world.token(1);
    let server = Process::tidings(&world).await;
    let mut found = Vec::new();
    let mut page = 0;
    for (at, said) in sizes.history.iter().copied().enumerate() {
        let path = format!("/api/conversations/{}/messages/", world.history(at));
        page = Client::open(server.address(), &token)
            .await
            .get(&path)
            .await
            .len();
        let head = path.clone();
        let head: Ask = Rc::new(move |_| (head.clone(), Some(said - PAGE + 1)));
        // Spread over all of it, never twice the same in a row.
        let deep: Ask = Rc::new(move |turn| {
            let before = PAGE + 1 + turn.wrapping_mul(7_919) % (said - PAGE);
            (format!("{path}?before={before}"), Some(before - PAGE))
        });
        let head = measure(&server, &token, head, sizes).await;
        let deep = measure(&server, &token, deep, sizes).await;
        let deep = deep.against("of head", &head);
        found.push(named(head, format!("head-of-{said}")));
        found.push(named(deep, format!("deep-in-{said}")));
    }
    let list: Ask = Rc::new(|_| ("/api/conversations/".to_owned(), None));
    let list = measure(&server, &token, list, sizes).await;
    found.push(named(list, format!("list-of-{}", sizes.list)));
    server.stop().await;
    let relay = Process::relay().await;
    let canned: Ask = Rc::new(move |_| (format!("/canned/{page}"), None));
    let limit = measure(&relay, &token, canned, sizes).await;
    found = found
        .into_iter()
        .map(|ours| ours.against("of canned", &limit))
        .collect();
    found.push(named(limit, "canned".to_owned()));
    found
}

fn named(figures: Figures, scenario: String) -> Figures {
    Figures {
        scenario,
        ..figures
    }
}

async fn measure(process: &Process, token: &str, ask: Ask, sizes: &Sizes) -> Figures {
    let latencies = Rc::new(RefCell::new(Latencies::default()));
    let (start, cpu) = (Instant::now(), process.cpu());
    let until = start + sizes.span / 2;
    let mut asking = JoinSet::new();
    for first in 0..CONNECTIONS {
        let mut client = Client::open(process.address(), token).await;
        let (ask, latencies) = (Rc::clone(&ask), Rc::clone(&latencies));
        asking.spawn_local(async move {
            let mut turn = first;
            while Instant::now() < until {
                let (path, seq) = ask(turn);
                turn += CONNECTIONS;
                let before = Instant::now();
                let body = client.get(&path).await;
                latencies.borrow_mut().push(before.elapsed());
                if let Some(seq) = seq {
                    assert_eq!(number(body, br#""seq":"#), seq as i64, "{path}");
                }
            }
        });
    }
    asking.join_all().await;
    let (took, spent) = (start.elapsed(), process.cpu() - cpu);
    let mut latencies = latencies.take();
    Figures {
        of: process.name,
        unit: "pages",
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        cpu_micros: each(spent, latencies.len()),
        p50: latencies.at(0.5),
        p99: latencies.at(0.99),
        ..Figures::default()
    }
}
