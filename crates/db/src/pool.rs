//! A pool of connections to one database.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool as pooled;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use tokio::runtime::Handle;
use tokio_postgres::{Config, NoTls};

use crate::fault::Fault;
use crate::kept::Kept;
use crate::session::Session;

/// Eight connections keep two cores busy; more only queue inside Postgres.
pub const CONNECTIONS: usize = 8;

pub(crate) type Object = pooled::Object<AsyncPgConnection>;

#[derive(Clone)]
pub struct Pool {
    pool: pooled::Pool<AsyncPgConnection>,
    kept: Arc<Kept>,
}

#[derive(Debug, thiserror::Error)]
pub enum PoolConfigError {
    #[error("the database URL cannot be read: {0}. It looks like postgres://user:password@host:5432/database")]
    Url(tokio_postgres::Error),
    #[error("the connection pool cannot be made: {0}")]
    Build(#[from] pooled::BuildError),
}

impl Pool {
    /// A pool whose connections live on the current runtime, whichever thread asks for one: a thread that ends takes none with it.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn try_new(url: &str, connections: usize) -> Result<Pool, PoolConfigError> {
        let mut config = Config::from_str(url).map_err(PoolConfigError::Url)?;
        // Short statements, and costs that steer the planner: compiling a plan would take longer than all of them.
        let options = format!("{} -c jit=off", config.get_options().unwrap_or_default());
        config
            .options(options.trim())
            .application_name("ayni")
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(30));
        let runtime = Handle::current();
        let mut setup = ManagerConfig::<AsyncPgConnection>::default();
        // A connection that breaks is found by the statement that meets it.
        setup.recycling_method = RecyclingMethod::Fast;
        setup.custom_setup = Box::new(move |_| {
            let connecting = runtime.spawn(connect(config.clone()));
            Box::pin(
                async move { connecting.await.map_err(|error| ConnectionError::BadConnection(error.to_string()))? },
            )
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", setup);
        let pool = pooled::Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .runtime(deadpool::Runtime::Tokio1)
            .build()?;
        Ok(Pool { pool, kept: Arc::default() })
    }

    pub(crate) async fn get(&self) -> Result<Object, Fault> {
        Ok(self.pool.get().await?)
    }

    /// A connection for statements outside a transaction.
    pub async fn session(&self) -> Result<Session, Fault> {
        Ok(Session(self.get().await?))
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

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("usage", &self.usage()).finish_non_exhaustive()
    }
}

async fn connect(config: Config) -> ConnectionResult<AsyncPgConnection> {
    let (client, connection) =
        config.connect(NoTls).await.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}
