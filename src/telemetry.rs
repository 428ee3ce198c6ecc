//! The setup of the log, and the log lines of requests.
//!
//! A line can be read alone and carries ids as fields. Each request has a span,
//! which adds its `request_id` to every line of that request. Headers, query
//! strings (which may hold a token), bodies and tokens never get into a span or
//! a line.

mod line_limits;
mod security;

use std::io::IsTerminal;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpMessage};
use tokio::time::Instant;
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Settings};

pub use line_limits::{LimitedLine, admit_line, log_suppressed_lines, log_suppressed_periodically};
pub use security::{log_security_event, write_security_event};

/// The reason why the log can't be set up, in one line.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log` is no valid filter.
    #[error(
        "--log (TIDINGS_LOG) is {filter:?}: it must be a filter such as info or warn,tidings=debug ({cause})"
    )]
    BadFilter {
        filter: String,
        cause: tracing_subscriber::filter::ParseError,
    },
    /// The process already has a log.
    #[error("the log was set up twice")]
    Twice,
}

/// A target that is logged only if the operator names it. It logs an error for
/// each connection with data that isn't HTTP, so any client could fill the
/// disk.
const QUIET: &str = "actix_http=off";

/// Starts the log on stderr, because stdout is for the output of commands.
///
/// # Errors
/// An invalid filter, or a log that is already set up.
pub fn init(settings: &Settings) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{}", settings.log))
        .map_err(|cause| TelemetryError::BadFilter {
            filter: settings.log.clone(),
            cause,
        })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Json => log.json().finish().try_init(),
        // Colours only on a terminal, where NO_COLOR is respected.
        LogFormat::Text if std::io::stderr().is_terminal() => log.finish().try_init(),
        LogFormat::Text => log.with_ansi(false).finish().try_init(),
    };
    started.map_err(|_| TelemetryError::Twice)
}

/// Creates the span of each request, and ends it with one log line.
pub struct RootSpan;

/// The arrival time of a request, stored with it.
#[derive(Clone, Copy)]
struct RequestStart(Instant);

impl RootSpanBuilder for RootSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request
            .extensions_mut()
            .insert(RequestStart(Instant::now()));
        let request_id = request.extensions().get::<RequestId>().copied();
        tracing::info_span!(
            "request",
            request_id = request_id.map(tracing::field::display),
            method = %request.method(),
            route = request.match_pattern(),
            path = request.path(),
            status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        match outcome {
            Ok(response) => {
                let request = response.request();
                let began = request
                    .extensions()
                    .get()
                    .map(|RequestStart(at)| at.elapsed());
                finish_request(
                    &span,
                    &format!("{} {}", request.method(), request.path()),
                    response.status(),
                    began.unwrap_or_default(),
                );
            }
            // No handler or middleware turned this error into a response. The
            // error doesn't hold the request, but the span names it.
            Err(error) => {
                let status = error.as_response_error().status_code();
                finish_request(&span, "request", status, Duration::ZERO);
            }
        }
    }
}

/// Logs the end of a request, at debug level if it didn't fail. The cause of a
/// server error is logged where it is handled; this line names the failed
/// request.
fn finish_request(span: &Span, what: &str, status: StatusCode, took: Duration) {
    let status = status.as_u16();
    span.record("status", status);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let kind = match status {
        503 => LimitedLine::AnswerUnavailable,
        _ => LimitedLine::AnswerFailed,
    };
    if status >= 500 && !admit_line(kind) {
        return;
    }
    match status {
        // Refused without damage: the client retries.
        503 => tracing::warn!(parent: span, took_ms, "{what} answered {status}"),
        500.. => tracing::error!(parent: span, took_ms, "{what} answered {status}"),
        _ => tracing::debug!(parent: span, took_ms, "{what} answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;

    use actix_web::http::header;
    use actix_web::{App, HttpResponse, test as web_test, web};
    use parking_lot::Mutex;
    use tracing_actix_web::TracingLogger;

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the JSON log of a server that answers `status` to a request with
    /// secrets in its query, headers and body.
    async fn log_of(status: u16, filter: &str) -> String {
        let kept = LogBuffer::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .json()
            .with_env_filter(filter)
            .with_writer(move || writer.clone())
            .finish();
        let logged = tracing::subscriber::set_default(log);

        let status = StatusCode::from_u16(status).unwrap();
        let answer = move || async move { HttpResponse::build(status).body("secret") };
        let app = App::new()
            .wrap(TracingLogger::<RootSpan>::new())
            .route("/ws/chat/{name}/", web::post().to(answer));
        let app = web_test::init_service(app).await;
        let request = web_test::TestRequest::post()
            .uri("/ws/chat/ann/?token=secret")
            .insert_header((header::AUTHORIZATION, "Bearer secret"))
            .insert_header((header::COOKIE, "token=secret"))
            .set_payload("secret");
        web_test::call_service(&app, request.to_request()).await;

        drop(logged);
        let bytes = kept.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[actix_web::test]
    async fn request_logs_one_line_without_secrets() {
        let log = log_of(201, "tidings=debug").await;
        assert_eq!(log.lines().count(), 1, "{log}");
        for part in [
            r#""message":"POST /ws/chat/ann/ answered 201""#,
            r#""route":"/ws/chat/{name}/""#,
            r#""path":"/ws/chat/ann/""#,
            r#""status":201"#,
            r#""request_id":""#,
            r#""level":"DEBUG""#,
        ] {
            assert!(log.contains(part), "{part} is not in {log}");
        }
        assert!(!log.contains("secret"), "{log}");
    }

    #[actix_web::test]
    async fn server_errors_are_logged_by_default() {
        assert_eq!(log_of(200, "info").await, "");
        assert_eq!(log_of(404, "info").await, "");
        assert!(log_of(500, "info").await.contains(r#""level":"ERROR""#));
        assert!(log_of(503, "info").await.contains(r#""level":"WARN""#));
    }

    #[test]
    fn bad_filter_error_is_one_line() {
        let settings = Settings {
            log: "tidings=loud".to_owned(),
            ..Settings::default()
        };
        let line = init(&settings).unwrap_err().to_string();
        assert!(line.starts_with("--log (TIDINGS_LOG) is \"tidings=loud\": it must be"));
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
