//! Bodies that nobody wanted.
//!
//! A request that is refused by its head (no token, no permission, a wrong parameter) is answered before its body was read, and
//! often before it has come. A connection with an unread body cannot be used again, and is cut without a word: the next request
//! on it fails, which is none of its caller's fault. So what is left of a body is read, up to a measure; beyond that the answer says
//! that the connection ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// What is read and thrown away: more than any single command is long.
const MOST: usize = 64 * 1024;

/// How long the answer waits for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// A body in two hands: the handler's, and that of the connection, which reads what the handler leaves.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Mutex<Body>>);

impl Shared {
    pub fn new(body: Body) -> Shared {
        Shared(Arc::new(Mutex::new(body)))
    }

    fn hold(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.hold()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.hold().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.hold().size_hint()
    }
}

impl Shared {
    /// Reads what the handler has left, so that the connection stays; where that is too much, the answer ends the connection.
    pub async fn settle(self, mut response: Response) -> Response {
        if !self.is_end_stream() && !self.read_out().await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Whether the body came to its end.
    async fn read_out(mut self) -> bool {
        if self.size_hint().lower() > MOST as u64 {
            return false;
        }
        let reading = async {
            let mut read = 0;
            while let Some(frame) = self.frame().await {
                match frame.ok().and_then(|frame| frame.into_data().ok()) {
                    Some(data) if read + data.len() <= MOST => read += data.len(),
                    _ => return false,
                }
            }
            true
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    async fn ends_connection(body: Body) -> bool {
        Shared::new(body).settle("refused".into_response()).await.headers().contains_key(header::CONNECTION)
    }

    #[tokio::test]
    async fn a_connection_ends_only_where_a_body_does_not() {
        let chunks = |chunks: usize| {
            let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024]));
            Body::from_stream(futures::stream::iter((0..chunks).map(move |_| chunk())))
        };
        assert!(!ends_connection(Body::empty()).await);
        assert!(!ends_connection(Body::from("{}")).await);
        assert!(!ends_connection(chunks(64)).await);
        assert!(ends_connection(chunks(65)).await);
        assert!(ends_connection(Body::from(vec![b' '; MOST + 1])).await);
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        assert!(ends_connection(Body::from_stream(never)).await);
    }

    #[tokio::test]
    async fn what_was_read_already_is_not_asked_for_again() {
        let body = Shared::new(Body::from("{}"));
        let read = Body::new(body.clone()).collect().await.unwrap().to_bytes();
        assert_eq!(read, "{}");
        assert!(!body.settle("done".into_response()).await.headers().contains_key(header::CONNECTION));
    }
}
