//! The tables of Tidings: one file each, no logic.
//!
//! Times are [`Millis`]. Every key has a type of its own (see [`ids`]), so that
//! a conversation's id can't be passed as a user's. The keys and indexes are in
//! the `migration` crate.

#![forbid(unsafe_code)]

pub mod audit;
pub mod block;
pub mod connection;
pub mod conversation;
pub mod conversation_word;
pub mod epoch;
pub mod group_count;
pub mod group_invitation;
pub mod id_block;
pub mod ids;
pub mod invite;
pub mod login;
pub mod message;
pub mod millis;
pub mod node;
pub mod participant;
pub mod password_reset;
pub mod reaction;
pub mod receipt;
pub mod report;
pub mod request_pause;
pub mod user;
pub mod user_status;
pub mod user_word;

pub use ids::{
    AuditId, ConnectionId, ConversationId, InvitationId, InviteId, LoginId, MessageId, NodeId,
    ReceiptId, ReportId, UserId,
};
pub use millis::Millis;
