//! Connections: accepted, told apart by what they begin with, and closed when the server ends.
//!
//! Both protocols are spoken on every address. HTTP/1.1 is read here, over `httparse`, so that a request's body is never
//! copied and an answer is one write; HTTP/2 is the crate `h2`'s.

mod head;
mod http1;
mod http2;
mod rewind;
mod tls;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::app::App;

pub use tls::TlsError;

pub(crate) use tls::Certificates;

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a client may take to greet.
const GREETING: Duration = Duration::from_secs(10);

/// All open connections, to wake those that wait for a request when the server ends.
#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<(u64, HashMap<u64, Arc<AtomicWaker>>)>,
}

impl Connections {
    fn add(&self) -> (u64, Arc<AtomicWaker>) {
        let waker = Arc::new(AtomicWaker::new());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.0 += 1;
        let number = open.0;
        open.1.insert(number, Arc::clone(&waker));
        (number, waker)
    }

    fn remove(&self, number: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number);
    }

    /// Lets every connection look whether the server ends.
    pub(crate) fn wake_all(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The order in which tasks are woken does not show.
        let wakers: Vec<_> = open.1.values().map(Arc::clone).collect();
        drop(open);
        wakers.iter().for_each(|waker| waker.wake());
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).1.len()
    }
}

/// Accepts connections until the task is given up.
pub(crate) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    connections: Arc<Connections>,
    permits: Arc<Semaphore>,
    tls: Option<Arc<Certificates>>,
) {
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely; some will be free in a moment.
                app.log.failed("accept_failed", "", &error);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (app, connections, tls) = (Arc::clone(&app), Arc::clone(&connections), tls.clone());
        tokio::spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            app.metrics.open_connections.fetch_add(1, Ordering::Relaxed);
            let (number, waker) = connections.add();
            // A client that goes away is none of our troubles.
            let _ = serve(stream, &app, &waker, tls).await;
            connections.remove(number);
            app.metrics.open_connections.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        });
    }
}

async fn serve(
    stream: TcpStream,
    app: &Arc<App>,
    waker: &AtomicWaker,
    tls: Option<Arc<Certificates>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return speak(stream, app, waker).await };
    let stream = tokio::time::timeout(GREETING, tls.acceptor().accept(stream)).await??;
    speak(stream, app, waker).await
}

/// Speaks the protocol that the client begins to speak.
async fn speak<S>(mut stream: S, app: &Arc<App>, waker: &AtomicWaker) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut begun = BytesMut::with_capacity(8 << 10);
    let idle = app.limits.idle_timeout;
    loop {
        if begun.len() >= PREFACE.len() && begun.starts_with(PREFACE) {
            let stream = rewind::Rewind::new(begun.freeze(), stream);
            return http2::serve(stream, app, waker).await;
        }
        let could_be_preface = PREFACE.starts_with(&begun[..begun.len().min(PREFACE.len())]);
        if !could_be_preface {
            return http1::serve(stream, app, waker, begun).await;
        }
        let num_read = std::future::poll_fn(|cx| {
            waker.register(cx.waker());
            if app.is_draining() && begun.is_empty() {
                return std::task::Poll::Ready(None);
            }
            let read = std::pin::pin!(stream.read_buf(&mut begun));
            Future::poll(read, cx).map(Some)
        });
        match tokio::time::timeout(idle, num_read).await? {
            None => return Ok(()),
            Some(read) => {
                if read? == 0 {
                    return Ok(());
                }
            }
        }
    }
}
