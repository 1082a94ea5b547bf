//! Signing keys as the text of a variable: block by block, so that what is not touched stays as it is.

use anyhow::{Context, Result, bail};
use grantd_core::{
    Algorithm, PublicKey, Secret, Timestamp,
    jose::{PemKeys, read_keys},
};
use zeroize::Zeroizing;

const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Keys one behind the other, each with the lines that stand before it.
#[derive(Default)]
pub(crate) struct KeyText(Vec<Block>);

/// One key.
pub(crate) struct Block {
    /// Its public half.
    pub(crate) key: PublicKey,
    text: Zeroizing<String>,
}

/// What a line before a key says of it (explanatory text, RFC 7468 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// When it was put behind the others.
    Added,
    /// When another of its algorithm was put before it.
    Replaced,
}

impl Since {
    const fn label(self) -> &'static str {
        match self {
            Self::Added => "Added: ",
            Self::Replaced => "Replaced: ",
        }
    }
}

impl KeyText {
    /// Reads the keys of a variable.
    pub(crate) fn parse(text: &str, passphrase: Option<&Secret>) -> Result<Self> {
        let text = Zeroizing::new(text.replace("\\n", "\n"));
        let (mut blocks, mut rest) = (Vec::new(), text.trim_start());
        while let Some(end) = block_end(rest) {
            let (block, after) = rest.split_at(end);
            rest = after.trim_start();
            if let Some(block) = Block::parse(block, passphrase)? {
                blocks.push(block);
            }
        }
        if rest.contains("-----BEGIN ") {
            bail!("a PEM block is cut off: copy the key again, as a whole");
        }
        Ok(Self(blocks))
    }

    /// The variable's new value.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|block| &**block.text).collect())
    }

    /// The key of this id.
    pub(crate) fn find(&self, kid: &str) -> Option<&Block> {
        self.0.iter().find(|block| block.key.kid() == kid)
    }

    /// The first of an algorithm.
    pub(crate) fn first_of(&self, algorithm: Algorithm) -> Option<&Block> {
        self.0.iter().find(|block| block.key.algorithm() == algorithm)
    }

    /// Whether a passphrase protects any of them (RFC 5958 section 3).
    pub(crate) fn is_protected(&self) -> bool {
        self.0.iter().any(|block| block.text.contains("-----BEGIN ENCRYPTED PRIVATE KEY"))
    }

    /// The ids of all.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|block| block.key.kid())
    }

    /// Puts keys behind the others.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Puts a key right before the first of its algorithm.
    pub(crate) fn move_first(&mut self, kid: &str) {
        let Some(from) = self.0.iter().position(|block| block.key.kid() == kid) else { return };
        let block = self.0.remove(from);
        let of_it = |other: &Block| other.key.algorithm() == block.key.algorithm();
        let to = self.0.iter().position(of_it).unwrap_or(from);
        self.0.insert(to, block);
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, kid: &str) {
        self.0.retain(|block| block.key.kid() != kid);
    }

    /// Notes a time with a key, in the place of what was noted of the kind.
    pub(crate) fn note(&mut self, kid: &str, since: Since, at: &str) {
        for block in self.0.iter_mut().filter(|block| block.key.kid() == kid) {
            let mut text = Zeroizing::new(format!("{}{at}\n", since.label()));
            for line in block.text.split_inclusive('\n') {
                if !line.starts_with(since.label()) {
                    text.push_str(line);
                }
            }
            block.text = text;
        }
    }
}

impl Block {
    fn parse(text: &str, passphrase: Option<&Secret>) -> Result<Option<Self>> {
        // What OpenSSL prints before an EC key names a curve and no key.
        if text.contains("-----BEGIN EC PARAMETERS") {
            return Ok(None);
        }
        let PemKeys { private, public } = read_keys(text, passphrase)?;
        let key = private.first().map(grantd_core::SigningKey::public).or(public.first());
        let key = key.context("a PEM block has no key")?;
        let text = Zeroizing::new(format!("{}\n", text.trim()));
        Ok(Some(Self { key: key.clone(), text }))
    }

    /// When that was, if it was noted.
    pub(crate) fn since(&self, since: Since) -> Option<Timestamp> {
        let noted = self.text.lines().find_map(|line| line.strip_prefix(since.label()))?;
        let at: jiff::Timestamp = noted.trim().parse().ok()?;
        Some(Timestamp::from_seconds(at.as_second()))
    }
}

/// Behind the last dash of the first block.
fn block_end(text: &str) -> Option<usize> {
    let end = text.find(END)? + END.len();
    Some(end + text[end..].find(DASHES)? + DASHES.len())
}

#[cfg(test)]
mod tests {
    use grantd_core::SigningKey;

    use super::*;

    fn keys(algorithms: &[Algorithm]) -> KeyText {
        let make = |algorithm: &Algorithm| SigningKey::generate(*algorithm).unwrap();
        let pem = |key: SigningKey| key.to_pem().unwrap().reveal().to_owned();
        let text: String = algorithms.iter().map(make).map(pem).collect();
        KeyText::parse(&text.replace('\n', "\\n"), None).unwrap()
    }

    fn kids(keys: &KeyText) -> Vec<String> {
        keys.0.iter().map(|block| block.key.kid().to_owned()).collect()
    }

    #[test]
    fn a_key_goes_before_the_first_of_its_algorithm_and_others_keep_their_places() {
        let mut keys =
            keys(&[Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Es256]);
        let before = kids(&keys);
        keys.move_first(&before[3]);
        let after: Vec<_> = [0, 3, 1, 2].map(|at: usize| before[at].clone()).into();
        assert_eq!(kids(&keys), after);
        assert_eq!(kids(&KeyText::parse(&keys.text(), None).unwrap()), after, "written and read");
    }

    #[test]
    fn a_note_is_read_again_and_takes_the_place_of_the_last_one() {
        let mut keys = keys(&[Algorithm::Es256]);
        let kid = keys.0[0].key.kid().to_owned();
        assert_eq!(keys.0[0].since(Since::Added), None);
        for second in [10, 20] {
            keys.note(&kid, Since::Added, &format!("1970-01-01T00:00:{second}Z"));
        }
        let read = KeyText::parse(&keys.text(), None).unwrap();
        assert_eq!(read.0[0].since(Since::Added), Some(Timestamp::from_seconds(20)));
        assert_eq!(keys.text().matches("Added").count(), 1);
    }

    #[test]
    fn a_block_that_is_cut_off_is_refused() {
        let text = keys(&[Algorithm::Es256]).text();
        assert!(KeyText::parse(&text[..text.len() - 20], None).is_err());
    }
}
