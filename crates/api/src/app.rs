//! What every handler can reach: the pool, the token keys, the lanes.

use std::sync::Arc;

use access::tokens::Tokens;
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use db::lane::{Command, InFlight, Lane, Limits, Render};
use db::pool::Pool;
use kernel::currency::Currency;
use metrics_exporter_prometheus::PrometheusHandle;
use org::branches::OpenBranch;
use org::holidays::DeclareHoliday;
use org::settings::ChangeSettings;
use org::staff::EmployStaff;

#[derive(Clone)]
pub struct App {
    pub pool: Pool,
    pub tokens: Tokens,
    pub lanes: Arc<Lanes>,
    pub in_flight: InFlight,
    /// The institution's currency; it never changes.
    pub base_currency: Currency,
    pub metrics: PrometheusHandle,
    /// Days after today's calendar day may be closed: for trials only.
    pub sandbox_clock: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// One lane a family of commands.
#[derive(Debug)]
pub struct Lanes {
    pub open_branch: Lane<OpenBranch>,
    pub employ_staff: Lane<EmployStaff>,
    pub declare_holiday: Lane<DeclareHoliday>,
    pub change_settings: Lane<ChangeSettings>,
    pub register_client: Lane<Register>,
    pub activate_client: Lane<Activate>,
}

impl Lanes {
    /// Starts all lanes on the current runtime, the one that drives the pool's connections.
    pub fn start(pool: &Pool, in_flight: &InFlight) -> Lanes {
        let start = Start { pool, in_flight };
        Lanes {
            open_branch: start.quiet(crate::org::branches::opened),
            employ_staff: start.quiet(crate::org::staff::employed),
            declare_holiday: start.quiet(crate::org::holidays::declared),
            change_settings: start.quiet(crate::org::settings::changed),
            register_client: start.busy(crate::clients::registered),
            activate_client: start.quiet(crate::clients::activated),
        }
    }
}

struct Start<'a> {
    pool: &'a Pool,
    in_flight: &'a InFlight,
}

impl Start<'_> {
    /// A lane for commands that come in numbers: two batches on their way.
    fn busy<C: Command>(&self, render: Render<C>) -> Lane<C> {
        Lane::start(self.pool.clone(), self.in_flight.clone(), Limits::default(), render)
    }

    /// A lane for commands that come seldom.
    fn quiet<C: Command>(&self, render: Render<C>) -> Lane<C> {
        let limits = Limits { in_flight: 1, biggest: 64, queue: 1_000, ..Limits::default() };
        Lane::start(self.pool.clone(), self.in_flight.clone(), limits, render)
    }
}
