//! `ayni serve`

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use access::tokens::Tokens;
use api::app::{App, Lanes, Services};
use db::lane::InFlight;
use db::pool::{CONNECTIONS, Pool};
use db::tx::Tx;
use org::settings::Settings;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::arguments::{Serve, Serving};
use crate::failure::Failure;
use crate::house::House;

pub async fn run(arguments: Serve) -> Result<ExitCode, Failure> {
    crate::logging::start(&arguments.log)?;
    // Before the database is touched: a busy port is the commonest mistake.
    let listener = listen(&arguments.serving).await?;
    let mut house = House::open(&arguments.serving.database, true).await?;
    let pool = pool(&house, &arguments.serving).await?;
    if let Some(password) = furnish(&pool, &arguments).await? {
        println!("The user admin has the password {password} (it is not shown again).");
    }
    let app = app(pool, &arguments.serving).await?;
    let address = address(&listener, &arguments.serving)?;
    let mut stopping = Stopping::listen()?;
    println!("Ayni serves on http://{address}: the reference is at /docs. Stop it with Ctrl-C.");
    let served = serve_until_stopped(listener, app, &mut house, &mut stopping).await;
    house.close().await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

pub async fn listen(serving: &Serving) -> Result<TcpListener, Failure> {
    // Started twice, both are taken: the directory is the one that says what happened.
    if serving.database.database_url.is_none() {
        embedded::cluster::refuse_in_use(&serving.database.data_dir)?;
    }
    TcpListener::bind(serving.listen).await.map_err(|cause| not_listening(serving, cause))
}

/// Where it listens: of port 0, the one that was free.
pub fn address(listener: &TcpListener, serving: &Serving) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|cause| not_listening(serving, cause))
}

fn not_listening(serving: &Serving, cause: std::io::Error) -> Failure {
    Failure::Listen { address: serving.listen.to_string(), cause }
}

/// The connections of a database that may be served.
pub async fn pool(house: &House, serving: &Serving) -> Result<Pool, Failure> {
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    check(&pool, serving.allow_owner).await?;
    Ok(pool)
}

/// Furnishes an empty database. Gives the password of the user admin, where it was made at random.
async fn furnish(pool: &Pool, arguments: &Serve) -> Result<Option<String>, Failure> {
    crate::demo::found::refuse_part(pool).await?;
    let password = std::env::var("AYNI_ADMIN_PASSWORD").ok().filter(|text| !text.is_empty()).map(SecretString::from);
    let business_date = arguments.business_date.unwrap_or_else(db::clock::today);
    crate::house::furnish(pool, arguments.currency, business_date, password).await
}

/// The lanes of a furnished database, and what else the handlers need.
pub async fn app(pool: Pool, serving: &Serving) -> Result<App, Failure> {
    let tx = Tx::begin_reading(&pool).await?;
    let tokens = Tokens::try_new(&access::setup::signing_keys(&tx).await?)?;
    let base_currency = Settings::read(&tx).await?.base_currency;
    drop(tx);
    let in_flight = InFlight::default();
    let lanes = Arc::new(Lanes::start(&pool, &in_flight, (api::render::desk, api::render::office)));
    let metrics = crate::measures::start()?;
    let closer = Arc::new(Notify::new());
    let sandbox_clock = serving.sandbox_clock;
    let main = tokio::runtime::Handle::current();
    let services = Services { pool, tokens, lanes, in_flight, main, base_currency, metrics, closer, sandbox_clock };
    Ok(App::new(services))
}

/// The serving role must not be able to change history, and the schema must be the one that this program knows.
async fn check(pool: &Pool, allow_owner: bool) -> Result<(), Failure> {
    let session = pool.session().await?;
    let pending = db::migrations::pending(&session).await?;
    if !pending.is_empty() {
        return Err(Failure::NotMigrated(pending.join(", ")));
    }
    if !db::fault::speaks_english(&session).await {
        return Err(Failure::Said(crate::house::NOT_ENGLISH.to_owned()));
    }
    let role = session
        .query_one(
            "select current_user::text as name,
                    rolsuper or exists (select from pg_tables where tablename = 'journal_entry'
                                        and pg_has_role(current_user, tableowner, 'usage')) as mighty
             from pg_roles where rolname = current_user",
            &[],
        )
        .await?;
    if role.get("mighty") && !allow_owner {
        return Err(Failure::TooMighty(role.get("name")));
    }
    Ok(())
}

/// Serves, and works off what waits, until Ctrl-C or SIGTERM, or until the private Postgres has died.
pub async fn serve_until_stopped(
    listener: TcpListener,
    app: App,
    house: &mut House,
    stopping: &mut Stopping,
) -> Result<(), Failure> {
    tokio::spawn(crate::housekeeping::run(app.pool.clone(), app.closer.clone()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut serving = tokio::spawn(api::serve::serve(listener, app, async {
        // Sent or dropped: both mean stop.
        let _ = stopped.await;
    }));
    let stopped = tokio::select! {
        stopped = until_stopped(house, stopping) => stopped,
        // A process that serves nothing must not look alive.
        _ = &mut serving => return Err(Failure::Said("the server ended by itself: its log says why".to_owned())),
    };
    drop(stop);
    let _ = serving.await;
    stopped
}

/// Ends when somebody asks for it, and fails when the private Postgres has died.
pub async fn until_stopped(house: &mut House, stopping: &mut Stopping) -> Result<(), Failure> {
    tokio::select! {
        () = stopping.asked() => Ok(()),
        failure = watch(house) => Err(failure),
    }
}

async fn watch(house: &mut House) -> Failure {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(failure) = house.death() {
            return failure;
        }
    }
}

/// Ctrl-C and SIGTERM, heard from the moment this is made: a person who reads that Ayni serves may stop it at once, in good order.
#[derive(Debug)]
pub struct Stopping {
    interrupt: Signal,
    terminate: Signal,
}

impl Stopping {
    pub fn listen() -> Result<Stopping, Failure> {
        let hear = |kind| signal(kind).map_err(|cause| Failure::Said(format!("signals cannot be heard: {cause}")));
        Ok(Stopping { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
