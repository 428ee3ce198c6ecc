//! The web client in a real browser, with a separate profile for each user. A
//! browser takes seconds to start, so each test covers many steps.

mod accounts;
mod admin_pages;
mod appearance;
mod closed_conversations;
mod details;
mod first_messages;
mod groups;
mod history;
mod hostile_texts;
mod journey;
mod large_account;
mod late_responses;
mod long_texts;
mod modules;
mod names;
mod opening;
mod outage;
mod pointer_input;
mod screen_sizes;
mod screenshots;
mod sheets;
mod without_scripts;
