//! The load harness. It starts the release server as a child process, on a free
//! port and with a new folder, and drives it over real sockets from one thread.
//! The same run measures the limits to compare with: a relay and bare inserts.
//!
//! `cargo bench --bench load` runs all scenarios. Words after `--` change that:
//!
//! - `pairs-1`, `pairs-8`, `paced`, `fan-out`, `idle`, `history`, `storm`,
//!   `mixed` and `stored` select scenarios.
//! - `quick` makes everything small; all scenarios take about a minute.
//! - `seconds=N` sets the duration of each measurement.
//! - `server=PATH` measures another build, to compare the two.
//!
//! `cargo test` runs it with very small sizes. The harness checks that each
//! message reaches every member exactly once and in order, so each measurement
//! is also a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that can't continue should panic; results are printed"
)]

mod crowd;
mod fanout;
mod figures;
mod history;
mod http;
mod idle;
mod insert_limit;
mod load_socket;
mod mixed;
mod pairs;
mod process;
mod relay;
mod sizes;
mod stored;
mod storm;
mod talk;
mod world;

use tokio::task::LocalSet;

use figures::LoadFigures;
use sizes::LoadSizes;

const SCENARIOS: [&str; 9] = [
    "pairs-1", "pairs-8", "paced", "fan-out", "idle", "history", "storm", "mixed", "stored",
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    raise_file_limit();
    if words
        .first()
        .is_some_and(|word| word == relay::RELAY_ARGUMENT)
    {
        return relay::serve(words.get(1).map(String::as_str));
    }
    let sizes = LoadSizes::from_arguments(&words);
    let chosen = |name: &&&str| {
        let mut named = words
            .iter()
            .filter(|word| SCENARIOS.contains(&word.as_str()));
        named.clone().next().is_none() || named.any(|word| word == **name)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = LocalSet::new().block_on(&runtime, async {
        let mut found = Vec::new();
        for name in SCENARIOS.iter().filter(chosen) {
            eprintln!("{name} …");
            for figures in run(name, &sizes).await {
                println!("{}", figures.json());
                found.push(figures);
            }
        }
        found
    });
    figures::print_table(&found);
}

async fn run(name: &str, sizes: &LoadSizes) -> Vec<LoadFigures> {
    match name {
        "pairs-1" => pairs::run(name, pairs::SendPace::Window(1), sizes).await,
        "pairs-8" => pairs::run(name, pairs::SendPace::Window(8), sizes).await,
        "paced" => pairs::run(name, pairs::PACED, sizes).await,
        "fan-out" => fanout::run(sizes).await,
        "idle" => idle::run(sizes).await,
        "history" => history::run(sizes).await,
        "storm" => storm::run(sizes).await,
        "mixed" => mixed::run(sizes).await,
        _ => stored::run(sizes).await,
    }
}

/// Raises the limit of open files for 10,000 sockets, here and in the server,
/// which inherits the limit.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
