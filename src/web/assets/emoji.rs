//! Every emoji that the picker shows, with its search words. The same crate
//! decides which reactions are allowed, so that the server accepts every emoji
//! of the picker.

use emojis::{Emoji, EmojiVersion, Group, SkinTone};
use serde::Serialize;

/// The newest emoji version that fonts a few years old can draw.
const NEWEST_VERSION: EmojiVersion = EmojiVersion::new(15, 0);

#[derive(Serialize)]
struct EmojiGroup {
    name: &'static str,
    emoji: Vec<EmojiRow>,
}

/// An emoji, its search words, and its forms in the five skin tones if it has
/// them.
#[derive(Serialize)]
#[serde(untagged)]
enum EmojiRow {
    Plain(&'static str, String),
    Toned(&'static str, String, Vec<&'static str>),
}

/// The skin tones of Unicode, from light to dark. Signs of two people also have
/// mixed ones, which the picker leaves out.
const TONES: [SkinTone; 5] = [
    SkinTone::Light,
    SkinTone::MediumLight,
    SkinTone::Medium,
    SkinTone::MediumDark,
    SkinTone::Dark,
];

/// Returns all emoji as JSON, by group in the order of Unicode keyboards.
pub(super) fn emoji_json() -> Vec<u8> {
    let shelves: Vec<EmojiGroup> = Group::iter()
        .map(|group| EmojiGroup {
            name: group_name(group),
            emoji: group
                .emojis()
                .filter(|emoji| emoji.emoji_version() <= NEWEST_VERSION)
                .map(emoji_row)
                .collect(),
        })
        .collect();
    serde_json::to_vec(&shelves).unwrap_or_default()
}

fn emoji_row(emoji: &'static Emoji) -> EmojiRow {
    let tones = TONES.iter().filter_map(|tone| emoji.with_skin_tone(*tone));
    let tones: Vec<&str> = tones.map(Emoji::as_str).collect();
    if tones.len() == TONES.len() {
        EmojiRow::Toned(emoji.as_str(), search_words(emoji), tones)
    } else {
        EmojiRow::Plain(emoji.as_str(), search_words(emoji))
    }
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
