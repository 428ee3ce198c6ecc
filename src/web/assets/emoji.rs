//! Every emoji that the picker shows, with the words it is found by. The same
//! crate says which reactions there are, so that none is shown and refused.

use emojis::{Emoji, EmojiVersion, Group};
use serde::Serialize;

/// What fonts of a few years ago can draw.
const NEWEST: EmojiVersion = EmojiVersion::new(15, 0);

#[derive(Serialize)]
struct Shelf {
    name: &'static str,
    /// Each with its words.
    emoji: Vec<(&'static str, String)>,
}

/// All of them as JSON, group by group in the order of Unicode's keyboards.
pub(super) fn all() -> Vec<u8> {
    let shelves: Vec<Shelf> = Group::iter()
        .map(|group| Shelf {
            name: name(group),
            emoji: group
                .emojis()
                .filter(|emoji| emoji.emoji_version() <= NEWEST)
                .map(|emoji| (emoji.as_str(), words(emoji)))
                .collect(),
        })
        .collect();
    serde_json::to_vec(&shelves).unwrap_or_default()
}

fn words(emoji: &Emoji) -> String {
    let mut words: Vec<String> = vec![emoji.name().to_owned()];
    for code in emoji.shortcodes() {
        let code = code.replace('_', " ");
        if !words.contains(&code) {
            words.push(code);
        }
    }
    words.join(", ")
}

fn name(group: Group) -> &'static str {
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
