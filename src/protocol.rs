//! The wire format: plain serde types, no I/O.
//!
//! A client sends [`ClientCommand`] frames, the server sends [`ServerEvent`]
//! frames. A refusal is a [`Problem`] over HTTP and an `error` event on a
//! socket, with the same [`ErrorCode`]. `docs/protocol.md` documents the format
//! for authors of clients.

pub mod action;
pub mod close;
pub mod command;
pub mod connection;
pub mod conversation;
pub mod encoding;
pub mod error_code;
pub mod event;
pub mod fields;
pub mod input;
pub mod invitation;
pub mod message;
pub mod passwords;
pub mod problem;
pub mod submission;
pub mod text;
pub mod user;

pub use action::{
    ConversationAction, GroupCommand, MarkedMessages, MemberSettingsPatch, MessageAction,
};
pub use close::CloseCode;
pub use command::ClientCommand;
pub use connection::Connection;
pub use conversation::{Conversation, Participant};
pub use error_code::ErrorCode;
pub use event::ServerEvent;
pub use input::{AboutText, ClientId, DisplayName, Emoji, GroupTitle, MessageText, Username};
pub use message::{Message, MessageQuote, MessageStatus};
pub use passwords::Password;
pub use problem::{FieldError, Problem};
pub use submission::SubmittedMessage;
pub use user::{User, UserProfile};
