//! Transfers through cala-ledger, so many at once: what `bench peers` sets beside Ayni.
//!
//! The first argument is the URL of an empty database. Each line of the input is `hot|uniform CLIENTS SECONDS`; for each the
//! output has a line `REQUESTS SECONDS MEDIAN_MICROS SLOWEST_HUNDREDTH_MICROS REFUSED`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cala_ledger::account::{Account, NewAccount};
use cala_ledger::job::{JobSvcConfig, Jobs};
use cala_ledger::journal::NewJournal;
use cala_ledger::primitives::{AccountId, JournalId, TransactionId};
use cala_ledger::tx_template::{
    NewParamDefinition, NewTxTemplate, NewTxTemplateEntry, NewTxTemplateTransaction, ParamDataType, Params,
};
use cala_ledger::{CalaLedger, CalaLedgerConfig};
use rand::RngExt;
use rust_decimal::Decimal;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

/// As many as the hand-written limit has, and the hot one beside them.
const ACCOUNTS: usize = 10_000;
const TRANSFER: &str = "TRANSFER";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("the URL of an empty database is missing")?;
    let pool = PgPoolOptions::new().max_connections(40).connect(&url).await?;
    let cala = CalaLedger::init(
        CalaLedgerConfig::builder().pool(pool.clone()).exec_migrations(true).build()?,
        &mut Jobs::init(JobSvcConfig::builder().pool(pool).build()?).await?,
    )
    .await?;
    let books = Arc::new(Books::make(cala).await?);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [pattern, clients, seconds] = words[..] else { return Err(format!("not understood: {line}").into()) };
        let time = Duration::from_secs(seconds.parse()?);
        let measured = books.clone().transfer(pattern == "hot", clients.parse()?, time).await?;
        println!("{measured}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

struct Books {
    cala: CalaLedger,
    journal: JournalId,
    hot: AccountId,
    accounts: Vec<AccountId>,
}

impl Books {
    async fn make(cala: CalaLedger) -> Result<Books, Failure> {
        let journal = cala.journals().create(NewJournal::builder().id(JournalId::new()).name("bench").build()).await?;
        cala.tx_templates().create(transfer_template()?).await?;
        let mut accounts: Vec<Account> = Vec::new();
        for chunk in (0..=ACCOUNTS).collect::<Vec<_>>().chunks(500) {
            accounts.extend(cala.accounts().create_all(chunk.iter().map(new_account).collect()).await?);
        }
        let mut accounts: Vec<AccountId> = accounts.iter().map(Account::id).collect();
        let hot = accounts.pop().ok_or("no accounts")?;
        Ok(Books { cala, journal: journal.id(), hot, accounts })
    }

    /// Each client transfers one after another into the hot account, or between two random ones.
    async fn transfer(self: Arc<Self>, hot: bool, clients: usize, time: Duration) -> Result<String, Failure> {
        let began = Instant::now();
        let until = began + time;
        let running: Vec<_> = (0..clients)
            .map(|_| {
                let books = self.clone();
                tokio::spawn(async move {
                    let (mut latencies, mut refused, mut before) = (Vec::new(), 0, Instant::now());
                    while before < until {
                        let done = books.one_transfer(hot).await;
                        let after = Instant::now();
                        match done {
                            Ok(()) => latencies.push((after - before).as_micros()),
                            // A deadlock, say: the caller would come again.
                            Err(_) => refused += 1,
                        }
                        before = after;
                    }
                    (latencies, refused)
                })
            })
            .collect();
        let (mut latencies, mut refused) = (Vec::new(), 0);
        for client in running {
            let (of_client, refused_here) = client.await?;
            latencies.extend(of_client);
            refused += refused_here;
        }
        let seconds = began.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let at =
            |hundredth: usize| latencies.get(latencies.len().saturating_sub(1) * hundredth / 100).copied().unwrap_or(0);
        Ok(format!("{} {seconds} {} {} {refused}", latencies.len(), at(50), at(99)))
    }

    async fn one_transfer(&self, hot: bool) -> Result<(), Failure> {
        let (sender, recipient, amount) = {
            let mut random = rand::rng();
            let sender = random.random_range(0..self.accounts.len());
            let other = (sender + random.random_range(1..self.accounts.len())) % self.accounts.len();
            (
                self.accounts[sender],
                if hot { self.hot } else { self.accounts[other] },
                random.random_range(1..=1_000_i64),
            )
        };
        let mut params = Params::new();
        params.insert("journal_id", self.journal);
        params.insert("sender", sender);
        params.insert("recipient", recipient);
        params.insert("amount", Decimal::new(amount, 2));
        self.cala.post_transaction(TransactionId::new(), TRANSFER, params).await?;
        Ok(())
    }
}

fn new_account(number: &usize) -> NewAccount {
    NewAccount::builder().id(Uuid::new_v4()).name(format!("Account {number}")).code(format!("A{number:05}")).build()
}

/// Two lines: the sender's and the recipient's.
fn transfer_template() -> Result<NewTxTemplate, Failure> {
    let parameter = |name: &str, kind| NewParamDefinition::builder().name(name).r#type(kind).build();
    let entry = |entry_type: &str, account: &str, direction: &str| {
        NewTxTemplateEntry::builder()
            .entry_type(entry_type)
            .account_id(account)
            .layer("SETTLED")
            .direction(direction)
            .units("params.amount")
            .currency("'USD'")
            .build()
    };
    let parameters = [
        ("sender", ParamDataType::Uuid),
        ("recipient", ParamDataType::Uuid),
        ("journal_id", ParamDataType::Uuid),
        ("amount", ParamDataType::Decimal),
    ];
    let parameters: Result<Vec<_>, _> = parameters.into_iter().map(|(name, kind)| parameter(name, kind)).collect();
    let transaction =
        NewTxTemplateTransaction::builder().effective("date()").journal_id("params.journal_id").build()?;
    Ok(NewTxTemplate::builder()
        .id(Uuid::new_v4())
        .code(TRANSFER)
        .params(parameters?)
        .transaction(transaction)
        .entries(vec![
            entry("'TRANSFER_DEBIT'", "params.sender", "DEBIT")?,
            entry("'TRANSFER_CREDIT'", "params.recipient", "CREDIT")?,
        ])
        .build())
}
