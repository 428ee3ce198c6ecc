//! The messages of a conversation. Reading them requires a reason. The audit
//! entry is stored before any message is shown.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::message::MessageKind;
use entity::{ConversationId, MessageId};

use super::action_form::{ActionForm, FormField};
use super::{PAGE_SIZE, ReasonForm, conversations, recheck, words};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Message, Problem};
use crate::store::{
    ActiveLogin, AuditAction, AuditContext, AuditEntry, HistoryAnchor, HistoryReader, HistorySlice,
};
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::FormBody;
use crate::web::decoding::StrictPath;
use crate::web::rendering::{redirect_to, render_template};
use crate::web::{AppData, AppState, assets};

#[derive(Default)]
pub(in crate::web) struct ReadMessagesForm {
    /// The `seq` before which messages are shown; empty for the newest
    /// messages.
    before: String,
    password: String,
    reason_form: ReasonForm,
}

impl FromFields for ReadMessagesForm {
    const NAMES: &'static [&'static str] = &["before", "password", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let before = fields.text("before");
        let password = fields.text("password");
        let why = ReasonForm::from_fields(fields);
        Some(Self {
            before: before?,
            password: password?,
            reason_form: why?,
        })
    }
}

/// A message as displayed.
pub(super) struct AdminMessageView {
    pub(super) id: MessageId,
    pub(super) seq: i64,
    pub(super) sender: String,
    /// If the message is a reply, the sender and text of its original.
    pub(super) quote: Option<(String, String)>,
    pub(super) text: String,
    /// Each emoji with its count.
    pub(super) reactions: Vec<(String, u32)>,
    pub(super) iso: String,
    pub(super) at: String,
    pub(super) is_edited: bool,
    pub(super) is_deleted: bool,
    pub(super) can_delete: bool,
}

#[derive(Template)]
#[template(path = "admin/messages.html")]
struct ReadMessagesPage {
    csrf_token: String,
    here: &'static str,
    id: ConversationId,
    name: String,
    reason: String,
    messages: Vec<AdminMessageView>,
    /// The `before` of the submitted form; empty for the newest messages.
    asked: String,
    older: Option<i64>,
}

/// The fields of the form that deletes a message.
#[derive(Default)]
pub(in crate::web) struct DeleteMessageForm {
    /// The reason for reading, if the form is on the page of messages; the
    /// handler shows that page again. Empty otherwise.
    reading: String,
    /// The `before` of the page of messages to return to.
    before: String,
    reason_form: ReasonForm,
}

impl FromFields for DeleteMessageForm {
    const NAMES: &'static [&'static str] = &["reading", "before", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let reading = fields.text("reading");
        let before = fields.text("before");
        let why = ReasonForm::from_fields(fields);
        Some(Self {
            reading: reading?,
            before: before?,
            reason_form: why?,
        })
    }
}

/// `GET /admin/conversations/{id}/read`.
pub(in crate::web) async fn confirm_reading(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let name = conversations::conversation_name(&app, *id).await?;
    let password = recheck::password_field(&app, &login);
    reading_form(*id, &name, "", password).render(&app, &login, None)
}

/// `POST /admin/conversations/{id}/read`.
pub(in crate::web) async fn read_messages(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    request: HttpRequest,
    FormBody(fields): FormBody<ReadMessagesForm>,
) -> Result<HttpResponse, Problem> {
    let name = conversations::conversation_name(&app, *id).await?;
    let checked = recheck::check_password(&app, &login, &request, &fields.password).await;
    let act = fields
        .reason_form
        .add_required_to(audit_context(&app, &login, &request));
    match checked.and(act) {
        Ok(act) => {
            let asked = ReadingRequest {
                id: ConversationId(*id),
                name,
                before: &fields.before,
            };
            show_messages(&app, &login, asked, &act).await
        }
        Err(problem) => {
            let password = recheck::password_field(&app, &login);
            let sheet = reading_form(*id, &name, &fields.reason_form.reason, password);
            sheet.render(&app, &login, Some(&problem))
        }
    }
}

fn reading_form(id: i64, name: &str, reason: &str, password: Option<FormField>) -> ActionForm {
    let reason = FormField::reason(reason).required();
    ActionForm {
        here: "conversations",
        title: format!("Read messages of {name}"),
        lead: vec![
            "These messages are private. The audit log records that you read them, when and why. \
             Every admin can see it."
                .to_owned(),
        ],
        fields: [Some(reason), password].into_iter().flatten().collect(),
        submit: "Read messages",
        is_grave: false,
        action: format!("/admin/conversations/{id}/read"),
        back: format!("/admin/conversations/{id}"),
    }
}

/// The messages that an admin wants to read.
struct ReadingRequest<'a> {
    id: ConversationId,
    name: String,
    /// The `seq` before which the page ends; empty for the newest page.
    before: &'a str,
}

