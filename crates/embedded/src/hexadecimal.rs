//! Bytes as hexadecimal digits, and random ones for names and passwords.

use std::io;

/// `bytes` random bytes, as hexadecimal digits.
pub(crate) fn hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(to_hex(&random))
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_hex() {
        assert_eq!(to_hex(&[0, 10, 255]), "000aff");
        let (one, other) = (hex(24).unwrap(), hex(24).unwrap());
        assert_eq!(one.len(), 48);
        assert_ne!(one, other);
    }
}
