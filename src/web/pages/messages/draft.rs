//! The text in the composer of a page.

use super::MessageForm;
use crate::protocol::{ClientId, ErrorCode, Problem};
use crate::web::pages::view::thread::ComposerDraft;
use crate::web::tokens;

impl ComposerDraft {
    /// Returns an empty draft.
    pub(super) fn new() -> Result<Self, Problem> {
        Ok(Self {
            client_id: tokens::generate_token()?,
            ..Self::default()
        })
    }

    /// Returns the rejected input with its `client_id`. If the message was
    /// stored after all, the next attempt is recognized as a retry.
    pub(super) fn from_refused(written: MessageForm, problem: Problem) -> Result<Self, Problem> {
        let is_fine = ClientId::parse(&written.client_id).is_ok();
        let client_id = match problem.code {
            ErrorCode::ClientIdReused => Self::new()?.client_id,
            _ if !is_fine => Self::new()?.client_id,
            _ => written.client_id,
        };
        Ok(Self {
            text: written.text,
            client_id,
            problem: Some(problem),
        })
    }
}
