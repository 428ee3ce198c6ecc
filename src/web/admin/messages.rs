//! What was said in a conversation: read only for a reason, and each reading
//! is written to the audit log before anything is shown.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::message::Kind;
use entity::{ConversationId, MessageId};

use super::sheet::{Field, Sheet};
use super::{LIMIT, Why, conversations, recheck, words};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Message, Problem};
use crate::store::{Act, Deed, Entry, Login, Page, PageRequest, View};
use crate::web::auth::Admin;
use crate::web::body::Form;
use crate::web::decoding::Path;
use crate::web::pages::{go_on, page_as};
use crate::web::{App, State, assets};

#[derive(Default)]
pub(in crate::web) struct Fields {
    /// Those before this place; empty for the newest.
    before: String,
    password: String,
    why: Why,
}

impl FromFields for Fields {
    const NAMES: &'static [&'static str] = &["before", "password", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let before = fields.text("before");
        let password = fields.text("password");
        let why = Why::from_fields(fields);
        Some(Self {
            before: before?,
            password: password?,
            why: why?,
        })
    }
}

/// A message, in words.
pub(super) struct Said {
    pub(super) id: MessageId,
    pub(super) seq: i64,
    pub(super) sender: String,
    /// Who is answered, and what they said.
    pub(super) quote: Option<(String, String)>,
    pub(super) text: String,
    /// Each with how many there are.
    pub(super) reactions: Vec<(String, u32)>,
    pub(super) iso: String,
    pub(super) at: String,
    pub(super) is_edited: bool,
    pub(super) is_withdrawn: bool,
    pub(super) can_withdraw: bool,
}

#[derive(Template)]
#[template(path = "admin/messages.html")]
struct ReadPage {
    csrf_token: String,
    here: &'static str,
    id: ConversationId,
    name: String,
    reason: String,
    messages: Vec<Said>,
    /// What was asked for; empty for the newest.
    asked: String,
    older: Option<i64>,
}

/// What comes with a withdrawal.
#[derive(Default)]
pub(in crate::web) struct Withdrawal {
    /// The reason of the reading amid which it is done; that goes on.
    reading: String,
    /// The part that is read.
    before: String,
    why: Why,
}

impl FromFields for Withdrawal {
    const NAMES: &'static [&'static str] = &["reading", "before", "reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let reading = fields.text("reading");
        let before = fields.text("before");
        let why = Why::from_fields(fields);
        Some(Self {
            reading: reading?,
            before: before?,
            why: why?,
        })
    }
}

/// `GET /admin/conversations/{id}/read`.
pub(in crate::web) async fn ask(
    app: App,
    Admin(login): Admin,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let name = conversations::name(&app, *id).await?;
    let password = recheck::field(&app, &login);
    reading(*id, (&*name, ""), password).page(&app, &login, None)
}

/// `POST /admin/conversations/{id}/read`.
pub(in crate::web) async fn read(
    app: App,
    Admin(login): Admin,
    (id, request): (Path<i64>, HttpRequest),
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let name = conversations::name(&app, *id).await?;
    let checked = recheck::check(&app, (&login, &request), &fields.password).await;
    let act = fields.why.required(super::act(&app, &login, &request));
    match checked.and(act) {
        Ok(act) => {
            let place = (ConversationId(*id), name);
            shown(&app, &login, place, (&fields.before, &act)).await
        }
        Err(problem) => {
            let password = recheck::field(&app, &login);
            let sheet = reading(*id, (&*name, &*fields.why.reason), password);
            sheet.page(&app, &login, Some(&problem))
        }
    }
}

fn reading(id: i64, (name, reason): (&str, &str), password: Option<Field>) -> Sheet {
    let reason = Field::reason(reason).required();
    Sheet {
        here: "conversations",
        title: format!("Read the messages of {name}"),
        lead: vec![
            "People wrote these to each other, and not to you. That you read them, when and why \
             is written to the audit log, where every admin sees it."
                .to_owned(),
        ],
        fields: [Some(reason), password].into_iter().flatten().collect(),
        submit: "Read them",
        is_grave: false,
        action: format!("/admin/conversations/{id}/read"),
        back: format!("/admin/conversations/{id}"),
    }
}

