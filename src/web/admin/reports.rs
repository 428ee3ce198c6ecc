//! Reports: messages that users showed to the admins. A report itself is what
//! its reporter saw and gave; to read the messages around it is written to the
//! audit log before they are shown.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{ConversationId, MessageId, ReportId, UserId};
use serde::Deserialize;

use super::messages::Said;
use super::{LIMIT, address, conversations, recheck, words};
use crate::protocol::Problem;
use crate::store::{Act, Deed, Entry, Login, PageRequest, ReportView, View};
use crate::web::auth::Admin;
use crate::web::body::{Form, text_fields};
use crate::web::decoding::{Path, Query};
use crate::web::pages::{go_on, page_as};
use crate::web::{App, State, assets, paging};

/// A reported message with five on either side.
const AROUND: u64 = 11;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    /// `done`, or those that wait.
    state: String,
    before: Option<i64>,
}

#[derive(Default)]
pub(in crate::web) struct Around {
    password: String,
}

text_fields!(Around { password });

/// A report, in words.
struct Brief {
    id: ReportId,
    reporter: String,
    reporter_id: UserId,
    sender: String,
    sender_id: UserId,
    reason: String,
    iso: String,
    at: String,
}

#[derive(Template)]
#[template(path = "admin/reports.html")]
struct ListPage {
    csrf_token: String,
    here: &'static str,
    is_done: bool,
    reports: Vec<Brief>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/report.html")]
struct ReportPage<'a> {
    csrf_token: String,
    here: &'static str,
    it: Brief,
    text: &'a str,
    conversation: ConversationId,
    name: String,
    message: MessageId,
    seq: i64,
    is_done: bool,
    /// The messages around it, once they are asked for.
    around: Option<Vec<Said>>,
    needs_password: bool,
    problem: Option<String>,
}

/// What a page of a report has beside the report.
struct Shown<'a> {
    around: Option<Vec<Said>>,
    problem: Option<&'a Problem>,
}

/// `GET /admin/reports`.
pub(in crate::web) async fn list(
    app: App,
    Admin(login): Admin,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let is_done = asked.state == "done";
    let before = asked.before.map(ReportId);
    let mut found = app.store.reports(is_done, before, LIMIT + 1).await?;
    let next = paging::cut(&mut found, LIMIT).map(|last| last.report.id);
    let next = next.map(|id| {
        let asked = [("state", asked.state.clone()), ("before", id.to_string())];
        address("/admin/reports", asked)
    });
    let page = ListPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "reports",
        is_done,
        reports: found.iter().map(Brief::of).collect(),
        next,
    };
    page_as(StatusCode::OK, &page)
}

/// `GET /admin/reports/{id}`: what was reported, and no other message.
pub(in crate::web) async fn show(
    app: App,
    Admin(login): Admin,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let found = find(&app, *id).await?;
    let shown = Shown {
        around: None,
        problem: None,
    };
    page(&app, &login, &found, shown).await
}

/// `POST /admin/reports/{id}`: the messages around it, too.
pub(in crate::web) async fn read(
    app: App,
    Admin(login): Admin,
    (id, request): (Path<i64>, HttpRequest),
    Form(fields): Form<Around>,
) -> Result<HttpResponse, Problem> {
    let found = find(&app, *id).await?;
    let checked = recheck::check(&app, (&login, &request), &fields.password).await;
    let shown = match &checked {
        Ok(()) => Shown {
            around: Some(around(&app, &found, super::act(&app, &login, &request)).await?),
            problem: None,
        },
        Err(problem) => Shown {
            around: None,
            problem: Some(problem),
        },
    };
    page(&app, &login, &found, shown).await
}

/// `POST /admin/reports/{id}/done`.
pub(in crate::web) async fn finish(
    app: App,
    Admin(login): Admin,
    (id, request): (Path<i64>, HttpRequest),
) -> Result<HttpResponse, Problem> {
    let act = super::act(&app, &login, &request);
    app.store.finish_report(ReportId(*id), &act).await?;
    Ok(go_on("/admin/reports", []))
}

async fn find(app: &State, id: i64) -> Result<ReportView, Problem> {
    let found = app.store.report(ReportId(id)).await?;
    found.ok_or_else(Problem::not_found)
}

/// Reads the neighbours of a reported message, and notes that first.
async fn around(app: &State, found: &ReportView, act: Act) -> Result<Vec<Said>, Problem> {
    let report = &found.report;
    let (view, place) = (View::Whole, PageRequest::Around(report.seq));
    let view = (view, report.conversation_id);
    let page = app.store.history(view, place, AROUND).await?;
    let mut messages = page.unwrap_or_default().messages;
    let seqs: Vec<i64> = messages.iter().map(|message| message.seq).collect();
    // A quote would show a message from elsewhere in the conversation.
    for message in &mut messages {
        let is_near = |quote: &crate::protocol::Quote| seqs.contains(&quote.seq);
        message.reply_to = message.reply_to.take().filter(is_near);
    }
    let detail = match (seqs.first(), seqs.last()) {
        (Some(first), Some(last)) => format!("report {}, messages {first} to {last}", report.id),
        _ => format!("report {}, no messages", report.id),
    };
    let act = Act {
        reason: Some(report.reason.clone()),
        ..act
    };
    let entry = Entry::new(Deed::ReadReport, report.conversation_id).with(detail);
    app.store.note(&act, entry).await?;
    Ok(messages.into_iter().map(Said::from).collect())
}

async fn page(
    app: &State,
    login: &Login,
    found: &ReportView,
    shown: Shown<'_>,
) -> Result<HttpResponse, Problem> {
    let report = &found.report;
    let status = shown.problem.map_or(StatusCode::OK, Problem::status_code);
    let problem = shown.problem.map(|problem| match problem.errors.first() {
        Some(error) => error.detail.clone(),
        None => problem.detail.clone().into_owned(),
    });
    let page = ReportPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "reports",
        it: Brief::of(found),
        text: &report.text,
        conversation: report.conversation_id,
        name: conversations::name(app, report.conversation_id.0).await?,
        message: report.message_id,
        seq: report.seq,
        is_done: report.done_at.is_some(),
        around: shown.around,
        needs_password: recheck::field(app, login).is_some(),
        problem,
    };
    page_as(status, &page)
}

impl Brief {
    fn of(found: &ReportView) -> Self {
        let (report, name) = (&found.report, |user: &crate::protocol::User| {
            format!("{} (@{})", user.display_name, user.username)
        });
        Self {
            id: report.id,
            reporter: name(&found.reporter),
            reporter_id: report.reporter_id,
            sender: name(&found.sender),
            sender_id: report.sender_id,
            reason: report.reason.clone(),
            iso: words::iso(report.created_at),
            at: words::exact(report.created_at),
        }
    }
}
