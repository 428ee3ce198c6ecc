//! An [`EngineOverview`] in the text format, under stable names for dashboards.
//! The number of lines depends only on the binary: labels are routes and codes,
//! never ids.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::counters::{HistogramSnapshot, StatusClass};
use crate::engine::overview::EngineOverview;

/// Times are stored in microseconds and reported in seconds.
const MICROS_PER_SECOND: f64 = 1_000_000.0;

/// Name, help text and value.
type PlainMetric = (&'static str, &'static str, u64);

/// Name, help text, measurements, and the number of stored units per reported
/// unit.
type HistogramMetric<'a> = (&'static str, &'static str, &'a HistogramSnapshot, f64);

/// Writes all metrics.
pub(super) fn write_metrics(
    overview: EngineOverview,
    connections: usize,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(OverviewCollector(overview, connections)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct OverviewCollector(EngineOverview, usize);

impl Collector for OverviewCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let overview = &self.0;
        let encoder = &mut encoder;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let help = "The version of this server";
        encoder
            .encode_descriptor("tidings_build", help, None, MetricType::Info)?
            .encode_info(&version)?;
        let connections = (
            "tidings_connections",
            "Open connections, including those that are not sockets",
            self.1 as u64,
        );
        for (name, help, value) in [connections]
            .into_iter()
            .chain(socket_gauges(overview))
            .chain(actor_gauges(overview))
            .chain(disk_gauges(overview))
        {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, value) in total_counters(overview) {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        for spread in histogram_metrics(overview) {
            encode_histogram(encoder, spread)?;
        }
        encode_by_reason(encoder, overview)?;
        encode_by_route(encoder, overview)?;
        encode_database_times(encoder, overview)
    }
}

/// Returns the gauges of sockets.
fn socket_gauges(overview: &EngineOverview) -> [PlainMetric; 6] {
    let here = &overview.sockets.sessions;
    [
        (
            "tidings_uptime_seconds",
            "How long the server has been running",
            overview.uptime.as_secs(),
        ),
        ("tidings_sessions", "Open sockets", here.sessions as u64),
        (
            "tidings_people_online",
            "Users with an open socket",
            here.people as u64,
        ),
        (
            "tidings_session_queued_bytes",
            "Unsent bytes of all sockets together",
            here.queued as u64,
        ),
        (
            "tidings_session_fullest_bytes",
            "Unsent bytes of the socket with the most",
            here.fullest as u64,
        ),
        (
            "tidings_session_budget_bytes",
            "Unsent bytes above which a slow socket is disconnected",
            overview.sockets.budget as u64,
        ),
    ]
}

/// Returns the gauges of Rooms and the Journal.
fn actor_gauges(overview: &EngineOverview) -> [PlainMetric; 7] {
    let (rooms, journal) = (&overview.rooms.load, &overview.journal);
    [
        ("tidings_rooms", "Live rooms", rooms.live as u64),
        (
            "tidings_rooms_starting",
            "Rooms being started",
            rooms.starting as u64,
        ),
        (
            "tidings_room_commands",
            "Unanswered commands of all rooms together",
            rooms.unanswered as u64,
        ),
        (
            "tidings_room_commands_limit",
            "Unanswered commands at which a room answers busy",
            rooms.limit as u64,
        ),
        (
            "tidings_room_deepest",
            "Unanswered commands of the room with the most",
            rooms.deepest as u64,
        ),
        (
            "tidings_journal_waiting",
            "Unanswered entries of the journal",
            journal.waiting as u64,
        ),
        (
            "tidings_journal_batch_limit",
            "Maximum entries of one batch",
            journal.batch_max as u64,
        ),
    ]
}

/// Returns the gauges of the data directory's disk. With PostgreSQL, the
/// database's data is elsewhere.
fn disk_gauges(overview: &EngineOverview) -> [PlainMetric; 3] {
    let disk = &overview.disk;
    [
        (
            "tidings_disk_free_bytes",
            "Free bytes of the disk with the data",
            disk.free,
        ),
        (
            "tidings_disk_reserve_bytes",
            "Free bytes below which nothing new is stored, or 0",
            disk.reserve,
        ),
        (
            "tidings_disk_low",
            "Whether new messages and accounts are refused because the disk is nearly full",
            u64::from(disk.is_low()),
        ),
    ]
}

/// Returns the counters since the server's start.
fn total_counters(overview: &EngineOverview) -> [PlainMetric; 10] {
    let (sockets, rooms) = (&overview.sockets, &overview.rooms);
    let journal = &overview.journal;
    [
        (
            "tidings_sessions_opened",
            "Sockets that were opened",
            sockets.opened,
        ),
        (
            "tidings_sessions_evicted",
            "Slow sockets disconnected",
            sockets.evicted,
        ),
        (
            "tidings_frames_received",
            "Frames from clients",
            sockets.frames_in,
        ),
        (
            "tidings_frames_sent",
            "Frames to clients",
            sockets.frames_out,
        ),
        (
            "tidings_frames_sent_bytes",
            "Bytes of frames to clients",
            sockets.bytes_out,
        ),
        (
            "tidings_deliveries",
            "Deliveries to sessions, one per session and commit",
            rooms.deliveries,
        ),
        ("tidings_rooms_died", "Rooms that died", rooms.died),
        ("tidings_messages", "New messages on disk", journal.messages),
        (
            "tidings_journal_entries",
            "Entries of any kind that the journal answered",
            journal.entries,
        ),
        (
            "tidings_journal_stale",
            "Stale entries that were checked again",
            journal.stale,
        ),
    ]
}

fn histogram_metrics(overview: &EngineOverview) -> [HistogramMetric<'_>; 3] {
    [
        (
            "tidings_journal_batch_entries",
            "Entries per batch",
            &overview.journal.batch_size,
            1.0,
        ),
        (
            "tidings_journal_commit_seconds",
            "Time from the start of a batch to its commit",
            &overview.journal.commit,
            MICROS_PER_SECOND,
        ),
        (
            "tidings_fan_out_seconds",
            "Time from a commit to its delivery to all sessions",
            &overview.rooms.fan_out,
            MICROS_PER_SECOND,
        ),
    ]
}

fn encode_histogram(
    encoder: &mut DescriptorEncoder,
    (name, help, measured, unit): HistogramMetric<'_>,
) -> fmt::Result {
    let histogram = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    encode_buckets(histogram, measured, unit)
}

#[expect(clippy::cast_precision_loss, reason = "metrics need no full precision")]
fn encode_buckets(
    mut encoder: MetricEncoder<'_>,
    measured: &HistogramSnapshot,
    unit: f64,
) -> fmt::Result {
    let bounds = measured.bounds.iter().map(|bound| *bound as f64 / unit);
    let bounds = bounds.chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(measured.counts.iter().copied()).collect();
    let sum = measured.sum as f64 / unit;
    encoder.encode_histogram::<NoLabelSet>(sum, measured.count(), &buckets, None)
}

/// Encodes every reason, even one that never occurred, so that its rate is zero
/// and not missing.
fn encode_by_reason(encoder: &mut DescriptorEncoder, overview: &EngineOverview) -> fmt::Result {
    let (name, help) = ("tidings_sessions_closed", "Sockets that the server closed");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (code, count) in &overview.sockets.closed {
        encode_count(&mut family, [("code", &code.number().to_string())], *count)?;
    }
    let (name, help) = (
        "tidings_refusals",
        "Refused requests, over HTTP and on sockets",
    );
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (code, count) in &overview.refusals {
        encode_count(&mut family, [("code", code.as_str())], *count)?;
    }
    Ok(())
}

fn encode_by_route(encoder: &mut DescriptorEncoder, overview: &EngineOverview) -> fmt::Result {
    let (name, help) = ("tidings_http_requests", "Requests by route and status");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for totals in &overview.requests {
        for (class, count) in StatusClass::ALL.iter().zip(totals.by_class) {
            let labels = [("route", totals.route.as_str()), ("status", class.as_str())];
            encode_count(&mut family, labels, count)?;
        }
    }
    let name = "tidings_http_request_seconds";
    let help = "Time from a request to the start of its response, by route";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for totals in &overview.requests {
        let route = [("route", totals.route.as_str())];
        encode_buckets(
            family.encode_family(&route)?,
            &totals.took,
            MICROS_PER_SECOND,
        )?;
    }
    Ok(())
}

fn encode_database_times(
    encoder: &mut DescriptorEncoder,
    overview: &EngineOverview,
) -> fmt::Result {
    let name = "tidings_database_milliseconds";
    let help = "Time on the database's connections, by route";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (route, milliseconds) in &overview.database {
        encode_count(&mut family, [("route", route.as_str())], *milliseconds)?;
    }
    Ok(())
}

fn encode_count<const N: usize>(
    family: &mut MetricEncoder,
    labels: [(&str, &str); N],
    count: u64,
) -> fmt::Result {
    ConstCounter::new(count).encode(family.encode_family(&labels)?)
}
