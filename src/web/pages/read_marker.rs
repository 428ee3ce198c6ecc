//! Marking messages as read. The script marks what is on the screen. Without a
//! script the user presses a button, since loading a page is no read receipt.

use actix_web::HttpResponse;
use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId};

use super::page_login::LoginOrRedirect;
use super::view::thread::conversation_url;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{ConversationAction, Problem};
use crate::web::AppData;
use crate::web::body::FormBody;
use crate::web::rendering::redirect_to;

/// The message up to which the user has read.
pub(in crate::web) struct ReadMarkerForm {
    conversation: ConversationId,
    message: MessageId,
}

impl FromFields for ReadMarkerForm {
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

/// `POST /messages/read`: advances the read marker, and redirects to the unread
/// messages after it.
pub(in crate::web) async fn mark_read(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    FormBody(up_to): FormBody<ReadMarkerForm>,
) -> Result<HttpResponse, Problem> {
    let id = up_to.conversation;
    let mark = ConversationAction::mark(ReceiptKind::Read, up_to.message);
    app.engine.execute_action(id, login.user.id, mark).await?;
    Ok(redirect_to(&format!("{}#unread", conversation_url(id)), []))
}
