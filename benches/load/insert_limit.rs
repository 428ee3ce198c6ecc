//! The second limit: inserts rows into SQLite with our schema and durability,
//! one statement for each batch. It looks up, checks and delivers nothing.

use std::time::Instant;

use sea_orm::{ConnectionTrait, Database, Statement, Value};

use super::figures::{Latencies, LoadFigures, micros_each};
use super::process::cpu_of;
use super::sizes::LoadSizes;
use super::talk::TEXT;
use super::world::LoadWorld;

/// Measures inserts. A batch has as many rows as there are messages in flight.
pub(crate) async fn measure_inserts(
    scenario: &str,
    batch: usize,
    sizes: &LoadSizes,
) -> LoadFigures {
    let world = LoadWorld::with_pairs(sizes.pairs).await;
    let db = Database::connect(world.url()).await.unwrap();
    for pragma in ["journal_mode = WAL", "synchronous = FULL"] {
        let pragma = format!("PRAGMA {pragma}");
        db.execute_unprepared(&pragma).await.unwrap();
    }
    let row = "(?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 2, ?)";
    let rows = vec![row; batch].join(", ");
    let sql = format!(
        "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, sender_id, \
         client_id, kind, text, furthest, created_at) VALUES {rows}"
    );
    let (start, cpu) = (Instant::now(), cpu_of("self"));
    let (mut latencies, mut id) = (Latencies::default(), 1_000_000_i64);
    while start.elapsed() < sizes.span {
        let before = Instant::now();
        let mut values: Vec<Value> = Vec::with_capacity(batch * 10);
        for at in 0..batch {
            id += 1;
            let conversation = (at % sizes.pairs) as i64 + 1;
            let name = uuid::Uuid::now_v7().to_string();
            let numbers = [id, conversation, id, id, id, id, conversation * 2 - 1];
            values.extend(numbers.map(Value::from));
            values.extend([name.into(), TEXT.into(), id.into()]);
        }
        let insert = Statement::from_sql_and_values(db.get_database_backend(), &sql, values);
        db.execute_raw(insert).await.unwrap();
        latencies.record(before.elapsed());
    }
    let took = start.elapsed();
    let count = latencies.len() * batch;
    let figures = LoadFigures {
        scenario: scenario.to_owned(),
        process: "sqlite",
        unit: "rows",
        per_second: count as f64 / took.as_secs_f64(),
        cpu_micros: micros_each(cpu_of("self") - cpu, count),
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        extra: vec![("batch", batch as f64)],
    };
    db.close().await.unwrap();
    figures
}
