//! The audit log: its page and its download. No endpoint changes or deletes an
//! entry.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::{AuditId, Millis, UserId};
use futures_util::stream;
use serde::Deserialize;

use super::csv_cell::escape_formulas;
use super::{KeysetQuery, PAGE_SIZE, list_url, words};
use crate::protocol::{ErrorCode, Problem, Username};
use crate::store::{
    AuditAction, AuditActorFilter, AuditCursor, AuditEntry, AuditFilter, AuditLine, AuditTarget,
    Store,
};
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::decoding::StrictQuery;
use crate::web::display::times;
use crate::web::rendering::render_template;
use crate::web::{AppData, assets, paging};

/// The number of rows that a download reads at a time.
const DOWNLOAD_BATCH: u64 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AuditListQuery {
    who: String,
    what: String,
    whom: String,
    from: String,
    until: String,
    #[serde(flatten)]
    after: KeysetQuery,
}

/// A row of the audit log as displayed.
struct AuditEntryView {
    who: String,
    who_href: Option<String>,
    what: String,
    whom: String,
    href: Option<String>,
    detail: String,
    reason: String,
    iso: String,
    at: String,
    address: String,
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a AuditListQuery,
    wrong: Option<String>,
    lines: Vec<AuditEntryView>,
    csv: String,
    first: Option<String>,
    next: Option<String>,
}

/// `GET /admin/audit`.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
    asked: StrictQuery<AuditListQuery>,
) -> Result<HttpResponse, Problem> {
    let before = asked.before();
    let (mut found, wrong) = match asked.filter() {
        Ok(filter) => (
            app.store
                .audit()
                .load_page(&filter, before, PAGE_SIZE + 1)
                .await?,
            None,
        ),
        Err(wrong) => (Vec::new(), Some(wrong)),
    };
    let last = paging::truncate_page(&mut found, PAGE_SIZE).map(AuditCursor::from);
    let page = AuditPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "audit",
        csv: asked.page_url("/admin/audit.csv", None),
        first: before.map(|_| asked.page_url("/admin/audit", None)),
        next: last.map(|place| asked.page_url("/admin/audit", Some(place))),
        lines: found.into_iter().map(AuditEntryView::from).collect(),
        wrong,
        asked: &asked,
    };
    render_template(StatusCode::OK, &page)
}

/// `POST /admin/audit.csv`: streams all matching rows. It is a `POST` because
/// it writes to the audit log: a link must not trigger it.
pub(in crate::web) async fn download(
    app: AppData,
    AdminLogin(login): AdminLogin,
    request: HttpRequest,
    asked: StrictQuery<AuditListQuery>,
) -> Result<HttpResponse, Problem> {
    let filter = asked
        .filter()
        .map_err(|wrong| Problem::new(ErrorCode::BadRequest, wrong))?;
    let act = audit_context(&app, &login, &request);
    let entry = AuditEntry::new(AuditAction::DownloadAudit, AuditTarget::Audit)
        .with_detail(asked.describe());
    app.store.audit().record(&act, entry).await?;
    let reading = AuditDownload {
        store: app.store.clone(),
        filter,
        before: None,
        place: CsvPosition::First,
    };
    let rows = stream::unfold(Some(reading), |reading| async move {
        let (part, next) = reading?.next_chunk().await;
        Some((part, next))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"tidings-audit.csv\"",
        ))
        .streaming(Box::pin(rows)))
}

/// A running download.
struct AuditDownload {
    store: Store,
    filter: AuditFilter,
    before: Option<AuditCursor>,
    place: CsvPosition,
}

/// The position of a chunk: the first one begins with the column names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CsvPosition {
    First,
    Later,
}

/// The columns. New ones go to the end, since programs may read columns by
/// position.
const CSV_HEADER: [&str; 9] = [
    "at",
    "who",
    "what",
    "whom",
    "address",
    "reason",
    "detail",
    "who_id",
    "whom_name",
];

type CsvChunk = Result<Bytes, actix_web::Error>;

impl AuditDownload {
    /// Returns the next chunk, and the rest of the download if there is more.
    async fn next_chunk(mut self) -> (CsvChunk, Option<Self>) {
        let found = self
            .store
            .audit()
            .load_page(&self.filter, self.before, DOWNLOAD_BATCH)
            .await;
        let lines = match found {
            Ok(lines) => lines,
            Err(error) => return (Err(Problem::from(error).into()), None),
        };
        let written = write_csv(&lines, self.place);
        self.place = CsvPosition::Later;
        self.before = lines.last().map(AuditCursor::from);
        let is_last = (lines.len() as u64) < DOWNLOAD_BATCH;
        let part = written.map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "can't encode the audit log as CSV");
            actix_web::Error::from(Problem::internal())
        });
        let rest = Some(self).filter(|_| part.is_ok() && !is_last);
        (part, rest)
    }
}

fn write_csv(lines: &[AuditLine], place: CsvPosition) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    if place == CsvPosition::First {
        out.write_record(CSV_HEADER)?;
    }
    for line in lines {
        let at = words::format_iso(line.at);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            at,
            text(&line.actor_name),
            line.action.clone(),
            line.target.clone(),
            line.address.clone(),
            text(&line.reason),
            text(&line.detail),
            line.actor_id.map(|id| id.to_string()).unwrap_or_default(),
            text(&line.target_name),
        ];
        out.write_record(cells.iter().map(|cell| escape_formulas(cell)))?;
    }
    out.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

