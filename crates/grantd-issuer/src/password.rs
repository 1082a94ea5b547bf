//! Passwords of people: what one must be, and what is kept of it (Argon2id, RFC 9106).

use std::{fmt, str::FromStr};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash as Phc,
};
use grantd_core::Secret;

/// OWASP's parameters for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash that no password has, of today's parameters: comparing with it costs the same.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Z3JhbnRkIG5vYm9keSAhIQ$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password that somebody may choose, in clear: never printed, wiped when dropped.
#[derive(Clone, Debug)]
pub struct Password(Secret);

/// Why a text may not be chosen as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least {min} characters and at most {max} bytes", min = Password::MIN_CHARACTERS, max = Password::MAX_BYTES)]
pub struct PasswordRefused;

impl Password {
    /// The fewest characters; there are no other rules (NIST SP 800-63B section 5.1.1.2).
    pub const MIN_CHARACTERS: usize = 10;
    /// The most bytes.
    pub const MAX_BYTES: usize = 1000;

    /// Takes a password that somebody has chosen.
    pub fn choose(text: Secret) -> Result<Self, PasswordRefused> {
        let long_enough = text.reveal().chars().count() >= Self::MIN_CHARACTERS;
        let short_enough = text.reveal().len() <= Self::MAX_BYTES;
        if long_enough && short_enough { Ok(Self(text)) } else { Err(PasswordRefused) }
    }
}

/// What is kept of a password: an Argon2id hash with its salt and parameters, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// The hash could not be computed: there is not memory enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password cannot be hashed: is there memory enough?")]
pub struct HashingFailed;

impl PasswordHash {
    /// Hashes a password: some 20 ms of a core and 19 MiB, so never on a thread that others wait for.
    pub fn of(password: &Password, salt: [u8; 16]) -> Result<Self, HashingFailed> {
        let text = password.0.reveal().as_bytes();
        let hashed: Result<Phc, _> = hasher()?.hash_password_with_salt(text, &salt);
        hashed.map(|hash| Self(hash.to_string())).map_err(|_| HashingFailed)
    }

    /// A hash that no password has and that costs as much to compare with as any other.
    pub fn nobody() -> Self {
        Self(NOBODY.to_owned())
    }

    /// Whether this is the password; costs as much as [`PasswordHash::of`]. A text longer than any
    /// password is not looked at.
    pub fn matches(&self, typed: &Secret) -> bool {
        let typed = typed.reveal().as_bytes();
        let Ok(kept) = Phc::new(&self.0) else { return false };
        typed.len() <= Password::MAX_BYTES
            && Argon2::default().verify_password(typed, &kept).is_ok()
    }

    /// Whether it was made with other parameters than today's and should be made anew.
    pub fn is_outdated(&self) -> bool {
        let params = Phc::new(&self.0).ok().and_then(|hash| Params::try_from(&hash).ok());
        params.is_none_or(|known| {
            (known.m_cost(), known.t_cost(), known.p_cost()) != (MEMORY_KIB, PASSES, LANES)
        })
    }

    /// The PHC string, for a row.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

/// Not an Argon2id hash as a PHC string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Argon2id hash as a PHC string")]
pub struct PasswordHashError;

impl FromStr for PasswordHash {
    type Err = PasswordHashError;

    fn from_str(text: &str) -> Result<Self, PasswordHashError> {
        let hash = Phc::new(text).map_err(|_| PasswordHashError)?;
        if hash.algorithm.as_str() == "argon2id" && hash.hash.is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordHashError)
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn hasher() -> Result<Argon2<'static>, HashingFailed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingFailed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc::Output;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn hash_of(text: &str) -> PasswordHash {
        PasswordHash::of(&Password::choose(secret(text)).unwrap(), [7; 16]).unwrap()
    }

    #[test]
    fn only_length_is_asked_of_a_password() {
        for good in ["0123456789", "          ", "ééééééééée", &"a".repeat(1000)] {
            assert!(Password::choose(secret(good)).is_ok(), "{good:?}");
        }
        for bad in ["", "012345678", "ééééééééé", &"a".repeat(1001), &"é".repeat(501)] {
            assert_eq!(Password::choose(secret(bad)).err(), Some(PasswordRefused), "{bad:?}");
        }
    }

    #[test]
    fn the_password_matches_its_hash_and_no_other_does() {
        let hash = hash_of("correct horse");
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
        assert!(hash.matches(&secret("correct horse")));
        for wrong in ["correct hors", "Correct horse", "", &"a".repeat(5000)] {
            assert!(!hash.matches(&secret(wrong)), "{wrong:?}");
        }
        assert!(!hash.is_outdated());
        assert_eq!(hash.as_phc().parse::<PasswordHash>().unwrap(), hash);
    }

    #[test]
    fn nobody_s_hash_is_one_of_today_s_and_matches_nothing() {
        let nobody = PasswordHash::nobody();
        let parsed = Phc::new(nobody.as_phc()).unwrap();
        let real = hash_of("0123456789");
        let real = Phc::new(real.as_phc()).unwrap();
        assert!(!nobody.is_outdated() && !nobody.matches(&secret("0123456789")));
        assert_eq!((parsed.version, &parsed.params), (real.version, &real.params));
        let length = |hash: &Phc| {
            (hash.salt.as_ref().map(|salt| salt.len()), hash.hash.as_ref().map(Output::len))
        };
        assert_eq!(length(&parsed), length(&real));
    }

    #[test]
    fn weaker_parameters_still_match_and_are_outdated() {
        let weak =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let hash: Phc = weak.hash_password_with_salt(b"0123456789", &[7; 16]).unwrap();
        let hash: PasswordHash = hash.to_string().parse().unwrap();
        assert!(hash.matches(&secret("0123456789")) && hash.is_outdated());
    }

    #[test]
    fn what_is_no_hash_is_refused_and_nothing_prints_one() {
        for text in [
            "",
            "plain",
            "$2b$12$abc",
            "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAA",
        ] {
            assert!(text.parse::<PasswordHash>().is_err(), "{text}");
        }
        let printed =
            format!("{:?} {:?}", hash_of("0123456789"), Password::choose(secret("0123456789")));
        assert_eq!(printed, "PasswordHash(…) Ok(Password(Secret(…)))");
    }
}
