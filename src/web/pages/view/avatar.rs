//! Drawn faces: initials on a hue, the same wherever a name stands.

/// How many hues the style sheet has.
const HUES: u32 = 12;

/// What stands for somebody, or for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Avatar {
    pub(in crate::web) initials: String,
    pub(in crate::web) hue: u32,
}

impl Avatar {
    pub(in crate::web) fn of(name: &str) -> Self {
        Self {
            initials: initials(name),
            hue: hue(name),
        }
    }
}

/// FNV-1a, which a client draws alike in four lines.
pub(in crate::web) fn hue(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % HUES
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(letter);
    let last = words.next_back().and_then(letter);
    let letters = first.into_iter().chain(last);
    letters.flat_map(char::to_uppercase).collect()
}

/// Signs in front of a word, as in '#team' or '(Ann)', are no letters.
fn letter(word: &str) -> Option<char> {
    let found = word.chars().find(|c| c.is_alphanumeric());
    found.or_else(|| word.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Mara", "M"),
            ("mara keller", "MK"),
            ("Ana de la Cruz", "AC"),
            ("(The) #team", "TT"),
            ("éva ünal", "ÉÜ"),
            ("☂", "☂"),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_keeps_its_hue() {
        assert_eq!(hue("Mara"), hue("Mara"));
        let hues: std::collections::BTreeSet<u32> =
            (0..200).map(|n| hue(&format!("name {n}"))).collect();
        assert_eq!(hues, (0..HUES).collect());
    }
}
