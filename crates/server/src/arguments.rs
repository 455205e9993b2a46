//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;
use kernel::currency::Currency;

/// Ayni: the back office of a microfinance institution. One binary, one Postgres, a JSON API.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 110)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API
    Serve(Serve),
    /// Show a believable institution: loads it into an empty database and serves it
    Demo(Demo),
    /// Bring a database of your own up to date: makes the roles and tables; run it as the owner
    Migrate(Migrate),
    /// Close business days that are over; safe to run twice
    CloseDay(CloseDay),
    /// Prove the books; ends with an error and the first offender where they are wrong
    Verify(Database),
    /// Look over database, settings and books, and say how to mend what is wrong
    Doctor(Database),
    /// Print the OpenAPI document
    Openapi,
    /// Print the completions for a shell
    Completions { shell: Shell },
}

/// The password of every user of the demo; printed in the documentation.
pub const DEMO_PASSWORD: &str = "ayni-demo-2026";

/// Who may sign in with it.
pub const DEMO_USERS: [&str; 4] = ["officer", "manager", "accountant", "admin"];

/// Which database to work with.
#[derive(Debug, Clone, Args)]
pub struct Database {
    /// A Postgres of your own; left out, Ayni runs a private one in its data directory
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// Where the private Postgres keeps its data
    #[arg(long, env = "AYNI_DATA_DIR", value_name = "DIR", default_value = "ayni-data")]
    pub data_dir: PathBuf,

    /// Do not fetch a Postgres where none is installed
    #[arg(long)]
    pub no_fetch: bool,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    #[command(flatten)]
    pub database: Database,

    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "AYNI_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Allow business days after today's calendar day to be closed: for trials only
    #[arg(long)]
    pub sandbox_clock: bool,

    /// Serve although the database user could change history
    #[arg(long)]
    pub allow_owner: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Serve {
    #[command(flatten)]
    pub serving: Serving,

    /// The first business date of an empty database (default: today)
    #[arg(long, env = "AYNI_BUSINESS_DATE", value_name = "DATE")]
    pub business_date: Option<NaiveDate>,

    /// The base currency of an empty database
    #[arg(long, env = "AYNI_CURRENCY", value_name = "CODE", default_value = "USD")]
    pub currency: Currency,

    /// What to log: error, warn, info, debug, or a filter such as db=debug,info
    #[arg(long, env = "AYNI_LOG", value_name = "FILTER", default_value = "info,tokio_postgres=warn")]
    pub log: String,
}

#[derive(Debug, Clone, Args)]
pub struct Demo {
    #[command(flatten)]
    pub serving: Serving,

    /// How many clients an empty database gets, and seven loans for six of them
    #[arg(long, value_name = "COUNT", default_value = "600", value_parser = value_parser!(u32).range(30..=6000))]
    pub clients: u32,

    /// Which institution an empty database gets: the same number gives the same one
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub seed: u64,

    /// The base currency of an empty database; the figures are those of Kenyan shillings
    #[arg(long, env = "AYNI_CURRENCY", value_name = "CODE", default_value = "KES")]
    pub currency: Currency,

    /// What to log: error, warn, info, debug, or a filter such as db=debug,info
    #[arg(long, env = "AYNI_LOG", value_name = "FILTER", default_value = "warn")]
    pub log: String,
}

#[derive(Debug, Clone, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub database: Database,

    /// The password that the serving role ayni_app shall have (environment only)
    #[arg(long, env = "AYNI_APP_PASSWORD", hide_env_values = true, hide = true)]
    pub app_password: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct CloseDay {
    #[command(flatten)]
    pub database: Database,

    /// The last day to close (default: yesterday)
    #[arg(long, value_name = "DATE")]
    pub through: Option<NaiveDate>,

    /// Allow days after today's calendar day: for trials only
    #[arg(long)]
    pub sandbox_clock: bool,
}
