//! A reply that is owed.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{InFlight, Reply};

/// Where a command's reply goes: to its caller, and to all that came with the same key meanwhile. The caller may have hung up:
/// its command is carried out all the same. A promise that is dropped answers that nothing was done.
#[derive(Debug)]
pub(crate) struct Promise {
    caller: Option<oneshot::Sender<Reply>>,
    /// The key's place among those on their way.
    flight: Option<(InFlight, Uuid)>,
}

impl Promise {
    pub fn new(caller: oneshot::Sender<Reply>) -> Promise {
        Promise { caller: Some(caller), flight: None }
    }

    /// Of the first with its key.
    pub fn of_key(caller: oneshot::Sender<Reply>, in_flight: InFlight, key_id: Uuid) -> Promise {
        Promise { caller: Some(caller), flight: Some((in_flight, key_id)) }
    }

    /// The first reply counts.
    pub fn keep(&mut self, reply: Reply) {
        if let Some((in_flight, key_id)) = self.flight.take() {
            in_flight.leave(key_id, &reply);
        }
        if let Some(caller) = self.caller.take() {
            let _ = caller.send(reply);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.keep(Reply::Unavailable);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::super::in_flight::Entered;
    use super::*;
    use crate::keys::Key;

    fn answer(replayed: bool) -> Reply {
        Reply::Answer(Answer {
            status: 201,
            body: "{}".into(),
            stored: true,
            subject_id: None,
            replayed,
            retry_after: None,
        })
    }

    /// One that is owed to the first with a key, and what the first and another with the same key will hear.
    fn owed() -> (Promise, InFlight, Key, [oneshot::Receiver<Reply>; 2]) {
        let (in_flight, key) = (InFlight::default(), Key::of(Uuid::nil(), "key", "test.pay", "/", "{}"));
        let [(first, of_first), (second, of_second)] = [oneshot::channel(), oneshot::channel()];
        let Entered::First(promise) = in_flight.enter(key, Uuid::nil(), first) else { panic!("not the first") };
        assert!(matches!(in_flight.enter(key, Uuid::nil(), second), Entered::Joined));
        let (third, _) = oneshot::channel();
        assert!(matches!(in_flight.enter(key, Uuid::max(), third), Entered::OtherUser));
        (promise, in_flight, key, [of_first, of_second])
    }

    #[test]
    fn all_with_a_key_hear_the_reply_and_the_key_is_free() {
        let (mut promise, in_flight, key, [mut first, mut second]) = owed();
        assert!(in_flight.holds(key.id));
        promise.keep(answer(false));
        promise.keep(Reply::Failed);
        drop(promise);
        assert_eq!((first.try_recv(), second.try_recv()), (Ok(answer(false)), Ok(answer(true))));
        assert!(!in_flight.holds(key.id));
    }

    #[test]
    fn a_caller_that_hung_up_keeps_nobody_from_hearing() {
        let (mut promise, in_flight, key, [first, mut second]) = owed();
        drop(first);
        promise.keep(answer(false));
        assert_eq!(second.try_recv(), Ok(answer(true)));
        assert!(!in_flight.holds(key.id));
    }

    #[test]
    fn one_that_is_dropped_says_that_nothing_was_done() {
        let (promise, in_flight, key, [mut first, mut second]) = owed();
        drop(promise);
        assert_eq!((first.try_recv(), second.try_recv()), (Ok(Reply::Unavailable), Ok(Reply::Unavailable)));
        assert!(!in_flight.holds(key.id));
    }
}
