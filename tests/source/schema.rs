//! The crate `schema` is what the catalogue of a migrated database says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{repository, rust_files};
use crate::harness::*;
use crate::house::contract::committed;

const COLUMNS: &str = "select c.relname::text, a.attname::text, format_type(a.atttypid, null), not a.attnotnull,
       coalesce((select array_agg(k.attname::text order by p.n) from pg_index i, unnest(i.indkey) with ordinality p (attnum, n)
                 join pg_attribute k on k.attrelid = c.oid and k.attnum = p.attnum where i.indrelid = c.oid and i.indisprimary), '{}')
     from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
     order by c.relname, a.attnum";

/// Foreign keys of one column. Where two go from one table to another, diesel could not tell which is meant, and none is told.
const KEYS: &str = "select c.conrelid::regclass::text, c.confrelid::regclass::text, min(a.attname)::text
     from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
     where c.contype = 'f' and cardinality(c.conkey) = 1 and c.conrelid <> c.confrelid and c.conparentid = 0
       and c.connamespace = current_schema()::regnamespace
     group by 1, 2 having count(*) = 1 order by 1, 2";

/// A table: the lines of its columns, and its key.
type Table = (Vec<String>, Vec<String>);

fn sql_type(name: &str, nullable: bool) -> String {
    let scalar = match name.trim_end_matches("[]") {
        "boolean" => "Bool",
        "smallint" => "SmallInt",
        "integer" => "Integer",
        "bigint" => "BigInt",
        "text" | "character varying" | "character" => "Text",
        "uuid" => "Uuid",
        "date" => "Date",
        "timestamp with time zone" => "Timestamptz",
        "numeric" => "Numeric",
        "jsonb" => "Jsonb",
        "json" => "Json",
        "bytea" => "Binary",
        other => panic!("no SQL type of diesel's is known for {other}"),
    };
    let whole = if name.ends_with("[]") { format!("Array<{scalar}>") } else { scalar.to_owned() };
    if nullable { format!("Nullable<{whole}>") } else { whole }
}

/// Which migration makes a table: the module in which it stands.
fn modules() -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    let mut files: Vec<_> =
        std::fs::read_dir(repository().join("migrations")).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_stem().unwrap().to_string_lossy();
        let module = name.split_once('_').unwrap().1;
        let text = std::fs::read_to_string(file).unwrap();
        for part in text.split("create table ").skip(1) {
            let table: String = part
                .trim_start_matches("if not exists ")
                .chars()
                .take_while(|one| one.is_alphanumeric() || *one == '_')
                .collect();
            modules.entry(table).or_insert_with(|| module.to_owned());
        }
    }
    modules
}

fn tables(database: &Database) -> BTreeMap<String, Table> {
    let owner = database::connect_to(&database.owner_url());
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in database::block_on(owner.query(COLUMNS, &[])).unwrap() {
        let (table, column, kind, nullable): (String, String, String, bool) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let entry = tables.entry(table).or_default();
        entry.0.push(format!("        {column} -> {},", sql_type(&kind, nullable)));
        entry.1 = row.get(4);
    }
    tables
}

fn print_tables(tables: &[(&String, &Table)]) -> String {
    let mut text = String::new();
    for (name, (columns, key)) in tables {
        // diesel wants a key named also where a table has none.
        let first = || vec![columns[0].trim().split(" ->").next().unwrap().to_owned()];
        let key = if key.is_empty() { first() } else { key.clone() };
        let lines = columns.join("\n");
        write!(text, "\ndiesel::table! {{\n    {name} ({}) {{\n{lines}\n    }}\n}}\n", key.join(", ")).unwrap();
    }
    text
}

fn print_keys(database: &Database) -> String {
    let owner = database::connect_to(&database.owner_url());
    let (mut text, mut pairs) = (String::new(), BTreeSet::new());
    for row in database::block_on(owner.query(KEYS, &[])).unwrap() {
        let (child, parent, column): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if pairs.contains(&(parent.clone(), child.clone())) {
            continue;
        }
        writeln!(text, "diesel::joinable!({child} -> {parent} ({column}));").unwrap();
        writeln!(text, "diesel::allow_tables_to_appear_in_same_query!({child}, {parent});").unwrap();
        pairs.insert((child, parent));
    }
    text
}

#[test]
fn the_committed_schema_is_that_of_the_catalogue() {
    let database = Database::empty();
    let (tables, modules) = (tables(&database), modules());
    let mut of_module: BTreeMap<&str, Vec<(&String, &Table)>> = BTreeMap::new();
    for (name, table) in &tables {
        // Where the migrations note themselves.
        if name != "schema_migration" {
            of_module.entry(&modules[name]).or_default().push((name, table));
        }
    }
    let mut root = String::from(
        "//! The tables as diesel knows them, printed from the catalogue of a migrated database: a test compares them, and writes them anew.\n\n",
    );
    for (module, tables) in &of_module {
        let text = format!("//! The tables of `migrations/*_{module}.sql`.\n{}", print_tables(tables));
        committed(&format!("crates/schema/src/{module}.rs"), &text);
        write!(root, "mod {module};\npub use {module}::*;\n\n").unwrap();
    }
    root.push_str(&print_keys(&database));
    committed("crates/schema/src/lib.rs", &root);
    assert_eq!(rust_files("crates/schema").len(), of_module.len() + 1, "a file that nobody prints");
}
