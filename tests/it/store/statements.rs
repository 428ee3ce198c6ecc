//! The statements that really run, and on PostgreSQL the plans by which they
//! do, as the database's driver tells them to the log.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What says how many rows came in one piece.
const PIECES: &str = "tidings::store::piece";

/// What one watched piece of work was told.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    statements: Arc<Mutex<Vec<String>>>,
    notices: Arc<Mutex<Vec<String>>>,
    rows: Arc<Mutex<u64>>,
}

/// What a piece of work cost the database: statements, and the rows that these
/// answered or wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: usize,
    pub(crate) rows: u64,
}

impl Heard {
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            statements: self.statements().len(),
            rows: *self.rows.lock(),
        }
    }

    /// Every statement, in order.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.statements.lock().clone()
    }

    /// Every different statement.
    pub(crate) fn distinct(&self) -> BTreeSet<String> {
        self.statements.lock().iter().cloned().collect()
    }

    /// What the database itself had to say.
    pub(crate) fn notices(&self) -> Vec<String> {
        self.notices.lock().clone()
    }
}

/// Watches what `work` asks of the database; other tests run beside it.
pub(crate) async fn watched<T>(work: impl Future<Output = T>) -> (T, Heard) {
    let heard = listen().clone();
    let key = uuid::Uuid::now_v7().to_string();
    let mine = Heard::default();
    heard.lock().push((key.clone(), mine.clone()));
    let span = tracing::info_span!("watched", key);
    (work.instrument(span).await, mine)
}

type Listeners = Arc<Mutex<Vec<(String, Heard)>>>;

fn listen() -> &'static Listeners {
    static LISTENERS: OnceLock<Listeners> = OnceLock::new();
    LISTENERS.get_or_init(|| {
        let listeners = Listeners::default();
        let ear = Ear(Arc::clone(&listeners));
        let subscriber = tracing_subscriber::registry().with(ear);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        listeners
    })
}

struct Ear(Listeners);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Ear {
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
        if let (Some((_, heard)), Some(span)) = (mine, context.span(id)) {
            span.extensions_mut().insert(heard.clone());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else {
            return;
        };
        let extensions = span.extensions();
        let Some(heard) = extensions.get::<Heard>() else {
            return;
        };
        if event.metadata().target() == "sqlx::query" {
            // A short statement is its own summary.
            let (mut summary, mut whole) = (Words::of("summary"), Words::of("db.statement"));
            event.record(&mut summary);
            event.record(&mut whole);
            let text = match whole.found.trim() {
                "" => summary.found,
                whole => whole.to_owned(),
            };
            // SQLite is given several in one go.
            let statements = text.split(";\n").map(str::to_owned);
            heard.statements.lock().extend(statements);
            let mut rows = Rows(0);
            event.record(&mut rows);
            *heard.rows.lock() += rows.0;
        } else if event.metadata().target() == PIECES {
            // All of them came as one row, which was counted; with several
            // pieces in it, the first stands for that.
            let (mut rows, mut place) = (Rows(0), Place(0));
            event.record(&mut rows);
            event.record(&mut place);
            let mut all = heard.rows.lock();
            *all = *all + rows.0 - u64::from(place.0 == 0);
        } else {
            let mut message = Words::of("message");
            event.record(&mut message);
            heard.notices.lock().push(message.found);
        }
    }
}

/// The rows that a statement answered or wrote. PostgreSQL counts those that it
/// answers as both.
struct Rows(u64);

impl Visit for Rows {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if matches!(field.name(), "rows_affected" | "rows_returned") {
            self.0 = self.0.max(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Which piece of a row it was.
struct Place(u64);

impl Visit for Place {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "place" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// One field of an event.
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
