//! Drawn avatars: initials on a hue, the same wherever a name is shown.

use unicode_segmentation::UnicodeSegmentation as _;

/// The number of hues in the style sheet.
const HUES: u32 = 12;

/// The avatar of a user or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Avatar {
    pub(in crate::web) initials: String,
    pub(in crate::web) hue: u32,
}

impl Avatar {
    pub(in crate::web) fn from_name(name: &str) -> Self {
        Self {
            initials: initials(name),
            hue: hue(name),
        }
    }
}

/// Returns the hue for a name. The hash is FNV-1a, which the client implements
/// in four lines.
pub(in crate::web) fn hue(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % HUES
}

/// Returns the first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(first_letter);
    let last = words.next_back().and_then(first_letter);
    first.into_iter().chain(last).collect()
}

/// Returns the first letter of a word, without signs before it, as in '#team'
/// or '(Ann)'. The letter is in upper case if that is one letter, too.
fn first_letter(word: &str) -> Option<String> {
    let mut letters = word.graphemes(true);
    let found = letters.find(|letter| letter.chars().any(char::is_alphanumeric));
    let letter = found.or_else(|| word.graphemes(true).next())?;
    let upper = letter.to_uppercase();
    let is_one = upper.graphemes(true).count() == 1;
    Some(if is_one { upper } else { letter.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_use_first_and_last_word() {
        for (name, expected) in [
            ("Mara", "M"),
            ("mara keller", "MK"),
            ("Ana de la Cruz", "AC"),
            ("(The) #team", "TT"),
            ("éva ünal", "ÉÜ"),
            ("☂", "☂"),
            ("🇩🇪 Team", "🇩🇪T"),
            ("👩‍👩‍👧 e\u{301}va", "👩‍👩‍👧E\u{301}"),
            ("ßeta", "ß"),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn hues_are_stable_and_all_used() {
        assert_eq!(hue("Mara"), hue("Mara"));
        let hues: std::collections::BTreeSet<u32> =
            (0..200).map(|n| hue(&format!("name {n}"))).collect();
        assert_eq!(hues, (0..HUES).collect());
    }
}
