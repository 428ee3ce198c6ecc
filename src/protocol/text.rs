//! Character rules and normal forms of the text that users type.
//!
//! Sources: UAX 14 (line breaks), UAX 15 (normal forms), UTS 39 (security),
//! RFC 5892 appendix A (joiners), RFC 8265 (passwords).

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType,
    LineBreak, WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_segmentation::UnicodeSegmentation;

/// The maximum number of nonspacing marks on one character (UTS 39, 5.4): more
/// are drawn over other lines.
const NONSPACING_MARKS_MAX: usize = 4;

const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Characters with an empty glyph that have no property for it: the blank
/// Braille pattern, a notehead without a shape, interlinear annotation.
const EMPTY_GLYPHS: [char; 5] = ['\u{2800}', '\u{1D159}', '\u{FFF9}', '\u{FFFA}', '\u{FFFB}'];

/// Returns the text in Normalization Form C.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns the text in Normalization Form KC.
fn nfkc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

/// Returns whether a reader sees none of `text`: it holds only white space,
/// control characters, default ignorables and characters with an empty glyph.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

fn is_invisible(sign: char) -> bool {
    sign.is_control()
        || EMPTY_GLYPHS.contains(&sign)
        || CodePointSetData::new::<WhiteSpace>().contains(sign)
        || is_ignorable(sign)
}

fn is_ignorable(sign: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(sign)
}

/// Returns a text on one line, in NFC and trimmed. It must have 1 to `longest`
/// characters in NFC and in NFKC, at least one of them visible.
///
/// # Errors
/// A description of the expected text, for people.
pub(crate) fn single_line(text: &str, longest: usize) -> Result<String, String> {
    let text = nfc(text.trim()).into_owned();
    if is_blank(&text) || text.chars().count() > longest || expanded_length(&text) > longest {
        return Err(format!(
            "1 to {longest} characters, at least one of them visible"
        ));
    }
    check_characters(&text)?;
    Ok(text)
}

/// Returns the length in NFKC, in which each letter of a ligature counts.
fn expanded_length(text: &str) -> usize {
    // U+FDFD has no decomposition. It is as wide as U+FDFA, which has one.
    let expanded = |sign| if sign == '\u{FDFD}' { 18 } else { 1 };
    nfkc(text).chars().map(expanded).sum()
}

/// Refuses characters that a reader can't see or that rearrange the text around
/// them.
///
/// # Errors
/// A description of the expected text, for people.
pub(crate) fn check_characters(text: &str) -> Result<(), String> {
    if text
        .chars()
        .any(|sign| sign.is_control() || breaks_line(sign))
    {
        return Err("one line, no control characters".to_owned());
    }
    if text
        .chars()
        .any(|sign| CodePointSetData::new::<BidiControl>().contains(sign))
    {
        return Err("no characters that change the direction of text".to_owned());
    }
    if has_stray_ignorable(text) {
        return Err("no invisible characters".to_owned());
    }
    if has_stacked_marks(text) {
        return Err(format!(
            "at most {NONSPACING_MARKS_MAX} marks on one character"
        ));
    }
    Ok(())
}

/// Returns whether a character is a mandatory line break (UAX 14).
fn breaks_line(sign: char) -> bool {
    matches!(
        CodePointMapData::<LineBreak>::new().get(sign),
        LineBreak::MandatoryBreak
            | LineBreak::CarriageReturn
            | LineBreak::LineFeed
            | LineBreak::NextLine
    )
}

/// Returns whether a default ignorable is part neither of an emoji in Unicode's
/// list nor of a word that needs a joiner.
fn has_stray_ignorable(text: &str) -> bool {
    let signs: Vec<char> = text.chars().collect();
    let mut at = 0;
    text.graphemes(true).any(|cluster| {
        let begin = at;
        at += cluster.chars().count();
        let is_emoji = || emojis::get(cluster).is_some();
        let ignorables = (begin..at).filter(|at| signs.get(*at).copied().is_some_and(is_ignorable));
        let mut strays = ignorables.filter(|at| !is_joiner_in_context(&signs, *at));
        strays.next().is_some() && !is_emoji()
    })
}

/// Returns whether a joiner follows a virama, or a non-joiner is between two
/// letters that would join (RFC 5892, appendix A.1 and A.2).
fn is_joiner_in_context(signs: &[char], at: usize) -> bool {
    let Some((before, rest)) = signs.split_at_checked(at) else {
        return false;
    };
    let Some((joiner, after)) = rest.split_first() else {
        return false;
    };
    if ![ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER].contains(joiner) {
        return false;
    }
    let class = |sign: &char| CodePointMapData::<CanonicalCombiningClass>::new().get(*sign);
    if before.last().map(class) == Some(CanonicalCombiningClass::Virama) {
        return true;
    }
    let joining = |sign: &char| CodePointMapData::<JoiningType>::new().get(*sign);
    let is_opaque = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let left = before.iter().rev().map(joining).find(is_opaque);
    let right = after.iter().map(joining).find(is_opaque);
    *joiner == ZERO_WIDTH_NON_JOINER
        && matches!(
            left,
            Some(JoiningType::LeftJoining | JoiningType::DualJoining)
        )
        && matches!(
            right,
            Some(JoiningType::RightJoining | JoiningType::DualJoining)
        )
}

