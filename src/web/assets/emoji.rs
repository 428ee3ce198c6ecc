//! Every emoji that the picker shows, with its search words. The same crate
//! decides which reactions are allowed, so that the server accepts every emoji
//! of the picker.

use emojis::{Emoji, EmojiVersion, Group};
use serde::Serialize;

/// The newest emoji version that fonts a few years old can draw.
const NEWEST_VERSION: EmojiVersion = EmojiVersion::new(15, 0);

#[derive(Serialize)]
struct EmojiGroup {
    name: &'static str,
    /// Each emoji with its search words.
    emoji: Vec<(&'static str, String)>,
}

/// Returns all emoji as JSON, by group in the order of Unicode keyboards.
pub(super) fn emoji_json() -> Vec<u8> {
    let shelves: Vec<EmojiGroup> = Group::iter()
        .map(|group| EmojiGroup {
            name: group_name(group),
            emoji: group
                .emojis()
                .filter(|emoji| emoji.emoji_version() <= NEWEST_VERSION)
                .map(|emoji| (emoji.as_str(), search_words(emoji)))
                .collect(),
        })
        .collect();
    serde_json::to_vec(&shelves).unwrap_or_default()
}

fn search_words(emoji: &Emoji) -> String {
    let mut words: Vec<String> = vec![emoji.name().to_owned()];
    for code in emoji.shortcodes() {
        let code = code.replace('_', " ");
        if !words.contains(&code) {
            words.push(code);
        }
    }
    words.join(", ")
}

fn group_name(group: Group) -> &'static str {
    match group {
        Group::SmileysAndEmotion => "Smileys and emotion",
        Group::PeopleAndBody => "People and body",
        Group::AnimalsAndNature => "Animals and nature",
        Group::FoodAndDrink => "Food and drink",
        Group::TravelAndPlaces => "Travel and places",
        Group::Activities => "Activities",
        Group::Objects => "Objects",
        Group::Symbols => "Symbols",
        Group::Flags => "Flags",
    }
}
