//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.

use std::borrow::Cow;

use db::fault::Fault;

/// A text that a person wrote. A spreadsheet takes one that begins like a formula for one and runs it (OWASP, CSV injection); an
/// apostrophe in front makes it a text again.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Rows as a file. Amounts and dates go in as they are; texts through [`guarded`].
pub fn write<'a, Row: IntoIterator<Item = Cow<'a, str>>>(rows: impl IntoIterator<Item = Row>) -> Result<String, Fault> {
    let failed = |error: &dyn std::fmt::Display| Fault::Invariant(format!("a table cannot be written as CSV: {error}"));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(|cell| cell.into_owned())).map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_a_text() {
        for text in ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        assert_eq!(guarded("Cash = king"), "Cash = king");
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let rows = [vec!["1010".into(), "Vault, \"big\"".into()], vec!["1020".into(), "-5.00".into()]];
        assert_eq!(write(rows).unwrap(), "1010,\"Vault, \"\"big\"\"\"\r\n1020,-5.00\r\n");
    }
}
