//! What every test starts from: [`TestApp`] is a server, [`Person`] somebody
//! with an account on it, [`Socket`] one of their open sockets.

mod answer;
mod app;
mod database;
mod person;
pub(crate) mod redact;
mod socket;
mod wait;

pub(crate) use answer::Answer;
pub(crate) use app::TestApp;
pub(crate) use database::TestDatabase;
pub(crate) use person::{PASSWORD, Person};
pub(crate) use socket::{Socket, TokenBy};
pub(crate) use wait::{DEADLINE, until, within};
