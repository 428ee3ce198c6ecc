//! What goes over the wire: plain serde types, no I/O.
//!
//! A client's frame is a [`Command`], the server's an [`Event`]; a refusal is
//! a [`Problem`] over HTTP and an `error` event on a socket, with the same
//! [`Code`]. `docs/protocol.md` is the account that clients read.

pub mod close;
pub mod code;
pub mod command;
pub mod connection;
pub mod conversation;
pub mod encoding;
pub mod event;
pub mod fields;
pub mod input;
pub mod invitation;
pub mod message;
pub mod passwords;
pub mod problem;
pub mod sending;
pub mod text;
pub mod user;

pub use close::CloseCode;
pub use code::Code;
pub use command::Command;
pub use connection::Connection;
pub use conversation::{Conversation, Participant};
pub use event::Event;
pub use input::{About, ClientId, DisplayName, Emoji, GroupTitle, MessageText, Username};
pub use message::{Message, Quote, Status};
pub use passwords::Password;
pub use problem::{FieldError, Problem};
pub use sending::{MessageContent, Sending};
pub use user::{Profile, User};
