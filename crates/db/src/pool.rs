//! A pool of connections to one database.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

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

impl Pool {
    pub fn try_new(url: &str, connections: usize) -> Result<Pool, PoolConfigError> {
        let mut config = tokio_postgres::Config::from_str(url).map_err(PoolConfigError::Url)?;
        // Short statements, and costs that steer the planner: compiling a plan would take longer than all of them.
        let options = format!("{} -c jit=off", config.get_options().unwrap_or_default());
        config
            .options(options.trim())
            .application_name("ayni")
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(30));
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
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
