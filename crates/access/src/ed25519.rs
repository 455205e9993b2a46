//! The one algorithm that jsonwebtoken is given here: EdDSA over Ed25519.
//!
//! The providers that come with that crate bring RSA, with a known timing weakness, or a C library, and algorithms that must
//! not exist here. This one refuses every other algorithm before it looks at a key. Keys are 32 raw bytes on both sides, as
//! the database keeps them: the crate only carries them, and no wrapping has to be made and read again for each token.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // They serve keys that are published or read as JSON, which nobody asks of this server.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Gives the process its provider. Every call but the first finds it there already, and that is all it wants.
pub fn install() {
    let _ = PROVIDER.install_default();
}

/// Both keys from the secret: what signs, and what checks.
pub fn keys(secret: &[u8; 32]) -> (EncodingKey, DecodingKey) {
    (EncodingKey::from_ed_der(secret), DecodingKey::from_ed_der(&public(secret)))
}

pub fn public(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

struct Signing(SigningKey);

struct Verifying(VerifyingKey);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    only_eddsa(algorithm)?;
    let secret = key.as_bytes().try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Signing(SigningKey::from_bytes(secret))))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    only_eddsa(algorithm)?;
    let public = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Verifying(VerifyingKey::from_bytes(public).map_err(|_| ErrorKind::InvalidEddsaKey)?)))
}

fn only_eddsa(algorithm: &Algorithm) -> Result<()> {
    if *algorithm == Algorithm::EdDSA { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

impl Signer<Vec<u8>> for Signing {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Verifying {
    /// Strict: no weak keys, and one signature for one text, not several that say the same.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let signature = Signature::from_slice(signature).map_err(|_| signature::Error::new())?;
        self.0.verify_strict(message, &signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Signing {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl JwtVerifier for Verifying {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
