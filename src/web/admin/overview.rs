//! `/admin`: the engine's figures and the server's settings. The server renders
//! the first state; `static/js/admin.js` updates it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{Millis, UserId};

use super::words;
use crate::config::{MetricsSettings, RateLimit, RateLimits, Registration};
use crate::engine::pulse::{PulseSample, SAMPLES_KEPT};
use crate::protocol::Problem;
use crate::web::auth::AdminLogin;
use crate::web::rendering::render_template;
use crate::web::{AppData, AppState, assets};

/// The number of accounts in the list of those with the most database time.
const EXPENSIVE_ACCOUNTS: usize = 10;
/// The height of a chart, in units of its view box.
const CHART_HEIGHT: f64 = 32.0;

/// A figure with its recent values.
struct OverviewFigure {
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    now: String,
    mean: String,
    most: String,
    /// The `points` of an SVG `polyline`.
    points: String,
}

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage {
    csrf_token: String,
    here: &'static str,
    warnings: Vec<String>,
    minutes: String,
    span: usize,
    figures: Vec<OverviewFigure>,
    facts: Vec<(&'static str, String)>,
    limits: Vec<(&'static str, String)>,
    /// Id, name and database time of the accounts with the most database time.
    expensive: Vec<(UserId, String, String)>,
}

/// A function that reads one figure from a sample.
type SamplePicker = fn(&PulseSample) -> f64;

/// Key, name, unit and picker of each figure, in display order. The keys are
/// the field names of the samples that the admin socket sends.
const FIGURES: [(&str, &str, &str, SamplePicker); 11] = [
    ("sessions", "Sessions", "", |it| it.sessions as f64),
    ("people", "Users online", "", |it| it.people as f64),
    ("rooms", "Active rooms", "", |it| it.rooms as f64),
    ("sends", "Sends", "per second", |it| it.sends),
    ("deliveries", "Deliveries", "per second", |it| it.deliveries),
    ("batch", "Batch size", "entries", |it| it.batch),
    ("commit", "Commit time", "ms", |it| it.commit),
    ("journal", "Waiting for the Journal", "", |it| {
        it.journal as f64
    }),
    ("mailboxes", "Waiting in Rooms", "", |it| {
        it.mailboxes as f64
    }),
    ("fullest", "Fullest session", "%", |it| it.fullest),
    ("evictions", "Slow clients disconnected", "", |it| {
        it.evictions as f64
    }),
];

/// The figures that are zero in a sample without a batch.
const BATCH_FIGURES: [&str; 2] = ["batch", "commit"];

/// Returns warnings about unsafe settings, untrusted proxies in requests, and
/// low disk space.
fn collect_warnings(app: &AppState) -> Vec<String> {
    let mut warnings = app.settings.warnings();
    warnings.extend(app.untrusted_proxies.warning());
    let disk = app.engine.disk_state();
    if disk.is_low() {
        let [free, reserve] = [disk.free, disk.reserve]
            .map(|it| words::format_bytes(i64::try_from(it).unwrap_or(i64::MAX)));
        warnings.push(format!(
            "The disk of the database has {free} left. Below {reserve} (TIDINGS_DISK_RESERVE), \
             new messages, groups and accounts are refused. Free some space, or use a larger \
             disk."
        ));
    }
    warnings
}

/// `GET /admin`.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
) -> Result<HttpResponse, Problem> {
    let samples = app.engine.pulse_since(Millis(0));
    let kept = app.settings.timings.pulse_every * u32::try_from(SAMPLES_KEPT).unwrap_or(u32::MAX);
    let page = OverviewPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "overview",
        warnings: collect_warnings(&app),
        minutes: words::format_duration(kept.as_secs()),
        span: SAMPLES_KEPT - 1,
        figures: FIGURES
            .iter()
            .map(|(key, name, unit, pick)| {
                let course: Vec<f64> = samples.iter().map(pick).collect();
                OverviewFigure::from_samples(key, name, unit, &course)
            })
            .collect(),
        facts: load_facts(&app).await?,
        limits: describe_limits(&app.settings.rates),
        expensive: load_expensive_accounts(&app).await?,
    };
    render_template(StatusCode::OK, &page)
}

impl OverviewFigure {
    fn from_samples(
        key: &'static str,
        name: &'static str,
        unit: &'static str,
        course: &[f64],
    ) -> Self {
        let most = course.iter().copied().fold(0.0, f64::max);
        // A sample without a batch has no batch figures to average.
        let counts = |value: &&f64| !BATCH_FIGURES.contains(&key) || **value > 0.0;
        let counted: Vec<&f64> = course.iter().filter(counts).collect();
        #[expect(clippy::cast_precision_loss, reason = "a few samples")]
        let mean = counted.iter().copied().sum::<f64>() / counted.len().max(1) as f64;
        Self {
            key,
            name,
            unit,
            now: format_number(course.last().copied().unwrap_or_default()),
            mean: format_number(mean),
            most: format_number(most),
            points: chart_points(course, most),
        }
    }
}

/// Returns the points of a chart. The line grows from the left; in a full
/// chart, each new sample replaces the oldest.
fn chart_points(course: &[f64], most: f64) -> String {
    let top = if most > 0.0 { most } else { 1.0 };
    let places = course.iter().enumerate().map(|(at, value)| {
        let y = (CHART_HEIGHT - 1.0) - (value / top) * (CHART_HEIGHT - 2.0);
        format!("{at},{y:.1}")
    });
    places.collect::<Vec<_>>().join(" ")
}

