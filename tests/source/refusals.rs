//! What a refusal says of itself.

use super::rust_files;

/// The bodies of the methods of a source that begin like this.
fn bodies<'a>(source: &'a str, begins: &str) -> Vec<&'a str> {
    let begins = format!("\n    {begins}");
    let methods = source.split(begins.as_str()).skip(1);
    methods.map(|rest| rest.split("\n    }\n").next().unwrap_or_default()).collect()
}

/// A new variant must be thought about: which status it has, and which place in the request it is about.
#[test]
fn kinds_and_pointers_list_every_variant() {
    let (mut seen, mut lax) = (0, Vec::new());
    for (path, text) in rust_files("crates") {
        for body in
            ["fn kind(&self) -> Kind", "fn pointer(&self) -> Option"].map(|begins| bodies(&text, begins)).concat()
        {
            seen += 1;
            if body.contains("_ =>") {
                lax.push(path.clone());
            }
        }
    }
    assert!(seen > 10, "the sources are read wrongly: {seen}");
    assert!(lax.is_empty(), "variants that are not listed: {lax:?}");
}
