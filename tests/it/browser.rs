//! The web client in a real browser, with a separate profile for each user. A
//! browser takes seconds to start, so each test covers many steps.

mod accounts;
mod clocks;
mod closed;
mod details;
mod directions;
mod first;
mod full;
mod gaps;
mod groups;
mod hands;
mod history;
mod hostile;
mod house;
mod journey;
mod late;
mod layers;
mod looks;
mod modules;
mod names;
mod opening;
mod outage;
mod paint;
mod pictures;
mod plain;
mod presence;
mod sheets;
mod sizes;
mod sleep;
mod small;
mod storage;
mod tabs;
mod texts;
mod typing;