async fn shown(
    app: &State,
    login: &Login,
    (id, name): (ConversationId, String),
    (before, act): (&str, &Act),
) -> Result<HttpResponse, Problem> {
    let request = match before.parse() {
        Ok(seq) => PageRequest::Before(seq),
        Err(_) => PageRequest::Latest,
    };
    let page = app.store.history((View::Whole, id), request, LIMIT).await?;
    let page = page.unwrap_or_default();
    // Before anybody sees them.
    let entry = Entry::new(Deed::ReadMessages, id).with(stretch(&page));
    app.store.note(act, entry).await?;
    let first = page.messages.first().map(|message| message.seq);
    let page = ReadPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "conversations",
        id,
        name,
        reason: act.reason.clone().unwrap_or_default(),
        asked: before.to_owned(),
        older: first.filter(|_| page.has_older),
        messages: page.messages.into_iter().map(Said::from).collect(),
    };
    page_as(StatusCode::OK, &page)
}

/// Which were read.
fn stretch(page: &Page) -> String {
    match (page.messages.first(), page.messages.last()) {
        (Some(first), Some(last)) => format!("messages {} to {}", first.seq, last.seq),
        _ => "no messages".to_owned(),
    }
}

impl From<Message> for Said {
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
            iso: words::iso(message.created_at),
            at: words::exact(message.created_at),
            is_edited: message.edited_at.is_some(),
            is_withdrawn: message.deleted,
            can_withdraw: message.kind == Kind::Text,
        }
    }
}

/// `GET /admin/conversations/{id}/messages/{message}/withdraw`.
pub(in crate::web) async fn ask_to_withdraw(
    app: App,
    Admin(login): Admin,
    path: Path<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    withdrawing(&app, *path, "").await?.page(&app, &login, None)
}

/// `POST /admin/conversations/{id}/messages/{message}/withdraw`.
pub(in crate::web) async fn withdraw(
    app: App,
    Admin(login): Admin,
    (path, request): (Path<(i64, i64)>, HttpRequest),
    Form(fields): Form<Withdrawal>,
) -> Result<HttpResponse, Problem> {
    let sheet = withdrawing(&app, *path, &fields.why.reason).await?;
    let (id, message) = (ConversationId(path.0), MessageId(path.1));
    let done = match fields.why.of(super::act(&app, &login, &request)) {
        Ok(act) => {
            let store = app.store.clone();
            let withdraw = async move { store.withdraw((id, message), &act).await };
            app.engine.from_outside(id, withdraw).await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) if fields.reading.is_empty() => Ok(go_on(&sheet.back, [])),
        // For the same reason as before, and written down as any reading.
        Ok(()) => {
            let reading = Why {
                reason: fields.reading,
            };
            let act = reading.required(super::act(&app, &login, &request))?;
            let place = (id, conversations::name(&app, id.0).await?);
            shown(&app, &login, place, (&fields.before, &act)).await
        }
        Err(problem) => sheet.page(&app, &login, Some(&problem)),
    }
}

async fn withdrawing(
    app: &State,
    (id, message): (i64, i64),
    reason: &str,
) -> Result<Sheet, Problem> {
    let name = conversations::name(app, id).await?;
    let seq = app.store.seq_of(ConversationId(id), MessageId(message));
    let seq = seq.await?.ok_or_else(Problem::not_found)?;
    Ok(Sheet {
        here: "conversations",
        title: format!("Withdraw message {seq} of {name}"),
        lead: vec![
            "This can’t be undone. Its text is deleted, here and for everybody; that there was a \
             message stays to be seen."
                .to_owned(),
        ],
        fields: vec![Field::reason(reason)],
        submit: "Withdraw it",
        is_grave: true,
        action: format!("/admin/conversations/{id}/messages/{message}/withdraw"),
        back: format!("/admin/conversations/{id}"),
    })
}
