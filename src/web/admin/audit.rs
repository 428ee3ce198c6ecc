//! The audit log, to be read and downloaded. No path changes it.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::{AuditId, Millis, UserId};
use futures_util::stream;
use serde::Deserialize;

use super::csv_cell::harmless;
use super::{After, LIMIT, address, words};
use crate::protocol::{Code, Problem, Username};
use crate::store::{AuditFilter, AuditLine, AuditPlace, Called, Deed, Entry, Store, Target};
use crate::web::auth::Admin;
use crate::web::decoding::Query;
use crate::web::pages::page_as;
use crate::web::pages::view::times;
use crate::web::{App, assets, paging};

/// How many lines of a download are read at a time.
const AT_A_TIME: u64 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    who: String,
    what: String,
    whom: String,
    from: String,
    until: String,
    #[serde(flatten)]
    after: After,
}

/// A line, in words.
struct Line {
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
struct Page<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a Asked,
    wrong: Option<String>,
    lines: Vec<Line>,
    csv: String,
    first: Option<String>,
    next: Option<String>,
}

/// `GET /admin/audit`.
pub(in crate::web) async fn show(
    app: App,
    Admin(login): Admin,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let before = asked.before();
    let (mut found, wrong) = match asked.filter() {
        Ok(filter) => (app.store.audit(&filter, before, LIMIT + 1).await?, None),
        Err(wrong) => (Vec::new(), Some(wrong)),
    };
    let last = paging::cut(&mut found, LIMIT).map(AuditPlace::from);
    let page = Page {
        csrf_token: app.csrf.of_login(login.id),
        here: "audit",
        csv: asked.address("/admin/audit.csv", None),
        first: before.map(|_| asked.address("/admin/audit", None)),
        next: last.map(|place| asked.address("/admin/audit", Some(place))),
        lines: found.into_iter().map(Line::from).collect(),
        wrong,
        asked: &asked,
    };
    page_as(StatusCode::OK, &page)
}

