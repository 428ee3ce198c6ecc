//! Who somebody is: passwords, tokens, and what tells our own pages from
//! others.
//!
//! A password is kept as an argon2id hash; a token is a JWT that names a login
//! (a row that can end) and says nothing by itself. The secret that signs
//! tokens is made at first start and kept in the data folder.

pub mod csrf;
pub mod devices;
pub mod passwords;
pub mod random;
pub mod secret;
pub mod tickets;
pub mod tokens;

pub use csrf::Csrf;
pub use devices::DeviceTokens;
pub use secret::{FormerSecret, Secret};
pub use tickets::{TicketHolder, Tickets};
pub use tokens::{Claims, Tokens};
