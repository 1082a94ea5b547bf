//! Where randomness comes from: the only file of the server that draws it.

use aws_lc_rs::rand;

/// Gives random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the slice with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// The crypto library's generator, seeded by the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the one room that draws randomness")]
        let filled = rand::fill(bytes);
        // Without randomness every secret would be a lie: stopping is the only safe answer.
        assert!(filled.is_ok(), "the kernel gives no randomness");
    }
}

/// So many random bytes.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
