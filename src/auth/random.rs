//! Random tokens and codes that can't be guessed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Returns 128 random bits as 22 characters that need no escaping in a URL or a
/// cookie.
///
/// # Errors
/// If the system has no randomness.
pub fn generate_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns whether `text` has the form of a [`generate_token`] result.
#[must_use]
pub fn is_token_shaped(text: &str) -> bool {
    text.len() == 22 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// The characters of Crockford's base 32: without I, L, O and U, which are
/// mistaken for others.
const CODE_SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 100 random bits.
const CODE_LENGTH: usize = 20;
/// Characters between two hyphens.
const CODE_GROUP: usize = 5;

/// Returns 100 random bits for a user to type: four groups of five characters.
///
/// # Errors
/// If the system has no randomness.
pub fn generate_code() -> Result<String, getrandom::Error> {
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

/// Returns the canonical form of a typed code, or `None` if it can't be a code.
/// It accepts lower case, other spacing, and characters that look like the
/// correct ones.
#[must_use]
pub fn parse_code(text: &str) -> Option<String> {
    // Bounds the work: a code with spacing is no longer than this.
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

/// Returns the digest to store in place of a token. It identifies the token
/// without revealing it. Random tokens need neither the salt nor the slow hash
/// of a password.
#[must_use]
pub fn digest(word: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_code_is_normalized() {
        let code = generate_code().unwrap();
        assert_eq!(code.len(), 23);
        assert_eq!(parse_code(&code).as_ref(), Some(&code));
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(parse_code(&typed).as_ref(), Some(&code));
        assert_ne!(code, super::generate_code().unwrap());
        let mistaken = "oOiIl-23456-789AB-CDEFG";
        let expected = "00111-23456-789AB-CDEFG";
        assert_eq!(parse_code(mistaken).as_deref(), Some(expected));
    }

    #[test]
    fn malformed_codes_are_rejected() {
        for text in [
            "",
            "nonsense",
            "00111-23456-789AB-CDEF",
            "00111-23456-789AB-CDEFGH",
            "00111-23456-789AB-CDEFU",
            "00111-23456-789AB-CDEFé",
        ] {
            assert_eq!(parse_code(text), None, "{text}");
        }
    }
}
