//! Saying that one has read: with a script, what is on the screen is; without
//! one, a button says so, since having fetched something is no receipt.

use actix_web::HttpResponse;
use entity::{ConversationId, MessageId, receipt};
use serde::Deserialize;

use super::super::App;
use super::super::body::Form;
use super::go_on;
use super::view::thread::page_of;
use super::visitor::Visitor;
use crate::engine::room::messages::Ask;
use crate::protocol::Problem;
use crate::store::append::Mark;

#[derive(Deserialize)]
pub(in crate::web) struct UpTo {
    conversation: i64,
    message: i64,
}

/// `POST /messages/read`: everything up to a message, and on to what is new
/// after it.
pub(in crate::web) async fn mark(
    app: App,
    Visitor(login): Visitor,
    Form(up_to): Form<UpTo>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(up_to.conversation);
    let mark = Mark {
        kind: receipt::Kind::Read,
        message: MessageId(up_to.message),
    };
    app.engine.ask(id, login.user.id, Ask::Mark(mark)).await?;
    Ok(go_on(&format!("{}#unread", page_of(id)), []))
}