/// `POST /admin/audit.csv`: all that fits, however much it is, as it is read.
/// It writes a line to the log, so that no link can ask for it.
pub(in crate::web) async fn download(
    app: App,
    Admin(login): Admin,
    request: HttpRequest,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let filter = asked
        .filter()
        .map_err(|wrong| Problem::new(Code::BadRequest, wrong))?;
    let act = super::act(&app, &login, &request);
    let entry = Entry::new(Deed::DownloadAudit, Target::Audit).with(asked.in_words());
    app.store.note(&act, entry).await?;
    let reading = Reading {
        store: app.store.clone(),
        filter,
        before: None,
        place: Place::First,
    };
    let rows = stream::unfold(Some(reading), |reading| async move {
        let (part, next) = reading?.part().await;
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

/// A download under way.
struct Reading {
    store: Store,
    filter: AuditFilter,
    before: Option<AuditPlace>,
    place: Place,
}

/// Where a part of it stands: the first has the names of the columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

/// What came later stands at the end, for those who read by place.
const HEAD: [&str; 9] = [
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

type Part = Result<Bytes, actix_web::Error>;

impl Reading {
    /// The next lines, and what is left to be read after them.
    async fn part(mut self) -> (Part, Option<Self>) {
        let found = self.store.audit(&self.filter, self.before, AT_A_TIME).await;
        let lines = match found {
            Ok(lines) => lines,
            Err(error) => return (Err(Problem::from(error).into()), None),
        };
        let written = csv_of(&lines, self.place);
        self.place = Place::Later;
        self.before = lines.last().map(AuditPlace::from);
        let is_last = (lines.len() as u64) < AT_A_TIME;
        let part = written.map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "can't write the audit log out");
            actix_web::Error::from(Problem::internal())
        });
        let rest = Some(self).filter(|_| part.is_ok() && !is_last);
        (part, rest)
    }
}

fn csv_of(lines: &[AuditLine], place: Place) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    if place == Place::First {
        out.write_record(HEAD)?;
    }
    for line in lines {
        let at = words::iso(line.at);
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
        out.write_record(cells.iter().map(|cell| harmless(cell)))?;
    }
    out.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

impl Asked {
    /// Whether anything less than all is asked for.
    fn is_narrowed(&self) -> bool {
        let all = [&self.who, &self.what, &self.whom, &self.from, &self.until];
        all.into_iter().any(|it| !it.is_empty())
    }

    fn before(&self) -> Option<AuditPlace> {
        let place = self.after.place()?;
        Some(AuditPlace {
            at: Millis(place.key.parse().ok()?),
            id: AuditId(place.id),
        })
    }

    /// What is asked for; or what of it makes no sense.
    fn filter(&self) -> Result<AuditFilter, String> {
        let mut filter = AuditFilter {
            from: day("From", &self.from)?,
            until: day("Up to", &self.until)?.map(|day| day.after(DAY)),
            ..AuditFilter::default()
        };
        let (who, what, whom) = (self.who.trim(), self.what.trim(), self.whom.trim());
        if !what.is_empty() {
            let deed = Deed::ALL.iter().copied().find(|it| it.name() == what);
            filter.deed = Some(deed.ok_or_else(|| format!("Nothing is called “{what}”."))?);
        }
        if let Some(id) = user_of(who) {
            filter.actor = Some(Called::User(id));
        } else if !who.is_empty() {
            filter.actor = Some(Called::Name(named(who)?));
        }
        if names_a_target(whom) {
            filter.target = Some(whom.to_owned());
        } else if !whom.is_empty() {
            filter.target_name = Some(named(whom)?);
        }
        Ok(filter)
    }

    fn said(&self) -> [(&'static str, &str); 5] {
        [
            ("who", &self.who),
            ("what", &self.what),
            ("whom", &self.whom),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// As the log itself has it, of a download.
    fn in_words(&self) -> String {
        let said = self.said().into_iter().filter(|(_, it)| !it.is_empty());
        let said: Vec<String> = said.map(|(name, it)| format!("{name}={it}")).collect();
        match said.is_empty() {
            true => "all of it".to_owned(),
            false => said.join(", "),
        }
    }

    fn address(&self, path: &str, before: Option<AuditPlace>) -> String {
        let said = self.said().map(|(name, it)| (name, it.to_owned()));
        let (key, id) = before.map_or_else(Default::default, |place| {
            (place.at.0.to_string(), place.id.to_string())
        });
        address(path, said.into_iter().chain([("key", key), ("after", id)]))
    }
}

fn day(name: &str, text: &str) -> Result<Option<Millis>, String> {
    let text = text.trim();
    match times::start_of(text) {
        None if !text.is_empty() => Err(format!(
            "{name}: “{text}” is no day; write it as 2026-11-21."
        )),
        day => Ok(day),
    }
}

fn named(name: &str) -> Result<String, String> {
    match Username::parse(name.trim_start_matches('@')) {
        Ok(username) => Ok(username.as_str().to_owned()),
        Err(_) => Err(format!(
            "“{name}” is nobody’s username, and no such thing as user:7 or conversation:7."
        )),
    }
}

fn user_of(target: &str) -> Option<UserId> {
    let id = target.strip_prefix("user:")?.parse().ok()?;
    Some(UserId(id))
}

/// Whether it is one as the log has them.
fn names_a_target(whom: &str) -> bool {
    let kinds = ["user", "conversation", "invite"];
    match whom.split_once(':') {
        Some((kind, id)) => kinds.contains(&kind) && id.parse::<i64>().is_ok(),
        None => whom == "audit",
    }
}

impl From<AuditLine> for Line {
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
            iso: words::iso(line.at),
            at: words::exact(line.at),
            address: line.address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
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
        let csv = String::from_utf8(csv_of(&[line], Place::Later).unwrap()).unwrap();
        assert_eq!(
            csv,
            "1970-01-01T00:00:00Z,,user.rename,user:7,'\t1,\
             \"'=HYPERLINK(\"\"http://evil\"\")\",\"a,b\n\"\"c\"\"\",,ann\r\n"
        );
    }
}
