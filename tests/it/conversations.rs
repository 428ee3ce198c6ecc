//! Conversations: pages of the list, settings, and changes without effect.

mod pages;
mod settings;
mod unchanged;
