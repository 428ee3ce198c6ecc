//! `/admin`: how the engine does, and by what it runs. Drawn here first; a
//! script goes on from there (see `static/js/admin.js`).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{Millis, UserId};

use super::words;
use crate::config::{Metrics, Rate, Rates, Registration};
use crate::engine::pulse::{KEPT, Sample};
use crate::protocol::Problem;
use crate::web::auth::Admin;
use crate::web::pages::page_as;
use crate::web::{App, State, assets};

/// How many of the most expensive accounts are listed.
const EXPENSIVE: usize = 10;
/// The height of a chart, in its own units.
const HEIGHT: f64 = 32.0;

/// One figure, and its course.
struct Figure {
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    now: String,
    mean: String,
    most: String,
    /// As an SVG's `polyline` has them.
    points: String,
}

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct Page {
    csrf_token: String,
    here: &'static str,
    warnings: Vec<String>,
    minutes: String,
    span: usize,
    figures: Vec<Figure>,
    facts: Vec<(&'static str, String)>,
    limits: Vec<(&'static str, String)>,
    /// Id, name and database time of the accounts that took the most of it.
    expensive: Vec<(UserId, String, String)>,
}

/// Which of a sample's figures it is.
type Pick = fn(&Sample) -> f64;

/// Key, name, unit: in the order in which they are shown. The keys are those
/// of the socket's samples.
const FIGURES: [(&str, &str, &str, Pick); 11] = [
    ("sessions", "Sessions", "", |it| it.sessions as f64),
    ("people", "People online", "", |it| it.people as f64),
    ("rooms", "Rooms live", "", |it| it.rooms as f64),
    ("sends", "Sends", "a second", |it| it.sends),
    ("deliveries", "Deliveries", "a second", |it| it.deliveries),
    ("batch", "Journal’s batch", "entries", |it| it.batch),
    ("commit", "Journal’s commit", "ms", |it| it.commit),
    ("journal", "Waiting for the Journal", "", |it| {
        it.journal as f64
    }),
    ("mailboxes", "Waiting in Rooms", "", |it| {
        it.mailboxes as f64
    }),
    ("fullest", "Fullest session", "%", |it| it.fullest),
    ("evictions", "Sessions let go", "", |it| it.evictions as f64),
];

/// The figures of batches.
const MEASURED: [&str; 2] = ["batch", "commit"];

/// What is unsafe by the settings and by the requests that came, and what the
/// disk lacks.
fn warnings(app: &State) -> Vec<String> {
    let mut warnings = app.settings.warnings();
    warnings.extend(app.forwarders.warning());
    let disk = app.engine.disk();
    if disk.is_low() {
        let [free, reserve] =
            [disk.free, disk.reserve].map(|it| words::bytes(i64::try_from(it).unwrap_or(i64::MAX)));
        warnings.push(format!(
            "The disk of the database has {free} left: below {reserve} (TIDINGS_DISK_RESERVE), \
             new messages, groups and accounts are refused. Make room, or use a larger disk."
        ));
    }
    warnings
}

/// `GET /admin`.
pub(in crate::web) async fn show(app: App, Admin(login): Admin) -> Result<HttpResponse, Problem> {
    let samples = app.engine.pulse_since(Millis(0));
    let kept = app.settings.timings.pulse_every * u32::try_from(KEPT).unwrap_or(u32::MAX);
    let page = Page {
        csrf_token: app.csrf.of_login(login.id),
        here: "overview",
        warnings: warnings(&app),
        minutes: words::span(kept.as_secs()),
        span: KEPT - 1,
        figures: FIGURES
            .iter()
            .map(|(key, name, unit, pick)| {
                let course: Vec<f64> = samples.iter().map(pick).collect();
                Figure::of((key, name, unit), &course)
            })
            .collect(),
        facts: facts(&app).await?,
        limits: limits(&app.settings.rates),
        expensive: expensive(&app).await?,
    };
    page_as(StatusCode::OK, &page)
}

impl Figure {
    fn of((key, name, unit): (&'static str, &'static str, &'static str), course: &[f64]) -> Self {
        let most = course.iter().copied().fold(0.0, f64::max);
        // Where there was no batch, there was none to measure.
        let counts = |value: &&f64| !MEASURED.contains(&key) || **value > 0.0;
        let counted: Vec<&f64> = course.iter().filter(counts).collect();
        #[expect(clippy::cast_precision_loss, reason = "a few samples")]
        let mean = counted.iter().copied().sum::<f64>() / counted.len().max(1) as f64;
        Self {
            key,
            name,
            unit,
            now: number(course.last().copied().unwrap_or_default()),
            mean: number(mean),
            most: number(most),
            points: points(course, most),
        }
    }
}

/// From the left on, until the window is full; then the oldest go.
fn points(course: &[f64], most: f64) -> String {
    let top = if most > 0.0 { most } else { 1.0 };
    let places = course.iter().enumerate().map(|(at, value)| {
        let y = (HEIGHT - 1.0) - (value / top) * (HEIGHT - 2.0);
        format!("{at},{y:.1}")
    });
    places.collect::<Vec<_>>().join(" ")
}

/// Whole numbers as they are, others with as many decimals as say something.
fn number(value: f64) -> String {
    match value {
        _ if (value - value.round()).abs() < 0.005 => format!("{value:.0}"),
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The accounts whose statements took most of the last ten minutes.
async fn expensive(app: &State) -> Result<Vec<(UserId, String, String)>, Problem> {
    let mut accounts = Vec::new();
    for (id, took) in app.engine.rates().most_expensive(EXPENSIVE) {
        if let Some(user) = app.store.user(id).await? {
            let took = number(took.as_secs_f64() * 1000.0);
            accounts.push((id, user.username, format!("{took} ms")));
        }
    }
    Ok(accounts)
}

/// What each may ask for, in words.
fn limits(rates: &Rates) -> Vec<(&'static str, String)> {
    let off = || "no limit".to_owned();
    let pace = |rate: Option<Rate>| rate.map_or_else(off, per_second);
    let spread =
        |rate: Option<Rate>| rate.map_or_else(off, |rate| format!("{} in ten minutes", rate.burst));
    vec![
        ("Messages of somebody", pace(rates.sends)),
        ("Other requests of somebody", pace(rates.requests)),
        ("“Typing” of a socket", pace(rates.typing)),
        ("New accounts from an address", spread(rates.registrations)),
        (
            "Wrong passwords for an account",
            spread(rates.account_logins),
        ),
        (
            "Wrong passwords from an address",
            spread(rates.address_logins),
        ),
        (
            "Database time of a user or address",
            rates.database.map_or_else(off, milliseconds),
        ),
        (
            "Open sockets of somebody",
            rates.sockets.map_or_else(off, |most| most.to_string()),
        ),
    ]
}

fn per_second(rate: Rate) -> String {
    let a_second = number(1.0 / rate.each.as_secs_f64());
    format!("{a_second} a second, {} at once", rate.burst)
}

fn milliseconds(rate: Rate) -> String {
    let a_second = number(1.0 / rate.each.as_secs_f64());
    format!("{a_second} ms a second, {} ms at once", rate.burst)
}

fn where_metrics_are(metrics: &Metrics) -> String {
    match (metrics.listen, &metrics.token) {
        (None, None) => "nowhere".to_owned(),
        (None, Some(_)) => "/metrics, with the token".to_owned(),
        (Some(listen), None) => format!("http://{listen}/metrics"),
        (Some(listen), Some(_)) => format!("http://{listen}/metrics, with the token"),
    }
}

fn or_none(said: String) -> String {
    Some(said)
        .filter(|said| !said.is_empty())
        .unwrap_or_else(|| "none".to_owned())
}

async fn facts(app: &State) -> Result<Vec<(&'static str, String)>, Problem> {
    let (settings, overview) = (&app.settings, app.engine.overview());
    let sizes = app.store.sizes().await?;
    let limits = &settings.limits;
    let public = settings.public_url.as_ref();
    let registration = match settings.registration {
        Registration::Open => "open to everybody",
        Registration::Invite => "by invitation",
        Registration::Closed => "closed",
    };
    let bytes = |count: usize| words::bytes(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(vec![
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Running for", words::span(overview.uptime.as_secs())),
        ("Listening on", settings.listen.to_string()),
        (
            "Known as",
            public.map_or("not set".to_owned(), |url| url.origin().to_owned()),
        ),
        ("Database", settings.database_url.to_string()),
        ("Size of the database", words::bytes(sizes.bytes)),
        ("Accounts opened so far", sizes.accounts.to_string()),
        ("Conversations so far", sizes.conversations.to_string()),
        ("Messages so far", format!("at most {}", sizes.messages)),
        ("Registration", registration.to_owned()),
        (
            "Trusted proxies",
            or_none(settings.trusted_proxies.to_string()),
        ),
        ("Metrics", where_metrics_are(&settings.metrics)),
        ("A login holds", words::span(settings.token_ttl.as_secs())),
        ("Unsent bytes of a session", bytes(settings.session_buffer)),
        (
            "Unsent bytes of all sessions",
            bytes(settings.total_session_buffer),
        ),
        ("Largest frame", bytes(limits.frame_max)),
        ("Largest body", bytes(limits.body_max)),
        ("Sends that may wait", limits.pending_sends.to_string()),
        (
            "Entries of a batch",
            format!("up to {}", limits.journal_batch),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_begins_at_the_left_and_its_peak_is_at_the_top() {
        assert_eq!(points(&[0.0, 2.0, 1.0], 2.0), "0,31.0 1,1.0 2,16.0");
        assert_eq!(points(&[0.0], 0.0), "0,31.0");
        assert_eq!(points(&[], 0.0), "");
    }

    #[test]
    fn limits_are_said_as_they_are() {
        let said = |rates: &Rates| {
            let all = limits(rates).into_iter().map(|(_, said)| said);
            all.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(
            said(&Rates::usual()),
            "10 a second, 50 at once; 20 a second, 100 at once; 2 a second, 10 at once; \
             10 in ten minutes; 10 in ten minutes; 100 in ten minutes; \
             50 ms a second, 500 ms at once; 20"
        );
        assert_eq!(said(&Rates::off()), ["no limit"; 8].join("; "));
    }

    #[test]
    fn a_batch_that_was_not_is_no_batch_of_nothing() {
        let commit = Figure::of(("commit", "", ""), &[0.0, 2.0, 4.0, 0.0]);
        assert_eq!(
            (&*commit.mean, &*commit.most, &*commit.now),
            ("3", "4", "0")
        );
        let sends = Figure::of(("sends", "", ""), &[0.0, 2.0, 4.0, 0.0]);
        assert_eq!(sends.mean, "1.50");
    }

    #[test]
    fn numbers_are_as_long_as_they_need_to_be() {
        for (value, expected) in [
            (0.0, "0"),
            (3.0, "3"),
            (0.26, "0.26"),
            (12.34, "12.3"),
            (1234.5, "1234"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
