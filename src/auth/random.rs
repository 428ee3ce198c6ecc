//! Words that nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// 128 random bits as 22 signs that stand in a URL and a cookie as they are.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn word() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether `text` could be such a word.
#[must_use]
pub fn is_word(text: &str) -> bool {
    text.len() == 22 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// The signs of Crockford's base 32: without I, L, O and U, which are mistaken
/// for others.
const CODE_SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The signs of a code: 100 random bits.
const CODE_LENGTH: usize = 20;
/// The signs between two hyphens.
const CODE_GROUP: usize = 5;

/// 100 random bits that a user can type: four groups of five signs.
///
/// # Errors
/// If the system has no randomness to give.
pub fn code() -> Result<String, getrandom::Error> {
    let mut bytes = [0; CODE_LENGTH];
    getrandom::fill(&mut bytes)?;
    let mut code = String::with_capacity(CODE_LENGTH + CODE_LENGTH / CODE_GROUP);
    for (at, byte) in bytes.into_iter().enumerate() {
        if at > 0 && at.is_multiple_of(CODE_GROUP) {
            code.push('-');
        }
        let sign = CODE_SIGNS.get(usize::from(byte % 32)).copied();
        code.push(char::from(sign.unwrap_or_default()));
    }
    Ok(code)
}

/// The original form of a typed code: in small letters, with
/// other gaps, or with a sign that looks like the right one. None if it can't be
/// a code.
#[must_use]
pub fn typed_code(text: &str) -> Option<String> {
    // No more is looked at than a code with gaps can have.
    let signs = text.trim().chars().take(4 * CODE_LENGTH);
    let signs = signs.filter(|sign| !sign.is_whitespace() && *sign != '-');
    let mut code = String::new();
    for (at, sign) in signs.enumerate() {
        let sign = match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            sign => sign,
        };
        let is_sign = u8::try_from(sign).is_ok_and(|byte| CODE_SIGNS.contains(&byte));
        if !is_sign || at >= CODE_LENGTH {
            return None;
        }
        if at > 0 && at.is_multiple_of(CODE_GROUP) {
            code.push('-');
        }
        code.push(sign);
    }
    (code.len() == CODE_LENGTH + CODE_LENGTH / CODE_GROUP - 1).then_some(code)
}

/// What to keep of a word that opens something: it tells the word from all
/// others, and nobody finds the word by it. That it is random spares the salt
/// and the toil that a password needs.
#[must_use]
pub fn digest(word: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_code_is_read_with_mistakes() {
        let code = code().unwrap();
        assert_eq!(code.len(), 23);
        assert_eq!(typed_code(&code).as_ref(), Some(&code));
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(typed_code(&typed).as_ref(), Some(&code));
        assert_ne!(code, super::code().unwrap());
        let mistaken = "oOiIl-23456-789AB-CDEFG";
        let expected = "00111-23456-789AB-CDEFG";
        assert_eq!(typed_code(mistaken).as_deref(), Some(expected));
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in [
            "",
            "nonsense",
            "00111-23456-789AB-CDEF",
            "00111-23456-789AB-CDEFGH",
            "00111-23456-789AB-CDEFU",
            "00111-23456-789AB-CDEFé",
        ] {
            assert_eq!(typed_code(text), None, "{text}");
        }
    }
}