/// Formats a whole number as it is, and others with up to two decimals.
fn format_number(value: f64) -> String {
    match value {
        _ if (value - value.round()).abs() < 0.005 => format!("{value:.0}"),
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Returns the accounts that took the most database time in the last ten
/// minutes.
async fn load_expensive_accounts(app: &AppState) -> Result<Vec<(UserId, String, String)>, Problem> {
    let mut accounts = Vec::new();
    for (id, took) in app.engine.rates().most_expensive_users(EXPENSIVE_ACCOUNTS) {
        if let Some(user) = app.store.users().find(id).await? {
            let took = format_number(took.as_secs_f64() * 1000.0);
            accounts.push((id, user.username, format!("{took} ms")));
        }
    }
    Ok(accounts)
}

/// Describes each rate limit.
fn describe_limits(rates: &RateLimits) -> Vec<(&'static str, String)> {
    let off = || "no limit".to_owned();
    let pace = |rate: Option<RateLimit>| rate.map_or_else(off, describe_rate);
    let spread = |rate: Option<RateLimit>| {
        rate.map_or_else(off, |rate| format!("{} per ten minutes", rate.burst))
    };
    vec![
        ("Messages per user", pace(rates.sends)),
        ("Other requests per user", pace(rates.requests)),
        ("Typing events per socket", pace(rates.typing)),
        ("New accounts per address", spread(rates.registrations)),
        ("Wrong passwords per account", spread(rates.account_logins)),
        ("Wrong passwords per address", spread(rates.address_logins)),
        (
            "Database time per user or address",
            rates.database.map_or_else(off, describe_time_budget),
        ),
        (
            "Open sockets per user",
            rates.sockets.map_or_else(off, |most| most.to_string()),
        ),
    ]
}

fn describe_rate(rate: RateLimit) -> String {
    let a_second = format_number(1.0 / rate.interval.as_secs_f64());
    format!("{a_second} per second, {} at once", rate.burst)
}

fn describe_time_budget(rate: RateLimit) -> String {
    let a_second = format_number(1.0 / rate.interval.as_secs_f64());
    format!("{a_second} ms per second, {} ms at once", rate.burst)
}

fn describe_metrics_endpoint(metrics: &MetricsSettings) -> String {
    match (metrics.listen, &metrics.token) {
        (None, None) => "off".to_owned(),
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

async fn load_facts(app: &AppState) -> Result<Vec<(&'static str, String)>, Problem> {
    let (settings, overview) = (&app.settings, app.engine.overview());
    let sizes = app.store.maintenance().load_database_sizes().await?;
    let limits = &settings.limits;
    let public = settings.public_url.as_ref();
    let registration = match settings.registration {
        Registration::Open => "open to everyone",
        Registration::Invite => "by invitation",
        Registration::Closed => "closed",
    };
    let bytes = |count: usize| words::format_bytes(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(vec![
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Uptime", words::format_duration(overview.uptime.as_secs())),
        ("Listening on", settings.listen.to_string()),
        (
            "Public URL",
            public.map_or("not set".to_owned(), |url| url.origin().to_owned()),
        ),
        ("Database", settings.database_url.to_string()),
        ("Database size", words::format_bytes(sizes.bytes)),
        ("Accounts created", sizes.accounts.to_string()),
        ("Conversations created", sizes.conversations.to_string()),
        ("Messages sent", format!("at most {}", sizes.messages)),
        ("Registration", registration.to_owned()),
        (
            "Trusted proxies",
            or_none(settings.trusted_proxies.to_string()),
        ),
        ("Metrics", describe_metrics_endpoint(&settings.metrics)),
        (
            "Logins expire after",
            words::format_duration(settings.token_ttl.as_secs()),
        ),
        (
            "Max unsent bytes per session",
            bytes(settings.session_buffer),
        ),
        (
            "Max unsent bytes of all sessions",
            bytes(settings.total_session_buffer),
        ),
        ("Max frame size", bytes(limits.frame_max)),
        ("Max body size", bytes(limits.body_max)),
        (
            "Max pending commands per room",
            limits.pending_sends.to_string(),
        ),
        ("Max batch size", format!("up to {}", limits.journal_batch)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_points_fill_height() {
        assert_eq!(chart_points(&[0.0, 2.0, 1.0], 2.0), "0,31.0 1,1.0 2,16.0");
        assert_eq!(chart_points(&[0.0], 0.0), "0,31.0");
        assert_eq!(chart_points(&[], 0.0), "");
    }

    #[test]
    fn rate_limits_are_described() {
        let said = |rates: &RateLimits| {
            let all = describe_limits(rates).into_iter().map(|(_, said)| said);
            all.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(
            said(&RateLimits::standard()),
            "10 per second, 50 at once; 20 per second, 100 at once; 2 per second, 10 at once; 10 \
             per ten minutes; 10 per ten minutes; 100 per ten minutes; 50 ms per second, 500 ms \
             at once; 20"
        );
        assert_eq!(said(&RateLimits::off()), ["no limit"; 8].join("; "));
    }

    #[test]
    fn mean_ignores_samples_without_batch() {
        let commit = OverviewFigure::from_samples("commit", "", "", &[0.0, 2.0, 4.0, 0.0]);
        assert_eq!(
            (&*commit.mean, &*commit.most, &*commit.now),
            ("3", "4", "0")
        );
        let sends = OverviewFigure::from_samples("sends", "", "", &[0.0, 2.0, 4.0, 0.0]);
        assert_eq!(sends.mean, "1.50");
    }

    #[test]
    fn numbers_have_few_decimals() {
        for (value, expected) in [
            (0.0, "0"),
            (3.0, "3"),
            (0.26, "0.26"),
            (12.34, "12.3"),
            (1234.5, "1234"),
        ] {
            assert_eq!(format_number(value), expected);
        }
    }
}