impl AuditListQuery {
    /// Returns whether any filter is set.
    fn is_narrowed(&self) -> bool {
        let all = [&self.who, &self.what, &self.whom, &self.from, &self.until];
        all.into_iter().any(|it| !it.is_empty())
    }

    fn before(&self) -> Option<AuditCursor> {
        let place = self.after.cursor()?;
        Some(AuditCursor {
            at: Millis(place.key.parse().ok()?),
            id: AuditId(place.id),
        })
    }

    /// Returns the filter, or a message about the first parameter that is
    /// invalid.
    fn filter(&self) -> Result<AuditFilter, String> {
        let mut filter = AuditFilter {
            from: parse_day("From", &self.from)?,
            until: parse_day("Until", &self.until)?.map(|day| day.after(DAY)),
            ..AuditFilter::default()
        };
        let (who, what, whom) = (self.who.trim(), self.what.trim(), self.whom.trim());
        if !what.is_empty() {
            let action = AuditAction::ALL
                .iter()
                .copied()
                .find(|it| it.name() == what);
            filter.action = Some(action.ok_or_else(|| format!("There is no action “{what}”."))?);
        }
        if let Some(id) = parse_user_target(who) {
            filter.actor = Some(AuditActorFilter::User(id));
        } else if !who.is_empty() {
            filter.actor = Some(AuditActorFilter::Name(parse_username(who)?));
        }
        if is_target(whom) {
            filter.target = Some(whom.to_owned());
        } else if !whom.is_empty() {
            filter.target_name = Some(parse_username(whom)?);
        }
        Ok(filter)
    }

    fn parameters(&self) -> [(&'static str, &str); 5] {
        [
            ("who", &self.who),
            ("what", &self.what),
            ("whom", &self.whom),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// Describes the filter for the audit entry that a download writes.
    fn describe(&self) -> String {
        let said = self
            .parameters()
            .into_iter()
            .filter(|(_, it)| !it.is_empty());
        let said: Vec<String> = said.map(|(name, it)| format!("{name}={it}")).collect();
        if said.is_empty() {
            "all entries".to_owned()
        } else {
            said.join(", ")
        }
    }

    fn page_url(&self, path: &str, before: Option<AuditCursor>) -> String {
        let said = self.parameters().map(|(name, it)| (name, it.to_owned()));
        let (key, id) = before.map_or_else(Default::default, |place| {
            (place.at.0.to_string(), place.id.to_string())
        });
        list_url(path, said.into_iter().chain([("key", key), ("after", id)]))
    }
}

fn parse_day(name: &str, text: &str) -> Result<Option<Millis>, String> {
    let text = text.trim();
    match times::parse_day_start(text) {
        None if !text.is_empty() => Err(format!(
            "{name}: “{text}” isn’t a date. Use the form 2026-11-21."
        )),
        day => Ok(day),
    }
}

fn parse_username(name: &str) -> Result<String, String> {
    match Username::parse(name.trim_start_matches('@')) {
        Ok(username) => Ok(username.as_str().to_owned()),
        Err(_) => Err(format!(
            "“{name}” isn’t a username. Use a username, user:7 or conversation:7."
        )),
    }
}

fn parse_user_target(target: &str) -> Option<UserId> {
    let id = target.strip_prefix("user:")?.parse().ok()?;
    Some(UserId(id))
}

/// Returns whether `text` is written like a target in the log, such as
/// `user:7`.
fn is_target(text: &str) -> bool {
    let kinds = ["user", "conversation", "invite"];
    match text.split_once(':') {
        Some((kind, id)) => kinds.contains(&kind) && id.parse::<i64>().is_ok(),
        None => text == "audit",
    }
}

impl From<AuditLine> for AuditEntryView {
    fn from(line: AuditLine) -> Self {
        let (kind, id) = line.target.split_once(':').unwrap_or_default();
        let (whom, href) = match kind {
            "user" => (
                line.target_name
                    .map_or_else(|| format!("user {id}"), |name| format!("@{name}")),
                Some(format!("/admin/users/{id}")),
            ),
            "conversation" => (
                format!("conversation {id}"),
                Some(format!("/admin/conversations/{id}")),
            ),
            _ => (String::new(), None),
        };
        Self {
            who: match (line.actor_name, line.actor_id) {
                (Some(name), _) => format!("@{name}"),
                (None, Some(id)) => format!("user {id}"),
                (None, None) => "The command line".to_owned(),
            },
            who_href: line.actor_id.map(|id| format!("/admin/users/{id}")),
            what: words::deed(&line.action).to_owned(),
            whom,
            href,
            detail: line.detail.unwrap_or_default(),
            reason: line.reason.unwrap_or_default(),
            iso: words::format_iso(line.at),
            at: words::format_exact(line.at),
            address: line.address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_cells_are_escaped() {
        let line = AuditLine {
            id: AuditId(1),
            at: Millis(0),
            actor_id: None,
            actor_name: None,
            action: "user.rename".to_owned(),
            target: "user:7".to_owned(),
            target_name: Some("ann".to_owned()),
            address: "\t1".to_owned(),
            reason: Some("=HYPERLINK(\"http://evil\")".to_owned()),
            detail: Some("a,b\n\"c\"".to_owned()),
        };
        let csv = String::from_utf8(write_csv(&[line], CsvPosition::Later).unwrap()).unwrap();
        assert_eq!(
            csv,
            "1970-01-01T00:00:00Z,,user.rename,user:7,'\t1,\
             \"'=HYPERLINK(\"\"http://evil\"\")\",\"a,b\n\"\"c\"\"\",,ann\r\n"
        );
    }
}
