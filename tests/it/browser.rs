//! The web client in a real browser, with a separate profile for each user. A
//! browser takes seconds to start, so each test covers many steps.

mod accounts;
mod admin_pages;
mod appearance;
mod clocks;
mod closed_conversations;
mod details;
mod directions;
mod first_messages;
mod gaps;
mod groups;
mod history;
mod hostile_texts;
mod journey;
mod languages;
mod large_account;
mod late_responses;
mod layers;
mod long_texts;
mod modules;
mod names;
mod opening;
mod outage;
mod paint;
mod pointer_input;
mod presence;
mod screen_sizes;
mod screenshots;
mod settings;
mod sheets;
mod sleep;
mod small;
mod storage;
mod tabs;
mod typing;
mod without_scripts;
