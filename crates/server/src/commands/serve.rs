//! `ayni serve`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use access::tokens::Tokens;
use api::app::{App, Lanes};
use db::lane::InFlight;
use db::pool::{CONNECTIONS, Pool};
use db::tx::Tx;
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::arguments::Serve;
use crate::failure::Failure;
use crate::house::House;

pub async fn run(arguments: Serve) -> Result<ExitCode, Failure> {
    crate::logging::start(&arguments.log)?;
    // Before the database is touched: a busy port is the commonest mistake.
    let listener = listen(&arguments).await?;
    let mut house = House::open(&arguments.database, true).await?;
    let app = open(&house, &arguments).await?;
    if let Some(password) = &app.first_password {
        println!("The user admin has the password {password} (it is not shown again).");
    }
    let address =
        listener.local_addr().map_err(|cause| Failure::Listen { address: arguments.listen.to_string(), cause })?;
    println!("Ayni serves on http://{address}: the reference is at /docs. Stop it with Ctrl-C.");
    let served = serve_until_stopped(listener, app.app, &mut house).await;
    house.close().await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

pub async fn listen(arguments: &Serve) -> Result<TcpListener, Failure> {
    TcpListener::bind(arguments.listen)
        .await
        .map_err(|cause| Failure::Listen { address: arguments.listen.to_string(), cause })
}

pub struct Opened {
    pub app: App,
    /// Of the user admin, where this start has made it at random.
    pub first_password: Option<String>,
}

/// Checks and, on an empty database, furnishes; then starts the lanes.
pub async fn open(house: &House, arguments: &Serve) -> Result<Opened, Failure> {
    let pool = Pool::try_new(&house.app_url, CONNECTIONS)?;
    check(&pool, arguments.allow_owner).await?;
    let password = std::env::var("AYNI_ADMIN_PASSWORD").ok().filter(|text| !text.is_empty()).map(SecretString::from);
    let business_date = arguments.business_date.unwrap_or_else(db::clock::today);
    let furnished = crate::house::furnish(&pool, arguments.currency, business_date, password).await?;
    let tx = Tx::begin_reading(&pool).await?;
    let tokens = Tokens::try_new(&access::setup::signing_keys(&tx).await?)?;
    let base_currency = org::store::settings(&tx).await?.base_currency;
    drop(tx);
    let in_flight = InFlight::default();
    let lanes = Arc::new(Lanes::start(&pool, &in_flight));
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::Said(format!("the metrics can not be kept: {error}")))?;
    let sandbox_clock = arguments.sandbox_clock;
    let closer = Arc::new(Notify::new());
    tokio::spawn(crate::housekeeping::run(pool.clone(), closer.clone()));
    let app = App { pool, tokens, lanes, in_flight, base_currency, metrics, closer, sandbox_clock };
    Ok(Opened { app, first_password: furnished })
}

/// The serving role must not be able to change history, and the schema must be the one that this program knows.
async fn check(pool: &Pool, allow_owner: bool) -> Result<(), Failure> {
    let client = pool.get().await?;
    let pending = db::migrations::pending(&client).await?;
    if !pending.is_empty() {
        return Err(Failure::NotMigrated(pending.join(", ")));
    }
    let role = client
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

/// Serves until Ctrl-C or SIGTERM, or until the private Postgres has died.
async fn serve_until_stopped(listener: TcpListener, app: App, house: &mut House) -> Result<(), Failure> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(api::serve::serve(listener, app, async {
        // Sent or dropped: both mean stop.
        let _ = stopped.await;
    }));
    let failure = tokio::select! {
        () = asked_to_stop() => None,
        failure = watch(house) => Some(failure),
    };
    drop(stop);
    let _ = serving.await;
    failure.map_or(Ok(()), Err)
}

async fn watch(house: &mut House) -> Failure {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(failure) = house.death() {
            return failure;
        }
    }
}

async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
