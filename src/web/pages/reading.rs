//! Saying that one has read: with a script, what is on the screen is; without
//! one, a button says so, since having fetched something is no receipt.

use actix_web::HttpResponse;
use entity::{ConversationId, MessageId, receipt};

use super::go_on;
use super::view::thread::page_of;
use super::visitor::Visitor;
use crate::engine::room::messages::Ask;
use crate::protocol::Problem;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::store::append::Mark;
use crate::web::App;
use crate::web::body::Form;

/// Up to which message somebody has read.
pub(in crate::web) struct UpTo {
    conversation: ConversationId,
    message: MessageId,
}

impl FromFields for UpTo {
    const NAMES: &'static [&'static str] = &["conversation", "message"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let conversation = fields.required("conversation");
        let message = fields.required("message");
        Some(Self {
            conversation: conversation?,
            message: message?,
        })
    }
}

/// `POST /messages/read`: everything up to a message, and on to what is new
/// after it.
pub(in crate::web) async fn mark(
    app: App,
    Visitor(login): Visitor,
    Form(up_to): Form<UpTo>,
) -> Result<HttpResponse, Problem> {
    let id = up_to.conversation;
    let mark = Mark {
        kind: receipt::Kind::Read,
        message: up_to.message,
    };
    app.engine.ask(id, login.user.id, Ask::Mark(mark)).await?;
    Ok(go_on(&format!("{}#unread", page_of(id)), []))
}
