//! What every test starts from: [`TestApp`] is a server, [`Person`] somebody
//! with an account on it, [`Socket`] one of their open sockets.

mod ailing_disk;
mod answer;
mod app;
mod binary;
pub(crate) mod browser;
mod database;
mod front;
mod person;
mod proxy;
pub(crate) mod raw;
pub(crate) mod redact;
mod slow_line;
mod socket;
mod syscall_filter;
mod wait;

pub(crate) use ailing_disk::{AilingDisk, Ails};
pub(crate) use answer::Answer;
pub(crate) use app::{Site, TestApp};
pub(crate) use binary::{Binary, Serving, finish};
pub(crate) use database::TestDatabase;
pub(crate) use front::{Front, RunningFront};
pub(crate) use person::{PASSWORD, Person};
pub(crate) use proxy::Proxy;
pub(crate) use slow_line::{LineEnd, SlowLine};
pub(crate) use socket::{Socket, TokenBy};
pub(crate) use syscall_filter::SyscallFilter;
pub(crate) use wait::{until, within};
