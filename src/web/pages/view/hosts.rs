//! Checks that an address in a message leads to where it appears to lead.

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script,
};
use icu_properties::script::ScriptWithExtensions;
use icu_properties::{CodePointMapData, CodePointSetData};

/// Sets of scripts. Each label of a host name may use one set, besides
/// characters that scripts share.
const SCRIPTS: [&[Script]; 27] = [
    &[Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Han, Script::Hangul],
    &[Script::Han, Script::Bopomofo],
    &[Script::Latin],
    &[Script::Cyrillic],
    &[Script::Greek],
    &[Script::Arabic],
    &[Script::Armenian],
    &[Script::Bengali],
    &[Script::Devanagari],
    &[Script::Ethiopic],
    &[Script::Georgian],
    &[Script::Gujarati],
    &[Script::Gurmukhi],
    &[Script::Hebrew],
    &[Script::Kannada],
    &[Script::Khmer],
    &[Script::Lao],
    &[Script::Malayalam],
    &[Script::Myanmar],
    &[Script::Oriya],
    &[Script::Sinhala],
    &[Script::Tamil],
    &[Script::Telugu],
    &[Script::Thaana],
    &[Script::Thai],
    &[Script::Tibetan],
];

/// Returns whether an address leads to where it appears to lead. It must have a
/// host with one script in each label, no user name before the host, and no
/// invisible characters.
pub(super) fn is_unambiguous(address: &str) -> bool {
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    is_host(authority)
        && authority.split('.').all(is_of_one_script)
        && !address.chars().any(|sign| hidden.contains(sign))
}

/// Returns whether the host of an address has a dot and ends with a name, not
/// only digits.
pub(super) fn has_named_host(address: &str) -> bool {
    let host = address.split(['/', '?', '#', ':']).next();
    let last = host.and_then(|host| host.rsplit_once('.'));
    last.is_some_and(|(_, name)| {
        let letters = GeneralCategoryGroup::Letter;
        let has_letter = name.chars().any(|sign| letters.contains(category(sign)));
        name.chars().nth(1).is_some() && has_letter
    })
}

/// Returns whether this is a host name or an IP address, with or without a
/// port.
fn is_host(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| {
        (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !port.is_none_or(is_port) {
        return false;
    }
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Some(address) = inside {
        let is_fine = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        return !address.is_empty() && address.bytes().all(is_fine);
    }
    let letters = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    host.chars().all(is_host_sign) && host.chars().any(|sign| letters.contains(category(sign)))
}

pub(super) fn is_host_sign(sign: char) -> bool {
    matches!(sign, '_' | '.' | '-') || is_letter(sign)
}

/// Returns whether this is a letter, a digit, or a mark on one.
pub(super) fn is_letter(sign: char) -> bool {
    let letters = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    let all = letters.union(GeneralCategoryGroup::Mark);
    all.contains(category(sign))
}

fn category(sign: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(sign)
}

fn is_of_one_script(label: &str) -> bool {
    let scripts = ScriptWithExtensions::new();
    let shared = [Script::Common, Script::Inherited];
    SCRIPTS.iter().any(|known| {
        label.chars().all(|sign| {
            let mut known = known.iter().chain(&shared);
            known.any(|script| scripts.has_script(sign, *script))
        })
    })
}
