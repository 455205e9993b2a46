//! A scanner for the string literals of Rust source: enough to find SQL.

/// The text before its test module.
pub fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// The string literals that are SQL statements.
pub fn statements(text: &str) -> Vec<String> {
    strings(text).into_iter().filter(|literal| is_statement(literal)).collect()
}

fn is_statement(literal: &str) -> bool {
    let words: Vec<&str> = literal.split_whitespace().collect();
    let telling = |at: usize, words_at: &[&str]| words.get(at).is_some_and(|word| words_at.contains(word));
    match words.first() {
        // "select" alone may begin a sentence; with one of these it is SQL.
        Some(&"select") => words.len() > 1 && !telling(1, &["a", "the", "an"]),
        Some(&"insert") => telling(1, &["into"]),
        Some(&"update") => words.contains(&"set"),
        Some(&"delete") => telling(1, &["from"]),
        Some(&"with") => {
            words.contains(&"as")
                && words.iter().any(|word| {
                    word.ends_with("(select") || matches!(*word, "select" | "(insert" | "(delete" | "insert")
                })
        }
        _ => false,
    }
}

/// All string literals, with their escapes carried out. Comments, characters and lifetimes are passed over.
pub fn strings(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => at = end_of_line(&chars, at),
            ('r', Some('"' | '#')) if at == 0 || !is_word(chars[at - 1]) => match raw(&chars, at) {
                Some((literal, next)) => {
                    found.push(literal);
                    at = next;
                }
                None => at += 1,
            },
            ('"', _) => {
                let (literal, next) = plain(&chars, at + 1);
                found.push(literal);
                at = next;
            }
            // A character, not a lifetime: 'x' or '\x'.
            ('\'', Some('\\')) => {
                at = chars[at + 2..].iter().position(|c| *c == '\'').map_or(chars.len(), |end| at + 3 + end)
            }
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at += 3,
            _ => at += 1,
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |end| at + end)
}

fn plain(chars: &[char], mut at: usize) -> (String, usize) {
    let mut literal = String::new();
    while at < chars.len() && chars[at] != '"' {
        if chars[at] == '\\' {
            at += 1;
            match chars.get(at) {
                Some('\n') => {
                    while chars.get(at + 1).is_some_and(|c| c.is_whitespace()) {
                        at += 1;
                    }
                }
                Some('n') => literal.push('\n'),
                Some(c) => literal.push(*c),
                None => {}
            }
        } else {
            literal.push(chars[at]);
        }
        at += 1;
    }
    (literal, at + 1)
}

fn raw(chars: &[char], at: usize) -> Option<(String, usize)> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let begin = at + 1 + hashes;
    if chars.get(begin) != Some(&'"') {
        return None;
    }
    let is_end =
        |end: usize| chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    let end = (begin + 1..chars.len()).find(|end| is_end(*end))?;
    Some((chars[begin + 1..end].iter().collect(), end + 1 + hashes))
}

#[test]
fn the_scanner_reads_rust() {
    let source = r##"
        // "select no" in a comment
        let a: &'static str = "select \"x\" from y
            where z"; let c = '"'; let d = '\''; fn f<'a>(x: &'a str) {}
        let e = r#"insert into "t" values ($1)"#; let g = "with a as (select 1) \
            select * from a"; let h = "update is a word"; let i = "select a branch";
    "##;
    let found = statements(source);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].starts_with("select \"x\"") && found[1].ends_with("($1)") && found[2].ends_with("from a"),
        "{found:?}"
    );
}
