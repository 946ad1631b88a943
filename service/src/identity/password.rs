//! Passwords: their rules, and their hashes (Argon2id, RFC 9106), of which few are computed at a time.

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::phc::{ParamsString, PasswordHash},
};
use engine::{
    error::{Error, Result},
    reason::Reason,
};
use tokio::sync::{Semaphore, oneshot};

/// Minimum length of a password in characters.
pub const MIN_LENGTH: usize = 12;

/// Maximum length of a password in characters.
pub const MAX_LENGTH: usize = 128;

/// Maximum number of requests that wait for a hash.
const MAX_WAITING: usize = 32;

/// Niceness of a thread that computes a hash: the lowest priority.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;

/// Seconds after which a request may succeed that was rejected because too many were waiting.
const RETRY_AFTER: u32 = 5;

/// Salt of the hash that is verified in place of the hash of an unknown account.
const PLACEHOLDER_SALT: [u8; 16] = *b"salesgraph-nobod";

/// Computes password hashes: at most one at a time per two cores, so that sign-ins do not slow down other requests.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    computing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// The result of a successful verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the hash was made by another algorithm or with other parameters and should be replaced.
    pub is_outdated: bool,
}

impl Default for PasswordHasher {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let computing = (cores / 2).max(1);
        Self {
            computing: Arc::new(Semaphore::new(computing)),
            waiting: Arc::new(Semaphore::new(computing + MAX_WAITING)),
        }
    }
}

impl PasswordHasher {
    /// The hash of a password, as a PHC string.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if too many requests are waiting.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(|error| Error::internal(error.to_string()))?;
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            Ok(hash.map_err(|error| Error::internal(error.to_string()))?.to_string())
        })
        .await
    }

    /// Verifies a password; `None` if it is wrong. Without a hash, the same work is done for nothing, so that the
    /// duration does not show whether an account exists.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if too many requests are waiting.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Option<Verified>> {
        self.run(move || {
            let Some(hash) = hash else {
                let _ = is_argon2_hash_of(&password, placeholder());
                return Ok(None);
            };
            if is_bcrypt(&hash) {
                let is_right = bcrypt::verify(password.as_bytes(), &hash).unwrap_or(false);
                return Ok(is_right.then_some(Verified { is_outdated: true }));
            }
            let is_right = is_argon2_hash_of(&password, &hash);
            Ok(is_right.then(|| Verified { is_outdated: !has_current_parameters(&hash) }))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let busy = || Error::RateLimited {
            reason: Reason::TooManyRequests,
            message: "too many people are signing in at the moment; retry in a few seconds"
                .to_owned(),
            retry_after: RETRY_AFTER,
        };
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let turn = Arc::clone(&self.computing).acquire_owned().await.map_err(|_| busy())?;
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::Builder::new().name("password hash".to_owned());
        let begun = thread.spawn(move || {
            // Held until the work has ended, even if the client disconnects.
            let _turn = turn;
            lower_priority();
            let _ = sender.send(work());
        });
        begun.map_err(|error| Error::internal(error.to_string()))?;
        receiver.await.map_err(|error| Error::internal(error.to_string()))?
    }
}

/// Lowers the priority of this thread, so that other requests have the processor first.
fn lower_priority() {
    // On other systems, this would lower the priority of the process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "failed to lower the priority of a password hash");
    }
}

/// Whether a stored hash was made by bcrypt, as in imported accounts.
fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|mark| hash.starts_with(mark))
}

fn is_argon2_hash_of(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether a hash has the algorithm and the parameters of new hashes, which are those that OWASP recommends: 19 MiB of
/// memory, 2 iterations, 1 lane.
fn has_current_parameters(hash: &str) -> bool {
    let current = ParamsString::try_from(Argon2::default().params());
    PasswordHash::new(hash).is_ok_and(|hash| {
        hash.algorithm.as_str() == "argon2id" && current.is_ok_and(|current| hash.params == current)
    })
}

/// A hash of no account, with the parameters of new hashes.
fn placeholder() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let hash = Argon2::default().hash_password_with_salt(b"", &PLACEHOLDER_SALT);
        hash.map(|hash| hash.to_string()).unwrap_or_default()
    });
    &HASH
}

/// Checks the rules of passwords.
///
/// # Errors
/// [`Error::Invalid`] if the password is too short or too long, has a control character, or contains the name part of
/// the e-mail address.
pub fn check(password: &str, email: &str) -> Result<()> {
    let wrong =
        |message: String| Err(Error::invalid(Reason::PasswordNotAllowed, "password", message));
    let length = password.chars().count();
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) || password.contains(char::is_control) {
        return wrong(format!(
            "the password must have {MIN_LENGTH} to {MAX_LENGTH} characters and no control characters"
        ));
    }
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    if name.chars().count() >= 4 && password.to_lowercase().contains(&name) {
        return wrong("the password must not contain the e-mail address".to_owned());
    }
    let first = password.chars().next();
    if password.chars().all(|letter| Some(letter) == first) {
        return wrong("the password must not repeat a single character".to_owned());
    }
    Ok(())
}
