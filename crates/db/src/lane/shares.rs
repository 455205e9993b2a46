//! How many items of bulk calls one user may have in a lane: the items beyond it wait in their calls, so that a user who sends
//! many bulk calls at a time is never refused for it, and single commands of the same user find room beside them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// The place of one item; it counts until it is dropped.
#[derive(Debug)]
pub struct Share(#[allow(dead_code, reason = "it is held, not looked at")] Option<OwnedSemaphorePermit>);

#[derive(Debug, Clone)]
pub(super) struct Shares {
    of_user: Arc<Mutex<HashMap<Uuid, Weak<Semaphore>>>>,
    items: usize,
}

impl Shares {
    /// Each user may have `items` in the lane.
    pub fn new(items: usize) -> Shares {
        Shares { of_user: Arc::default(), items }
    }

    /// Waits until the user may hand one more item to the lane, first come first served.
    pub async fn take(&self, user_id: Uuid) -> Share {
        // It is never closed.
        Share(self.of(user_id).acquire_owned().await.ok())
    }

    fn of(&self, user_id: Uuid) -> Arc<Semaphore> {
        let mut of_user = self.of_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = of_user.get(&user_id).and_then(Weak::upgrade) {
            return share;
        }
        of_user.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.items));
        of_user.insert(user_id, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn an_item_beyond_the_share_waits_until_one_has_ended_and_costs_nobody_else() {
        let shares = Shares::new(3);
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut held = vec![shares.take(first).await, shares.take(first).await, shares.take(first).await];
        let mut fourth = Box::pin(shares.take(first));
        assert!(fourth.as_mut().now_or_never().is_none());
        assert!(shares.take(second).now_or_never().is_some());
        held.pop();
        fourth.await;
    }

    #[tokio::test]
    async fn a_user_who_sends_nothing_takes_no_memory() {
        let shares = Shares::new(3);
        for user in 0..100 {
            drop(shares.take(Uuid::from_u128(user)).await);
        }
        assert_eq!(shares.of_user.lock().unwrap().len(), 1);
    }
}
