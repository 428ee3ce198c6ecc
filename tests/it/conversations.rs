//! Conversations, beyond what one request shows of them.

mod pages;
mod settings;
mod unchanged;
