//! What the log says, and how.
//!
//! A line reads alone and carries the same ids as fields. Each request has a
//! span, which lends its `request_id` to every line written on its behalf.
//! Headers, query strings (a token may stand there), bodies and tokens never
//! get into a span or a line.

mod limits;
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

pub use limits::{LimitedLine, admit_line, sum_up_each_minute, sum_up_lines};
pub use security::{note_security, write_security};

/// Why the log can't be set up, in one line.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log` is not in the language of filters.
    #[error(
        "--log (TIDINGS_LOG) is {filter:?}: it must be a filter such as info or warn,tidings=debug ({cause})"
    )]
    BadFilter {
        filter: String,
        cause: tracing_subscriber::filter::ParseError,
    },
    /// The process has a log already.
    #[error("the log was set up twice")]
    Twice,
}

/// What nobody hears of unless they ask for it by name: this one has a line, as
/// an error, for each connection on which something came that is no HTTP, so
/// that anybody could fill the disk.
const QUIET: &str = "actix_http=off";

/// Starts the log, to stderr: stdout belongs to what a command answers.
///
/// # Errors
/// A filter that can't be read, or a log that was set up before.
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
        // Colours only where somebody looks; NO_COLOR is heeded there.
        LogFormat::Text if std::io::stderr().is_terminal() => log.finish().try_init(),
        LogFormat::Text => log.with_ansi(false).finish().try_init(),
    };
    started.map_err(|_| TelemetryError::Twice)
}

/// Makes each request's span, and ends it with one line.
pub struct RootSpan;

/// When a request came in, kept with the request.
#[derive(Clone, Copy)]
struct Began(Instant);

impl RootSpanBuilder for RootSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Began(Instant::now()));
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
                let began = request.extensions().get().map(|Began(at)| at.elapsed());
                finish(
                    &span,
                    &format!("{} {}", request.method(), request.path()),
                    response.status(),
                    began.unwrap_or_default(),
                );
            }
            // An error that no handler or middleware made an answer of: the
            // request is gone with it, the span still names it.
            Err(error) => {
                let status = error.as_response_error().status_code();
                finish(&span, "request", status, Duration::ZERO);
            }
        }
    }
}

/// Everyday answers are for who looks closely. A fault of ours is told where
/// it is handled, with its cause; this line says which request it spoilt.
fn finish(span: &Span, what: &str, status: StatusCode, took: Duration) {
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
        // Turned away unharmed, to come again.
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

    /// A log that is kept.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged, as JSON, while a server answers `status` to a request
    /// that has a secret wherever one may stand.
    async fn log_of(status: u16, filter: &str) -> String {
        let kept = Kept::default();
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
    async fn a_request_is_one_line_that_reads_alone_and_holds_no_secret() {
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
    async fn only_faults_of_ours_are_told_unasked() {
        assert_eq!(log_of(200, "info").await, "");
        assert_eq!(log_of(404, "info").await, "");
        assert!(log_of(500, "info").await.contains(r#""level":"ERROR""#));
        assert!(log_of(503, "info").await.contains(r#""level":"WARN""#));
    }

    #[test]
    fn a_bad_filter_is_one_clear_line() {
        let settings = Settings {
            log: "tidings=loud".to_owned(),
            ..Settings::default()
        };
        let line = init(&settings).unwrap_err().to_string();
        assert!(line.starts_with("--log (TIDINGS_LOG) is \"tidings=loud\": it must be"));
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
