//! The actions that the API, the pages and the admin pages share. Each applies
//! a change and sends its events.

pub(super) mod account_deletion;
pub(super) mod blocks;
pub(super) mod connections;
pub(super) mod invitations;
pub(super) mod own_account;