async fn show_messages(
    app: &AppState,
    login: &ActiveLogin,
    asked: ReadingRequest<'_>,
    act: &AuditContext,
) -> Result<HttpResponse, Problem> {
    let anchor = match asked.before.parse() {
        Ok(seq) => HistoryAnchor::Before(seq),
        Err(_) => HistoryAnchor::Latest,
    };
    let page = app
        .store
        .history()
        .load_page(HistoryReader::Unrestricted, asked.id, anchor, PAGE_SIZE)
        .await?;
    let page = page.unwrap_or_default();
    // The audit entry is stored before any message is shown.
    let entry =
        AuditEntry::new(AuditAction::ReadMessages, asked.id).with_detail(describe_range(&page));
    app.store.audit().record(act, entry).await?;
    let first = page.messages.first().map(|message| message.seq);
    let page = ReadMessagesPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "conversations",
        id: asked.id,
        name: asked.name,
        reason: act.reason.clone().unwrap_or_default(),
        asked: asked.before.to_owned(),
        older: first.filter(|_| page.has_older),
        messages: page
            .messages
            .into_iter()
            .map(AdminMessageView::from)
            .collect(),
    };
    render_template(StatusCode::OK, &page)
}

/// Describes which messages were read.
fn describe_range(page: &HistorySlice) -> String {
    match (page.messages.first(), page.messages.last()) {
        (Some(first), Some(last)) => format!("messages {} to {}", first.seq, last.seq),
        _ => "no messages".to_owned(),
    }
}

impl From<Message> for AdminMessageView {
    fn from(message: Message) -> Self {
        let quote = message
            .reply_to
            .map(|quote| (quote.sender.display_name, quote.text));
        let reactions = message.reactions.into_iter();
        Self {
            id: message.id,
            seq: message.seq,
            sender: message.sender.display_name,
            quote,
            text: message.text,
            reactions: reactions.map(|it| (it.emoji, it.count)).collect(),
            iso: words::format_iso(message.created_at),
            at: words::format_exact(message.created_at),
            is_edited: message.edited_at.is_some(),
            is_deleted: message.deleted,
            can_delete: message.kind == MessageKind::Text,
        }
    }
}

/// `GET /admin/conversations/{id}/messages/{message}/delete`.
pub(in crate::web) async fn confirm_deletion(
    app: AppData,
    AdminLogin(login): AdminLogin,
    path: StrictPath<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    deletion_form(&app, path.0, path.1, "")
        .await?
        .render(&app, &login, None)
}

/// `POST /admin/conversations/{id}/messages/{message}/delete`.
pub(in crate::web) async fn delete_message(
    app: AppData,
    AdminLogin(login): AdminLogin,
    path: StrictPath<(i64, i64)>,
    request: HttpRequest,
    FormBody(fields): FormBody<DeleteMessageForm>,
) -> Result<HttpResponse, Problem> {
    let sheet = deletion_form(&app, path.0, path.1, &fields.reason_form.reason).await?;
    let (id, message) = (ConversationId(path.0), MessageId(path.1));
    let done = match fields
        .reason_form
        .add_to(audit_context(&app, &login, &request))
    {
        Ok(act) => {
            let store = app.store.clone();
            let delete = async move { store.moderation().delete_message(id, message, &act).await };
            app.engine.apply_external_change(id, delete).await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) if fields.reading.is_empty() => Ok(redirect_to(&sheet.back, [])),
        // Show the messages again for the same reason. This writes a second
        // audit entry.
        Ok(()) => {
            let reading = ReasonForm {
                reason: fields.reading,
            };
            let act = reading.add_required_to(audit_context(&app, &login, &request))?;
            let asked = ReadingRequest {
                id,
                name: conversations::conversation_name(&app, id.0).await?,
                before: &fields.before,
            };
            show_messages(&app, &login, asked, &act).await
        }
        Err(problem) => sheet.render(&app, &login, Some(&problem)),
    }
}

async fn deletion_form(
    app: &AppState,
    id: i64,
    message: i64,
    reason: &str,
) -> Result<ActionForm, Problem> {
    let name = conversations::conversation_name(app, id).await?;
    let seq = app
        .store
        .moderation()
        .load_message_seq(ConversationId(id), MessageId(message));
    let seq = seq.await?.ok_or_else(Problem::not_found)?;
    Ok(ActionForm {
        here: "conversations",
        title: format!("Delete message {seq} of {name}"),
        lead: vec![
            "This can’t be undone. The text is deleted for everyone. Members still see that \
             there was a message."
                .to_owned(),
        ],
        fields: vec![FormField::reason(reason)],
        submit: "Delete for everyone",
        is_grave: true,
        action: format!("/admin/conversations/{id}/messages/{message}/delete"),
        back: format!("/admin/conversations/{id}"),
    })
}
