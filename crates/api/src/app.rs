//! What every handler can reach: the pool, the token keys, the lanes.

use std::ops::Deref;
use std::sync::Arc;

use access::api_clients::CreateApiClient;
use access::roles::CreateRole;
use access::tokens::Tokens;
use access::users::{ChangeUser, CreateUser};
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use db::lane::{Command, InFlight, Lane, Limits, Render};
use db::pool::Pool;
use flows::approvals::DecideApproval;
use flows::close_of_day::CloseDays;
use kernel::currency::Currency;
use ledger::chart::OpenAccount;
use ledger::manual::PostManualEntry;
use ledger::periods::{ClosePeriod, ReopenPeriod};
use ledger::reversal::ReverseEntry;
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::disburse::Disburse;
use loans::actions::end_application::EndApplication;
use loans::actions::offer_product::OfferProduct;
use loans::actions::renegotiate::Renegotiate;
use loans::actions::repay::Repay;
use loans::actions::reverse::Reverse;
use metrics_exporter_prometheus::PrometheusHandle;
use org::branches::OpenBranch;
use org::holidays::DeclareHoliday;
use org::settings::ChangeSettings;
use org::staff::EmployStaff;
use tokio::sync::Notify;

/// What every handler may use. Every layer of a route has a copy, made with each request: one count, however much there is.
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
    /// The institution's currency; it never changes.
    pub base_currency: Currency,
    pub metrics: PrometheusHandle,
    /// Wakes the closer of days.
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

/// One lane a family of commands.
#[derive(Debug)]
pub struct Lanes {
    pub open_branch: Lane<OpenBranch>,
    pub employ_staff: Lane<EmployStaff>,
    pub declare_holiday: Lane<DeclareHoliday>,
    pub change_settings: Lane<ChangeSettings>,
    pub create_user: Lane<CreateUser>,
    pub change_user: Lane<ChangeUser>,
    pub create_role: Lane<CreateRole>,
    pub create_api_client: Lane<CreateApiClient>,
    pub register_client: Lane<Register>,
    pub activate_client: Lane<Activate>,
    pub offer_product: Lane<OfferProduct>,
    pub apply: Lane<Apply>,
    pub approve: Lane<Approve>,
    pub end_application: Lane<EndApplication>,
    pub disburse: Lane<Disburse>,
    pub repay: Lane<Repay>,
    pub reverse: Lane<Reverse>,
    pub renegotiate: Lane<Renegotiate>,
    pub close_days: Lane<CloseDays>,
    pub open_account: Lane<OpenAccount>,
    pub post_manual_entry: Lane<PostManualEntry>,
    pub reverse_entry: Lane<ReverseEntry>,
    pub close_period: Lane<ClosePeriod>,
    pub reopen_period: Lane<ReopenPeriod>,
    pub decide_approval: Lane<DecideApproval>,
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
            create_user: start.quiet(crate::access::users::created),
            change_user: start.quiet(crate::access::users::changed),
            create_role: start.quiet(crate::access::roles::created),
            create_api_client: start.quiet(crate::access::api_clients::created),
            register_client: start.busy(crate::clients::registered),
            activate_client: start.quiet(crate::clients::activated),
            offer_product: start.quiet(crate::loans::products::offered),
            apply: start.busy(crate::loans::applications::applied),
            approve: start.busy(crate::loans::applications::approved),
            end_application: start.quiet(crate::loans::applications::ended),
            disburse: start.busy(crate::loans::transactions::disbursed),
            repay: start.busy(crate::loans::transactions::repaid),
            reverse: start.quiet(crate::loans::transactions::reversed),
            renegotiate: start.quiet(crate::loans::applications::renegotiated),
            close_days: start.quiet(crate::org::business_date::ordered),
            open_account: start.quiet(crate::ledger::accounts::opened),
            post_manual_entry: start.quiet(crate::ledger::journal::posted),
            reverse_entry: start.quiet(crate::ledger::journal::reversed),
            close_period: start.quiet(crate::ledger::periods::closed),
            reopen_period: start.quiet(crate::ledger::periods::reopened),
            decide_approval: start.quiet(crate::ledger::decisions::decided),
        }
    }
}

struct Start<'a> {
    pool: &'a Pool,
    in_flight: &'a InFlight,
}

impl Start<'_> {
    /// A lane for commands that come in numbers: several batches on their way.
    fn busy<C: Command>(&self, render: Render<C>) -> Lane<C> {
        Lane::start(self.pool.clone(), self.in_flight.clone(), Limits::default(), render)
    }

    /// A lane for commands that come seldom.
    fn quiet<C: Command>(&self, render: Render<C>) -> Lane<C> {
        let limits = Limits { in_flight: 1, biggest: 64, queue: 1_000, ..Limits::default() };
        Lane::start(self.pool.clone(), self.in_flight.clone(), limits, render)
    }
}
