//! Numbers on their way into a narrower type: from a column, or into one.

use crate::fault::Fault;

/// The number, where it fits. One that does not is never bent until it does: a stored number that is not what it was would go
/// on as if it were right. `what` names the column.
pub fn narrow<T>(value: impl TryInto<T> + Copy + std::fmt::Display, what: &'static str) -> Result<T, Fault> {
    value.try_into().map_err(|_| Fault::Invariant(format!("{what} cannot be {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_comes_through_and_what_does_not_is_named() {
        assert_eq!(narrow::<u32>(7_i16, "loan.instalments").unwrap(), 7);
        assert_eq!(narrow::<i16>(32_767_u32, "loan.instalments").unwrap(), i16::MAX);
        for fault in
            [narrow::<i16>(32_768_u32, "loan.instalments").err(), narrow::<u8>(-1_i16, "loan.instalments").err()]
        {
            let Some(Fault::Invariant(text)) = fault else { panic!("{fault:?}") };
            assert!(text.starts_with("loan.instalments cannot be "), "{text}");
        }
    }
}
