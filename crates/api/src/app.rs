//! What every handler can reach: the pool, the token keys, the lanes.

use std::ops::Deref;
use std::sync::Arc;

use access::tokens::Tokens;
use db::lane::{InFlight, Lane, Limits, Order, Render, Reply};
use db::pool::Pool;
use flows::desk_command::DeskCommand;
use flows::office::OfficeCommand;
use kernel::currency::Currency;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// What every handler may use: one for all workers.
#[derive(Clone)]
pub struct App(Arc<Services>);

impl App {
    pub fn new(services: Services) -> App {
        App(Arc::new(services))
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

pub struct Services {
    pub pool: Pool,
    pub tokens: Tokens,
    pub lanes: Arc<Lanes>,
    pub in_flight: InFlight,
    /// The runtime of the lanes, which is not that of the workers who answer requests.
    pub main: Handle,
    /// The institution's currency; it never changes.
    pub base_currency: Currency,
    pub metrics: PrometheusHandle,
    /// Wakes the closer of days and months.
    pub closer: Arc<Notify>,
    /// Days after today's calendar day may be closed: for trials only.
    pub sandbox_clock: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// A command of either lane.
#[derive(Debug, Clone)]
pub enum AnyCommand {
    Desk(DeskCommand),
    Office(OfficeCommand),
}

impl From<DeskCommand> for AnyCommand {
    fn from(command: DeskCommand) -> Self {
        AnyCommand::Desk(command)
    }
}

impl From<OfficeCommand> for AnyCommand {
    fn from(command: OfficeCommand) -> Self {
        AnyCommand::Office(command)
    }
}

impl AnyCommand {
    /// The operation's stable name.
    pub fn operation(&self) -> &'static str {
        match self {
            AnyCommand::Desk(command) => command.about().operation,
            AnyCommand::Office(command) => db::lane::Command::about(command).operation,
        }
    }
}

/// The two lanes: the desk takes what is about a client or about money, the office what is about the institution.
#[derive(Debug)]
pub struct Lanes {
    pub desk: Lane<DeskCommand>,
    pub office: Lane<OfficeCommand>,
}

impl Lanes {
    /// Starts both lanes on the current runtime, the one that drives the pool's connections.
    pub fn start(pool: &Pool, in_flight: &InFlight, renders: (Render<DeskCommand>, Render<OfficeCommand>)) -> Lanes {
        let few = Limits { in_flight: 1, biggest: 64, queue: 1_000, ..Limits::default() };
        Lanes {
            desk: Lane::start(pool.clone(), in_flight.clone(), Limits::default(), renders.0),
            office: Lane::start(pool.clone(), in_flight.clone(), few, renders.1),
        }
    }

    /// Hands a command to its lane and waits for the answer.
    pub async fn submit(&self, order: Order<AnyCommand>) -> Reply {
        let Order { actor, share, permissions, key, sent, command } = order;
        match command {
            AnyCommand::Desk(command) => {
                self.desk.submit(Order { actor, share, permissions, key, sent, command }).await
            }
            AnyCommand::Office(command) => {
                self.office.submit(Order { actor, share, permissions, key, sent, command }).await
            }
        }
    }
}
