//! Authentication: passwords, login tokens, and the CSRF tokens of our own
//! pages.
//!
//! Passwords are stored as argon2id hashes. A token is a JWT that names a
//! login. The login is a database row that can end, so a token alone proves
//! nothing. The secret that signs tokens is created at the first start and
//! stored in the data folder.

pub mod csrf;
pub mod devices;
pub mod passwords;
pub mod random;
pub mod secret;
pub mod tickets;
pub mod tokens;

pub use csrf::CsrfTokens;
pub use devices::DeviceTokens;
pub use secret::{FormerSecret, Secret};
pub use tickets::{SocketTickets, TicketHolder};
pub use tokens::{LoginTokens, TokenClaims};
