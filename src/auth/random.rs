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

/// What to keep of a word that opens something: it tells the word from all
/// others, and nobody finds the word by it. That it is random spares the salt
/// and the toil that a password needs.
#[must_use]
pub fn digest(word: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(word.as_bytes()))
}
