//! `ayni demo`: loads a believable institution into an empty database and serves it. What was loaded before is served at once;
//! a load that was interrupted goes on.

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;

use api::app::App;
use chrono::NaiveDate;
use db::pool::Pool;
use tokio::net::TcpListener;

use crate::arguments::{DEMO_PASSWORD, DEMO_USERS, Demo};
use crate::commands::serve::{self, Stopping};
use crate::demo::desk::Desk;
use crate::demo::found::{self, Found};
use crate::demo::furnish;
use crate::demo::institution::Span;
use crate::demo::load::{self, Loaded};
use crate::demo::plan::{Plan, Wish};
use crate::demo::progress::Progress;
use crate::failure::Failure;
use crate::house::House;

pub async fn run(arguments: Demo) -> Result<ExitCode, Failure> {
    crate::logging::start(&arguments.log)?;
    let listener = serve::listen(&arguments.serving).await?;
    let mut house = House::open(&arguments.serving.database, true).await?;
    let shown = show(&arguments, listener, &mut house).await;
    house.close().await?;
    shown?;
    Ok(ExitCode::SUCCESS)
}

async fn show(arguments: &Demo, listener: TcpListener, house: &mut House) -> Result<(), Failure> {
    let pool = serve::pool(house, &arguments.serving).await?;
    let to_load = match found::found(&pool).await? {
        Found::Foreign => return Err(Failure::Said(FOREIGN.to_owned())),
        Found::Whole => None,
        Found::Part { span, open_on } => Some((span, open_on)),
        Found::Nothing => {
            let span = Span::until_today(db::clock::today());
            found::prepare(&pool, arguments.currency, span).await?;
            Some((span, span.first))
        }
    };
    let app = serve::app(pool, &arguments.serving).await?;
    let mut stopping = Stopping::listen()?;
    if let Some((span, open_on)) = to_load {
        let stop = Cell::new(false);
        let mut loading = pin!(load_into(&app, arguments, span, open_on, &stop));
        let loaded = tokio::select! {
            loaded = &mut loading => loaded?,
            stopped = serve::until_stopped(house, &mut stopping) => {
                stopped?;
                stop.set(true);
                loading.await?
            }
        };
        if loaded == Loaded::Part {
            return Err(Failure::Said(STOPPED.to_owned()));
        }
    }
    greet(&app.pool, serve::address(&listener, &arguments.serving)?).await?;
    serve::serve_until_stopped(listener, app, house, &mut stopping).await
}

const FOREIGN: &str = "there is an institution in this database already, and it is not the demo's: nothing was changed. \
     Serve it with `ayni serve`, or show the demo elsewhere: --data-dir ANOTHER";

const STOPPED: &str = "stopped while the demo data were loaded: the same command goes on where it stopped";

async fn load_into(
    app: &App,
    arguments: &Demo,
    span: Span,
    open_on: NaiveDate,
    stop: &Cell<bool>,
) -> Result<Loaded, Failure> {
    let clients = usize::try_from(arguments.clients).unwrap_or(600);
    let plan = Plan::new(Wish { clients, seed: arguments.seed, currency: arguments.currency }, span);
    eprintln!(
        "Loading the demo: {} clients, {} loans and {} payments from {} to {}, day by day.",
        plan.people.len(),
        plan.loans.len(),
        plan.payment_count(),
        span.first,
        span.last
    );
    let (administrator, head_office) = found::administrator_and_head_office(&app.pool).await?;
    let desk = Desk { lanes: &app.lanes, fingerprint: plan.fingerprint().to_string(), administrator, head_office };
    furnish::furnish(&desk, &plan, &app.pool).await?;
    let progress = Progress::new(span);
    let goes_on = |day| {
        progress.day(day);
        !stop.get()
    };
    let loaded = load::load(&desk, &plan, &app.pool, open_on, goes_on).await?;
    progress.finish();
    Ok(loaded)
}

/// What is there, who may sign in, and what to try.
async fn greet(pool: &Pool, address: SocketAddr) -> Result<(), Failure> {
    let there = found::counts(pool).await?;
    let [officer, manager, accountant, admin] = DEMO_USERS;
    let catch_up = if there.open_on < db::clock::today() { " (`ayni close-day` closes the days since)" } else { "" };
    println!(
        r#"Ayni serves on http://{address}: the reference is at /docs. Stop it with Ctrl-C.

There are {branches} branches, {staff} staff, {clients} clients and {loans} loans. The open business day is {open_on}{catch_up}.
Sign in as {officer}, {manager}, {accountant} or {admin}; the password of all four is {DEMO_PASSWORD}

Try in another terminal (a token holds for ten minutes):

  TOKEN=$(curl -s http://{address}/v1/auth/token -H 'Content-Type: application/json' \
    -d '{{"username": "{accountant}", "password": "{DEMO_PASSWORD}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s 'http://{address}/v1/reports/portfolio-at-risk?by=branch' -H "Authorization: Bearer $TOKEN"
  curl -s http://{address}/v1/reports/trial-balance -H "Authorization: Bearer $TOKEN"

  BASE=http://{address} scripts/quickstart.sh      a loan from application to repayment
  http://{address}/docs                           every operation, in the browser"#,
        branches = there.branches,
        staff = there.staff,
        clients = there.clients,
        loans = there.loans,
        open_on = there.open_on,
    );
    Ok(())
}
