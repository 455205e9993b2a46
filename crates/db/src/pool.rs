//! A pool of connections to one database.

use std::future::poll_fn;
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::fault::Fault;
use crate::kept::Kept;

/// Eight connections keep two cores busy; more only queue inside Postgres.
pub const CONNECTIONS: usize = 8;

#[derive(Clone, Debug)]
pub struct Pool {
    pool: deadpool_postgres::Pool,
    kept: Arc<Kept>,
}

#[derive(Debug, thiserror::Error)]
pub enum PoolConfigError {
    #[error("the database URL cannot be read: {0}. It looks like postgres://user:password@host:5432/database")]
    Url(tokio_postgres::Error),
    #[error("the connection pool cannot be made: {0}")]
    Build(#[from] deadpool_postgres::BuildError),
}

/// Opens and drives every connection on one runtime, whichever thread asks for it: a thread that ends takes none with it.
#[derive(Debug)]
struct Driver(Handle);

impl Connect for Driver {
    fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        async move {
            let mut connecting = pin!(config.connect(NoTls));
            // A socket belongs to the runtime in which it is opened.
            let opened = poll_fn(|context| {
                let _inside = self.0.enter();
                connecting.as_mut().poll(context)
            });
            let (client, connection) = opened.await?;
            let driving = self.0.spawn(async {
                if let Err(error) = connection.await {
                    tracing::warn!(%error, "a connection to the database broke");
                }
            });
            Ok((client, driving))
        }
        .boxed()
    }
}

impl Pool {
    /// A pool whose connections live on the current runtime.
    pub fn try_new(url: &str, connections: usize) -> Result<Pool, PoolConfigError> {
        let mut config = tokio_postgres::Config::from_str(url).map_err(PoolConfigError::Url)?;
        // Short statements, and costs that steer the planner: compiling a plan would take longer than all of them.
        let options = format!("{} -c jit=off", config.get_options().unwrap_or_default());
        config
            .options(options.trim())
            .application_name("ayni")
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(30));
        let manager = Manager::from_connect(
            config,
            Driver(Handle::current()),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Pool { pool, kept: Arc::default() })
    }

    pub async fn get(&self) -> Result<Object, Fault> {
        Ok(self.pool.get().await?)
    }

    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    /// (in use, idle, most).
    pub fn usage(&self) -> (usize, usize, usize) {
        let status = self.pool.status();
        (status.size.saturating_sub(status.available), status.available, status.max_size)
    }
}
