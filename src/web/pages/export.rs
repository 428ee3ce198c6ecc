//! The export of a user's data: everything they can see, as JSON Lines.

use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, http::header};
use entity::{ConnectionId, ConversationId, Millis, UserId};
use futures_util::stream;
use serde::Serialize;

use super::page_login::LoginOrRedirect;
use crate::engine::rates::SocketPermit;
use crate::protocol::user::{AccountNotice, NoticeCause, OwnProfile};
use crate::protocol::{Connection, Conversation, Message, Problem, User};
use crate::store::{ActiveLogin, HistoryAnchor, HistoryReader, with_payer};
use crate::web::actions::own_account::own_account;
use crate::web::auth::database_payer;
use crate::web::{AppData, client_ip};

/// The number of rows that each read loads.
const EXPORT_BATCH: u64 = 100;
/// The pause between two reads, so that a long export doesn't slow others down.
const EXPORT_PAUSE: Duration = Duration::from_millis(20);

/// A line of the export.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ExportLine<'a> {
    Me { me: &'a OwnProfile },
    Connection { connection: &'a Connection },
    Block { user: &'a User },
    Conversation { conversation: &'a Conversation },
    Message { message: &'a Message },
}

/// `POST /settings/export`: the account, connections, blocks, and each
/// conversation followed by its messages. The data is read while it is sent. A
/// running export counts as one of the user's sockets.
pub(in crate::web) async fn download(
    app: AppData,
    LoginOrRedirect(mut login): LoginOrRedirect,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let permit = app.engine.reserve_socket(login.user.id).await?;
    // An unattended browser is enough to export everything, so the account's
    // owner is notified.
    let notice = AccountNotice {
        at: Millis::now(),
        cause: NoticeCause::DataExported,
        address: client_ip::client_origin(&app, &request)
            .address()
            .to_string(),
    };
    login.user = app.store.users().add_notice(login.user.id, notice).await?;
    let reading = DataExport {
        app,
        login,
        next: ExportStep::Me,
        _socket_slot: permit,
    };
    let payer = database_payer(&request).ok_or_else(Problem::internal)?;
    let lines = stream::unfold(Some(reading), move |reading| {
        let payer = payer.clone();
        async move { Some(with_payer(payer, reading?.next_chunk()).await) }
    });
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"tidings.jsonl\"",
        ))
        .streaming(Box::pin(lines)))
}

/// A running export.
struct DataExport {
    app: AppData,
    login: ActiveLogin,
    next: ExportStep,
    _socket_slot: SocketPermit,
}

/// The next part to read.
#[derive(Clone, Copy)]
enum ExportStep {
    Me,
    Connections(Option<ConnectionId>),
    Blocked(Option<UserId>),
    /// The conversation after the one with this id.
    Conversation(ConversationId),
    /// The messages of this conversation after this `seq`.
    Messages(ConversationId, i64),
}

type ExportChunk = Result<Bytes, actix_web::Error>;

impl DataExport {
    /// Returns the next lines, and the rest of the export if there is more.
    async fn next_chunk(mut self) -> (ExportChunk, Option<Self>) {
        self.app
            .engine
            .rates()
            .wait_for_budget(self.login.user.id)
            .await;
        match self.read_step().await {
            Ok((lines, Some(next))) => {
                self.next = next;
                (Ok(Bytes::from(lines)), Some(self))
            }
            Ok((lines, None)) => (Ok(Bytes::from(lines)), None),
            Err(problem) => (Err(problem.into()), None),
        }
    }

    async fn read_step(&self) -> Result<(Vec<u8>, Option<ExportStep>), Problem> {
        let (store, me) = (&self.app.store, self.login.user.id);
        let mut lines = ExportBuffer::default();
        let next = match self.next {
            ExportStep::Me => {
                let me = own_account(self.login.user.clone());
                lines.write(&ExportLine::Me { me: &me })?;
                Some(ExportStep::Connections(None))
            }
            ExportStep::Connections(before) => {
                let found = store.connections().list(me, before, EXPORT_BATCH).await?;
                for connection in &found {
                    lines.write(&ExportLine::Connection { connection })?;
                }
                let last = last_of_full_page(&found);
                Some(last.map_or(ExportStep::Blocked(None), |last| {
                    ExportStep::Connections(Some(last.id))
                }))
            }
            ExportStep::Blocked(after) => {
                let found = store.blocks().list(me, after, EXPORT_BATCH).await?;
                for user in &found {
                    lines.write(&ExportLine::Block { user })?;
                }
                let last = last_of_full_page(&found);
                let first = ExportStep::Conversation(ConversationId(0));
                Some(last.map_or(first, |last| ExportStep::Blocked(Some(last.id))))
            }
            ExportStep::Conversation(after) => self.read_conversation(after, &mut lines).await?,
            ExportStep::Messages(id, after) => {
                Some(self.read_messages(id, after, &mut lines).await?)
            }
        };
        Ok((lines.0, next))
    }

    async fn read_conversation(
        &self,
        after: ConversationId,
        lines: &mut ExportBuffer,
    ) -> Result<Option<ExportStep>, Problem> {
        let (store, me) = (&self.app.store, self.login.user.id);
        let Some(id) = store.conversations().find_next(me, after).await? else {
            return Ok(None);
        };
        let conversation = &store.conversations().load(me, id).await?;
        lines.write(&ExportLine::Conversation { conversation })?;
        Ok(Some(ExportStep::Messages(id, 0)))
    }

    /// Reads one page of messages. Access is checked each time: the user may
    /// have been removed or logged out since.
    async fn read_messages(
        &self,
        id: ConversationId,
        after: i64,
        lines: &mut ExportBuffer,
    ) -> Result<ExportStep, Problem> {
        tokio::time::sleep(EXPORT_PAUSE).await;
        let (store, login) = (&self.app.store, &self.login);
        let is_here = store
            .logins()
            .load(login.id, Millis::now())
            .await?
            .is_some();
        let (view, after) = (
            HistoryReader::User(login.user.id),
            HistoryAnchor::After(after),
        );
        let page = store
            .history()
            .load_page(view, id, after, EXPORT_BATCH)
            .await?;
        let page = page.filter(|_| is_here).ok_or_else(Problem::not_found)?;
        for message in &page.messages {
            lines.write(&ExportLine::Message { message })?;
        }
        let last = page.messages.last().filter(|_| page.has_newer);
        Ok(last.map_or(ExportStep::Conversation(id), |last| {
            ExportStep::Messages(id, last.seq)
        }))
    }
}

fn last_of_full_page<T>(found: &[T]) -> Option<&T> {
    found.last().filter(|_| found.len() as u64 == EXPORT_BATCH)
}

/// Lines of JSON; each ends with a line feed.
#[derive(Default)]
struct ExportBuffer(Vec<u8>);

impl ExportBuffer {
    fn write(&mut self, line: &ExportLine<'_>) -> Result<(), Problem> {
        serde_json::to_writer(&mut self.0, line).map_err(|error| {
            tracing::error!(%error, "can't serialize an export");
            Problem::internal()
        })?;
        self.0.push(b'\n');
        Ok(())
    }
}
