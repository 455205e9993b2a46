//! What a process keeps of one database, beside its connections: whose it is, and the caches of those who read it.
//!
//! It stands with the pool and not in a `static`, so a process that works on two databases keeps two.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::session;
use crate::statement::Statement;

/// Shared by a pool and by the transactions that come from it.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    institution_id: OnceLock<Uuid>,
    caches: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Kept {
    /// The institution's id. It never changes, so it is read once: no later transaction sends a statement for it. Nil while the
    /// database has no institution, which is asked again each time.
    pub async fn institution_id(&self, connection: &AsyncPgConnection) -> Result<Uuid, Fault> {
        if let Some(id) = self.institution_id.get() {
            return Ok(*id);
        }
        let asked = Statement::new("select institution_id from setting");
        match session::rows(connection, asked).await?.first() {
            Some(row) => Ok(*self.institution_id.get_or_init(|| row.get("institution_id"))),
            None => Ok(Uuid::nil()),
        }
    }

    /// The one value of this type, made when it is first asked for.
    pub fn cache<T: Default + Send + Sync + 'static>(&self) -> Result<Arc<T>, Fault> {
        let known = self.caches.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        let cache = known.unwrap_or_else(|| {
            let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
            caches.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone()
        });
        cache.downcast().map_err(|_| Fault::Invariant(format!("another cache stands under {}", type_name::<T>())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn each_database_has_one_cache_of_each_type() {
        let (one, other) = (Kept::default(), Kept::default());
        *one.cache::<Mutex<u8>>().unwrap().lock().unwrap() = 7;
        assert_eq!(*one.cache::<Mutex<u8>>().unwrap().lock().unwrap(), 7);
        assert_eq!(*one.cache::<Mutex<u16>>().unwrap().lock().unwrap(), 0);
        assert_eq!(*other.cache::<Mutex<u8>>().unwrap().lock().unwrap(), 0);
    }
}
