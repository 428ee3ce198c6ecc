//! What people see and do: real pages in a real browser, each person with a
//! profile of their own. A browser takes seconds to start: each test does much
//! with one.

mod accounts;
mod closed;
mod details;
mod first;
mod full;
mod groups;
mod hands;
mod history;
mod hostile;
mod house;
mod journey;
mod late;
mod looks;
mod modules;
mod names;
mod opening;
mod outage;
mod pictures;
mod plain;
mod sheets;
mod sizes;
mod texts;
