//! The load harness: the release server as a child process, on a free port
//! and a folder of its own, driven over real sockets from one thread, and
//! beside it, in the same run, the limits it is measured against.
//!
//! `cargo bench --bench load` runs it all. Words after `--` choose scenarios
//! (`pairs-1`, `pairs-8`, `paced`, `fan-out`, `idle`, `history`, `storm`,
//! `mixed`, `stored`); `quick` makes everything small, so that all of it takes
//! about a minute; `seconds=N` says how long each is measured; `server=PATH`
//! measures another build, to compare the two. `cargo test` runs it with next
//! to nothing to do. Every message is checked to
//! arrive exactly once and in order at everybody, so a figure here is also a
//! test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench that can't go on should stop where it is, and says what it measures"
)]

mod bare;
mod crowd;
mod fanout;
mod figures;
mod history;
mod http;
mod idle;
mod mixed;
mod pairs;
mod process;
mod relay;
mod sizes;
mod stored;
mod storm;
mod talk;
mod wire;
mod world;

use tokio::task::LocalSet;

use figures::Figures;
use sizes::Sizes;

const SCENARIOS: [&str; 9] = [
    "pairs-1", "pairs-8", "paced", "fan-out", "idle", "history", "storm", "mixed", "stored",
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    raise_file_limit();
    if words.first().is_some_and(|word| word == relay::ROLE) {
        return relay::serve(words.get(1).map(String::as_str));
    }
    let sizes = Sizes::asked(&words);
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
    figures::table(&found);
}

async fn run(name: &str, sizes: &Sizes) -> Vec<Figures> {
    match name {
        "pairs-1" => pairs::run(name, pairs::Pace::Window(1), sizes).await,
        "pairs-8" => pairs::run(name, pairs::Pace::Window(8), sizes).await,
        "paced" => pairs::run(name, pairs::PACED, sizes).await,
        "fan-out" => fanout::run(sizes).await,
        "idle" => idle::run(sizes).await,
        "history" => history::run(sizes).await,
        "storm" => storm::run(sizes).await,
        "mixed" => mixed::run(sizes).await,
        _ => stored::run(sizes).await,
    }
}

/// Ten thousand sockets are as many files, here and in the server, which
/// inherits what is asked for here.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