fn has_stacked_marks(text: &str) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new();
    let mut in_a_row = 0;
    DecomposingNormalizerBorrowed::new_nfd()
        .normalize_iter(text.chars())
        .any(|sign| {
            in_a_row = match category.get(sign) {
                GeneralCategory::NonspacingMark => in_a_row + 1,
                _ => 0,
            };
            in_a_row > NONSPACING_MARKS_MAX
        })
}

/// Returns the form that searches compare: compatibility case folding (Unicode,
/// D146) without default ignorables, with one kind of apostrophe and of
/// quotation mark.
#[must_use]
pub fn search_key(text: &str) -> String {
    // Quotes are replaced before NFKC, which turns some into a space and a
    // mark, and again after NFKC, which turns one into several.
    let text: String = text.chars().map(plain_quote).collect();
    let decomposed = DecomposingNormalizerBorrowed::new_nfd();
    let folded = fold(&nfkc(&fold(&decomposed.normalize(&text))));
    let mut key = String::with_capacity(folded.len());
    for sign in nfkc(&folded).chars().map(plain_quote) {
        // A capital I with a dot folds to `i` and a combining dot: drop the
        // dot.
        let is_dot_of_i = sign == '\u{307}' && key.ends_with('i');
        if !is_dot_of_i && !is_ignorable(sign) {
            key.push(sign);
        }
    }
    key
}

fn plain_quote(sign: char) -> char {
    match sign {
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2B9}' | '\u{2BC}' | '`' | '\u{B4}' => '\'',
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '«' | '»' => '"',
        sign => sign,
    }
}

fn fold(text: &str) -> String {
    CaseMapper::new().fold_string(text).into_owned()
}

/// Returns the UTS 39 skeleton without case. It is equal for texts that look
/// alike, such as `AIice` and `Alice`.
#[must_use]
pub fn skeleton_key(text: &str) -> String {
    let skeleton = |text: &str| unicode_security::skeleton(text).collect::<String>();
    // Twice, because letters may look alike in one case only, such as `m` and
    // `rn`.
    fold(&skeleton(&fold(&skeleton(text))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn single_line_accepts_names_of_scripts() {
        for name in [
            "Ann",
            "Zoë",
            "Anna-Maria d'Été",
            "李小龍",
            "Nguyễn Văn A",
            // A non-joiner between two joining letters, a joiner after a virama.
            "\u{646}\u{6CC}\u{200C}\u{645}\u{6CC}",
            "\u{915}\u{94D}\u{200D}\u{937}",
            "Ann ❤\u{FE0F}\u{200D}🔥",
            "👩🏽\u{200D}🚀 Kim",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        ] {
            assert_eq!(
                single_line(name, 60).as_deref(),
                Ok(&*nfc(name)),
                "{name:?}"
            );
        }
        assert_eq!(single_line("  Zoe\u{308} ", 3).as_deref(), Ok("Zoë"));
    }

    #[test]
    fn single_line_refuses_deceptive_characters() {
        for name in [
            "",
            " ",
            "\u{200B}",
            "\u{FEFF}",
            "\u{3164}",
            "\u{2800}",
            "a\u{200B}b",
            "Ann\u{202E}",
            "\u{2067}Ann",
            "a\u{2028}b",
            "a\u{85}b",
            "a\nb",
            "a\0b",
            "Ann\u{E0041}",
            "Ann\u{AD}a",
            "Ann\u{FE0F}",
            "a\u{200D}b",
            "a\u{301}\u{302}\u{303}\u{304}\u{305}",
        ] {
            assert!(single_line(name, 60).is_err(), "{name:?}");
        }
        for ligature in ["\u{FDFA}", "\u{FDFD}"] {
            let wide = ligature.repeat(4);
            assert!(single_line(&wide, 60).is_err(), "72 characters: {wide}");
        }
    }

    #[test]
    fn search_key_ignores_case_and_form() {
        for (one, other) in [
            ("İzmir", "izmir"),
            ("Caf\u{E9}", "cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("Rock’n’Roll", "rock'n'roll"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁn", "FIN"),
            ("so\u{AD}ft", "soft"),
        ] {
            assert_eq!(search_key(one), search_key(other), "{one} and {other}");
        }
        assert_ne!(search_key("Ann"), search_key("Änn"));
    }

    proptest! {
        #[test]
        fn single_line_is_stable(text in any::<String>()) {
            if let Ok(name) = single_line(&text, 60) {
                prop_assert_eq!(single_line(&name, 60), Ok(name.clone()));
                prop_assert!(!is_blank(&name));
            }
        }

        #[test]
        fn search_key_is_stable(text in any::<String>()) {
            let key = search_key(&text);
            prop_assert_eq!(search_key(&key), key);
        }
    }
}
