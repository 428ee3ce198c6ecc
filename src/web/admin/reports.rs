//! Reports: messages that users reported to the admins. A report itself shows
//! only what its reporter saw and wrote. Before the messages around the
//! reported one are shown, an audit entry is stored.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{ConversationId, MessageId, ReportId, UserId};
use serde::Deserialize;

use super::messages::AdminMessageView;
use super::{PAGE_SIZE, conversations, list_url, recheck, words};
use crate::protocol::Problem;
use crate::store::{
    ActiveLogin, AuditAction, AuditContext, AuditEntry, HistoryAnchor, HistoryReader, ReportRecord,
};
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::{FormBody, text_fields};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::rendering::{redirect_to, render_template};
use crate::web::{AppData, AppState, assets, paging};

/// The number of messages shown as context: the reported one with five on
/// either side.
const CONTEXT_MESSAGES: u64 = 11;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ReportListQuery {
    /// `done` for the resolved reports; anything else for the open ones.
    state: String,
    before: Option<i64>,
}

#[derive(Default)]
pub(in crate::web) struct ReadReportForm {
    password: String,
}

text_fields!(ReadReportForm { password });

/// A report in a list, as displayed.
struct ReportBriefView {
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
struct ReportListPage {
    csrf_token: String,
    here: &'static str,
    is_done: bool,
    reports: Vec<ReportBriefView>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/report.html")]
struct ReportPage<'a> {
    csrf_token: String,
    here: &'static str,
    it: ReportBriefView,
    text: &'a str,
    conversation: ConversationId,
    name: String,
    message: MessageId,
    seq: i64,
    is_done: bool,
    /// The messages around the reported one; `None` until the admin requests
    /// them.
    around: Option<Vec<AdminMessageView>>,
    needs_password: bool,
    problem: Option<String>,
}

/// The parts of a report's page that depend on the request.
struct ReportPageContext<'a> {
    around: Option<Vec<AdminMessageView>>,
    problem: Option<&'a Problem>,
}

/// `GET /admin/reports`.
pub(in crate::web) async fn list(
    app: AppData,
    AdminLogin(login): AdminLogin,
    asked: StrictQuery<ReportListQuery>,
) -> Result<HttpResponse, Problem> {
    let is_done = asked.state == "done";
    let before = asked.before.map(ReportId);
    let mut found = app
        .store
        .reports()
        .list(is_done, before, PAGE_SIZE + 1)
        .await?;
    let next = paging::truncate_page(&mut found, PAGE_SIZE).map(|last| last.report.id);
    let next = next.map(|id| {
        let asked = [("state", asked.state.clone()), ("before", id.to_string())];
        list_url("/admin/reports", asked)
    });
    let page = ReportListPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "reports",
        is_done,
        reports: found.iter().map(ReportBriefView::from_report).collect(),
        next,
    };
    render_template(StatusCode::OK, &page)
}

/// `GET /admin/reports/{id}`: the reported message and no other.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let found = find_report(&app, *id).await?;
    let shown = ReportPageContext {
        around: None,
        problem: None,
    };
    render_page(&app, &login, &found, shown).await
}

/// `POST /admin/reports/{id}`: also shows the messages around the reported one.
pub(in crate::web) async fn read_context(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    request: HttpRequest,
    FormBody(fields): FormBody<ReadReportForm>,
) -> Result<HttpResponse, Problem> {
    let found = find_report(&app, *id).await?;
    let checked = recheck::check_password(&app, &login, &request, &fields.password).await;
    let shown = match &checked {
        Ok(()) => ReportPageContext {
            around: Some(load_context(&app, &found, audit_context(&app, &login, &request)).await?),
            problem: None,
        },
        Err(problem) => ReportPageContext {
            around: None,
            problem: Some(problem),
        },
    };
    render_page(&app, &login, &found, shown).await
}

/// `POST /admin/reports/{id}/done`.
pub(in crate::web) async fn finish(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let act = audit_context(&app, &login, &request);
    app.store.reports().resolve(ReportId(*id), &act).await?;
    Ok(redirect_to("/admin/reports", []))
}

async fn find_report(app: &AppState, id: i64) -> Result<ReportRecord, Problem> {
    let found = app.store.reports().load(ReportId(id)).await?;
    found.ok_or_else(Problem::not_found)
}

/// Returns the messages around a reported one, after writing the audit entry.
async fn load_context(
    app: &AppState,
    found: &ReportRecord,
    act: AuditContext,
) -> Result<Vec<AdminMessageView>, Problem> {
    let report = &found.report;
    let (view, place) = (
        HistoryReader::Unrestricted,
        HistoryAnchor::Around(report.seq),
    );
    let page = app
        .store
        .history()
        .load_page(view, report.conversation_id, place, CONTEXT_MESSAGES)
        .await?;
    let mut messages = page.unwrap_or_default().messages;
    let seqs: Vec<i64> = messages.iter().map(|message| message.seq).collect();
    // Remove each quote of a message outside of the page: the audit entry
    // doesn't cover that message.
    for message in &mut messages {
        let is_near = |quote: &crate::protocol::MessageQuote| seqs.contains(&quote.seq);
        message.reply_to = message.reply_to.take().filter(is_near);
    }
    let detail = match (seqs.first(), seqs.last()) {
        (Some(first), Some(last)) => format!("report {}, messages {first} to {last}", report.id),
        _ => format!("report {}, no messages", report.id),
    };
    let act = AuditContext {
        reason: Some(report.reason.clone()),
        ..act
    };
    let entry =
        AuditEntry::new(AuditAction::ReadReport, report.conversation_id).with_detail(detail);
    app.store.audit().record(&act, entry).await?;
    Ok(messages.into_iter().map(AdminMessageView::from).collect())
}

async fn render_page(
    app: &AppState,
    login: &ActiveLogin,
    found: &ReportRecord,
    shown: ReportPageContext<'_>,
) -> Result<HttpResponse, Problem> {
    let report = &found.report;
    let status = shown.problem.map_or(StatusCode::OK, Problem::status_code);
    let problem = shown.problem.map(|problem| match problem.errors.first() {
        Some(error) => error.detail.clone(),
        None => problem.detail.clone().into_owned(),
    });
    let page = ReportPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "reports",
        it: ReportBriefView::from_report(found),
        text: &report.text,
        conversation: report.conversation_id,
        name: conversations::conversation_name(app, report.conversation_id.0).await?,
        message: report.message_id,
        seq: report.seq,
        is_done: report.done_at.is_some(),
        around: shown.around,
        needs_password: recheck::password_field(app, login).is_some(),
        problem,
    };
    render_template(status, &page)
}

impl ReportBriefView {
    fn from_report(found: &ReportRecord) -> Self {
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
            iso: words::format_iso(report.created_at),
            at: words::format_exact(report.created_at),
        }
    }
}
