//! Random secrets, of which only hashes are stored.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use engine::error::{Error, Result};
use sha2::{Digest, Sha256};

use super::organization_secret::hexadecimal;

/// Number of random bytes in a token, encoded as 43 characters.
const TOKEN_BYTES: usize = 32;

/// `N` random bytes from the operating system, in URL-safe Base64.
pub(super) fn random<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A new token of 256 bits, of a session or of a link.
pub(super) fn token() -> Result<String> {
    random::<TOKEN_BYTES>()
}

/// Whether a text has the form of a token.
pub(super) fn is_token(text: &str) -> bool {
    is_encoded(text, TOKEN_BYTES)
}

/// Whether a text has the form of `bytes` encoded bytes.
pub(super) fn is_encoded(text: &str, bytes: usize) -> bool {
    text.len() == (bytes * 4).div_ceil(3)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Stored hash of a secret: SHA-256 in hexadecimal. A salt is not needed because the secrets are random.
pub(super) fn hash(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret.as_bytes()))
}
