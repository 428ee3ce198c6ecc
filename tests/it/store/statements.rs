//! Records the statements that really run, and PostgreSQL's plans, from the log
//! of the database driver.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The log target of events that count the rows inside one JSON text.
const PIECES: &str = "tidings::store::db::json_rows";

/// The statements, notices and rows of a watched future.
#[derive(Clone, Default)]
pub(crate) struct QueryLog {
    statements: Arc<Mutex<Vec<String>>>,
    notices: Arc<Mutex<Vec<String>>>,
    rows: Arc<Mutex<u64>>,
}

/// The database cost of some work: statements, and the rows that they returned
/// or wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: usize,
    pub(crate) rows: u64,
}

impl QueryLog {
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            statements: self.statements().len(),
            rows: *self.rows.lock(),
        }
    }

    /// Returns all recorded statements, oldest first.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.statements.lock().clone()
    }

    /// Returns each distinct statement.
    pub(crate) fn distinct(&self) -> BTreeSet<String> {
        self.statements.lock().iter().cloned().collect()
    }

    /// Returns the notices that PostgreSQL sent.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.notices.lock().clone()
    }
}

/// Records the statements of `work`, and not those of concurrent tests.
pub(crate) async fn watched<T>(work: impl Future<Output = T>) -> (T, QueryLog) {
    let all = listeners().clone();
    let key = uuid::Uuid::now_v7().to_string();
    let mine = QueryLog::default();
    all.lock().push((key.clone(), mine.clone()));
    let span = tracing::info_span!("watched", key);
    (work.instrument(span).await, mine)
}

type Listeners = Arc<Mutex<Vec<(String, QueryLog)>>>;

fn listeners() -> &'static Listeners {
    static LISTENERS: OnceLock<Listeners> = OnceLock::new();
    LISTENERS.get_or_init(|| {
        let listeners = Listeners::default();
        let layer = QueryLayer(Arc::clone(&listeners));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        listeners
    })
}

struct QueryLayer(Listeners);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for QueryLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let name = metadata.target();
        metadata.is_span() && metadata.name() == "watched"
            || name == "sqlx::query"
            || name == PIECES
            || name == "sqlx::postgres::notice"
    }

    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut key = Words::of("key");
        span.record(&mut key);
        let listeners = self.0.lock();
        let mine = listeners.iter().find(|(name, _)| *name == key.found);
        if let (Some((_, log)), Some(span)) = (mine, context.span(id)) {
            span.extensions_mut().insert(log.clone());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else {
            return;
        };
        let extensions = span.extensions();
        let Some(log) = extensions.get::<QueryLog>() else {
            return;
        };
        if event.metadata().target() == "sqlx::query" {
            // The driver logs only the summary if the statement is short.
            let (mut summary, mut whole) = (Words::of("summary"), Words::of("db.statement"));
            event.record(&mut summary);
            event.record(&mut whole);
            let text = match whole.found.trim() {
                "" => summary.found,
                whole => whole.to_owned(),
            };
            // SQLite runs several statements as one script.
            let statements = text.split(";\n").map(str::to_owned);
            log.statements.lock().extend(statements);
            let mut rows = Rows(0);
            event.record(&mut rows);
            *log.rows.lock() += rows.0;
        } else if event.metadata().target() == PIECES {
            // The database returned these rows as JSON texts in one row, which
            // is counted already. The first text of that row subtracts it.
            let (mut rows, mut place) = (Rows(0), Place(0));
            event.record(&mut rows);
            event.record(&mut place);
            let mut all = log.rows.lock();
            *all = *all + rows.0 - u64::from(place.0 == 0);
        } else {
            let mut message = Words::of("message");
            event.record(&mut message);
            log.notices.lock().push(message.found);
        }
    }
}

/// The number of rows that a statement returned or wrote. PostgreSQL also
/// counts returned rows as written.
struct Rows(u64);

impl Visit for Rows {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if matches!(field.name(), "rows_affected" | "rows_returned") {
            self.0 = self.0.max(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The place of a JSON text in its row.
struct Place(u64);

impl Visit for Place {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "place" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The text of one field of an event.
struct Words {
    field: &'static str,
    found: String,
}

impl Words {
    fn of(field: &'static str) -> Self {
        let found = String::new();
        Self { field, found }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.field {
            value.clone_into(&mut self.found);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == self.field {
            self.found = format!("{value:?}");
        }
    }
}
