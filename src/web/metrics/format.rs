//! The two formats of the metrics. Clients that name OpenMetrics in `Accept`
//! get it; others get Prometheus' text format 0.0.4, which every scraper reads.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};

/// The format of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricsFormat {
    OpenMetrics,
    Prometheus,
}

impl MetricsFormat {
    /// Returns the format that `Accept` prefers: OpenMetrics only if it is
    /// named.
    pub(super) fn accepted_by(request: &HttpRequest) -> Self {
        let accepted = Accept::parse(request).map_or_else(|_| Vec::new(), |accept| accept.0);
        let quality_of = |kind: &str| {
            let named = accepted.iter().filter(|it| it.item.essence_str() == kind);
            named.map(|it| it.quality).max().unwrap_or(Quality::ZERO)
        };
        let open = quality_of("application/openmetrics-text");
        if open > Quality::ZERO && open >= quality_of("text/plain") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Converts OpenMetrics text to this format.
    pub(super) fn write(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Prometheus => as_prometheus(&open_metrics),
        }
    }
}

/// Converts OpenMetrics text to Prometheus' format, in which a family has the
/// name of its samples. A counter's name ends in `_total`. An info metric
/// becomes a gauge whose name ends in `_info`. There are no `UNIT` and `EOF`
/// lines.
fn as_prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("# ") else {
            push_line(&mut text, line);
            continue;
        };
        let Some((keyword @ ("HELP" | "TYPE"), rest)) = comment.split_once(' ') else {
            continue;
        };
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        // The type is in the line after the help.
        let kind = match keyword {
            "TYPE" => value,
            _ => lines
                .peek()
                .and_then(|next| next.rsplit(' ').next())
                .unwrap_or_default(),
        };
        let name = match kind {
            "counter" => Cow::from(format!("{name}_total")),
            "info" => Cow::from(format!("{name}_info")),
            _ => Cow::from(name),
        };
        let value = match (keyword, value) {
            ("TYPE", "info") => "gauge",
            ("TYPE", "unknown") => "untyped",
            _ => value,
        };
        push_line(&mut text, &format!("# {keyword} {name} {value}"));
    }
    text
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn families_are_named_like_their_samples() {
        let open_metrics = "# HELP a Some.\n# TYPE a counter\n# UNIT a bytes\na_total{x=\"# y\"} 1\n\
             # HELP b Others.\n# TYPE b info\nb_info{v=\"1\"} 1\n\
             # HELP c More.\n# TYPE c gauge\nc 3\n# EOF\n";
        let expected = "# HELP a_total Some.\n# TYPE a_total counter\na_total{x=\"# y\"} 1\n\
             # HELP b_info Others.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n\
             # HELP c More.\n# TYPE c gauge\nc 3\n";
        assert_eq!(as_prometheus(open_metrics), expected);
    }

    #[test]
    fn format_follows_accept() {
        use MetricsFormat::{OpenMetrics, Prometheus};
        for (accept, format) in [
            ("*/*", Prometheus),
            ("text/plain", Prometheus),
            ("application/*", Prometheus),
            ("application/openmetrics-text", OpenMetrics),
            ("application/openmetrics-text; q=0", Prometheus),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
                OpenMetrics,
            ),
            (
                "text/plain;q=0.9, Application/OpenMetrics-Text;q=0.1, */*;q=0.1",
                Prometheus,
            ),
        ] {
            let request = TestRequest::get().insert_header(("accept", accept));
            let found = MetricsFormat::accepted_by(&request.to_http_request());
            assert_eq!(found, format, "{accept}");
        }
        let none = TestRequest::get().to_http_request();
        assert_eq!(MetricsFormat::accepted_by(&none), Prometheus);
    }

    #[test]
    fn second_line_of_accept_counts() {
        let request = TestRequest::get()
            .append_header(("accept", "text/plain;q=0.1"))
            .append_header(("accept", "application/openmetrics-text"));
        let found = MetricsFormat::accepted_by(&request.to_http_request());
        assert_eq!(found, MetricsFormat::OpenMetrics);
    }
}
