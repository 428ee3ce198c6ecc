//! What somebody has here, to take along: all that they see, as JSON Lines.

use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, http::header};
use entity::{ConnectionId, ConversationId, Millis, UserId};
use futures_util::stream;
use serde::Serialize;

use super::visitor::Visitor;
use crate::engine::rates::Seat;
use crate::protocol::user::{Me, Notice, NoticeCause};
use crate::protocol::{Connection, Conversation, Message, Problem, User};
use crate::store::{Login, PageRequest, View, paid_by};
use crate::web::api::me;
use crate::web::auth::payer_of;
use crate::web::{App, peer};

/// How much is read at a time, of each kind.
const AT_A_TIME: u64 = 100;
/// Between two readings: who takes long along is not in the way of others.
const PAUSE: Duration = Duration::from_millis(20);

/// A line of it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Me { me: &'a Me },
    Connection { connection: &'a Connection },
    Block { user: &'a User },
    Conversation { conversation: &'a Conversation },
    Message { message: &'a Message },
}

/// `POST /settings/export`: oneself, with whom one is connected, whom one
/// blocks, and every conversation, each with its messages behind it. It is
/// read while it goes out, and takes one of the sockets that one may have open.
pub(in crate::web) async fn download(
    app: App,
    Visitor(mut login): Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let seat = app.engine.sit(login.user.id).await?;
    // A login that was left open is enough to take everything: its owner
    // learns of it.
    let notice = Notice {
        at: Millis::now(),
        cause: NoticeCause::DataExported,
        address: peer::origin(&app, &request).address().to_string(),
    };
    login.user = app.store.leave_notice(login.user.id, notice).await?;
    let reading = Reading {
        app,
        login,
        next: Next::Me,
        _seat: seat,
    };
    let payer = payer_of(&request).ok_or_else(Problem::internal)?;
    let lines = stream::unfold(Some(reading), move |reading| {
        let payer = payer.clone();
        async move { Some(paid_by(payer, reading?.part()).await) }
    });
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"tidings.jsonl\"",
        ))
        .streaming(Box::pin(lines)))
}

/// An export under way.
struct Reading {
    app: App,
    login: Login,
    next: Next,
    _seat: Seat,
}

/// What is read next.
#[derive(Clone, Copy)]
enum Next {
    Me,
    Connections(Option<ConnectionId>),
    Blocked(Option<UserId>),
    /// The one that comes after this.
    Conversation(ConversationId),
    /// Of this conversation, from behind this place on.
    Messages(ConversationId, i64),
}

type Part = Result<Bytes, actix_web::Error>;

impl Reading {
    /// The next lines, and what is left to be read after them.
    async fn part(mut self) -> (Part, Option<Self>) {
        self.app.engine.rates().afford(self.login.user.id).await;
        match self.read().await {
            Ok((lines, Some(next))) => {
                self.next = next;
                (Ok(Bytes::from(lines)), Some(self))
            }
            Ok((lines, None)) => (Ok(Bytes::from(lines)), None),
            Err(problem) => (Err(problem.into()), None),
        }
    }

    async fn read(&self) -> Result<(Vec<u8>, Option<Next>), Problem> {
        let (store, me) = (&self.app.store, self.login.user.id);
        let mut lines = Lines::default();
        let next = match self.next {
            Next::Me => {
                let me = me::me(self.login.user.clone());
                lines.write(&Line::Me { me: &me })?;
                Some(Next::Connections(None))
            }
            Next::Connections(before) => {
                let found = store.connections(me, before, AT_A_TIME).await?;
                for connection in &found {
                    lines.write(&Line::Connection { connection })?;
                }
                let last = last_of_a_whole_page(&found);
                Some(last.map_or(Next::Blocked(None), |last| Next::Connections(Some(last.id))))
            }
            Next::Blocked(after) => {
                let found = store.blocked(me, after, AT_A_TIME).await?;
                for user in &found {
                    lines.write(&Line::Block { user })?;
                }
                let last = last_of_a_whole_page(&found);
                let first = Next::Conversation(ConversationId(0));
                Some(last.map_or(first, |last| Next::Blocked(Some(last.id))))
            }
            Next::Conversation(after) => self.conversation(after, &mut lines).await?,
            Next::Messages(id, after) => Some(self.messages(id, after, &mut lines).await?),
        };
        Ok((lines.0, next))
    }

    async fn conversation(
        &self,
        after: ConversationId,
        lines: &mut Lines,
    ) -> Result<Option<Next>, Problem> {
        let (store, me) = (&self.app.store, self.login.user.id);
        let Some(id) = store.conversation_after(me, after).await? else {
            return Ok(None);
        };
        let conversation = &store.conversation(me, id).await?;
        lines.write(&Line::Conversation { conversation })?;
        Ok(Some(Next::Messages(id, 0)))
    }

    /// Whether one may still see them is asked anew each time: one may have
    /// been removed, or logged out, while it goes on.
    async fn messages(
        &self,
        id: ConversationId,
        after: i64,
        lines: &mut Lines,
    ) -> Result<Next, Problem> {
        tokio::time::sleep(PAUSE).await;
        let (store, login) = (&self.app.store, &self.login);
        let is_here = store.login(login.id, Millis::now()).await?.is_some();
        let (view, after) = (View::Of(login.user.id), PageRequest::After(after));
        let page = store.history((view, id), after, AT_A_TIME).await?;
        let page = page.filter(|_| is_here).ok_or_else(Problem::not_found)?;
        for message in &page.messages {
            lines.write(&Line::Message { message })?;
        }
        let last = page.messages.last().filter(|_| page.has_newer);
        Ok(last.map_or(Next::Conversation(id), |last| Next::Messages(id, last.seq)))
    }
}

fn last_of_a_whole_page<T>(found: &[T]) -> Option<&T> {
    found.last().filter(|_| found.len() as u64 == AT_A_TIME)
}

/// Each ends with a line feed.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn write(&mut self, line: &Line<'_>) -> Result<(), Problem> {
        serde_json::to_writer(&mut self.0, line).map_err(|error| {
            tracing::error!(%error, "can't write an export");
            Problem::internal()
        })?;
        self.0.push(b'\n');
        Ok(())
    }
}
