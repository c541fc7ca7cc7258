//! Makes results on several threads and hands them over in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many finished results per thread may wait for an earlier one.
const LOOKAHEAD: usize = 2;

struct Progress<T, E> {
    /// The next piece that nobody has started.
    next: usize,
    /// How many results were handed over.
    delivered: usize,
    /// Finished, and waiting for an earlier one.
    finished: BTreeMap<usize, Result<T, E>>,
    /// Nobody starts anything more.
    stopped: bool,
}

struct Shared<T, E> {
    progress: Mutex<Progress<T, E>>,
    changed: Condvar,
}

impl<T, E> Shared<T, E> {
    fn lock(&self) -> MutexGuard<'_, Progress<T, E>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, Progress<T, E>>) -> MutexGuard<'a, Progress<T, E>> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the other threads when a piece of work unwinds, so that the panic is passed on and nobody waits.
struct StopOnUnwind<'a, T, E>(&'a Shared<T, E>);

impl<T, E> Drop for StopOnUnwind<'_, T, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().stopped = true;
            self.0.changed.notify_all();
        }
    }
}

/// Runs `make(0..count)` on up to `threads` threads and `deliver` on this one, in order.
///
/// The first failure in order ends the run and is returned; pieces after it may or may not have run.
pub(crate) fn run<T: Send, E: Send>(
    threads: NonZeroUsize,
    count: usize,
    make: impl Fn(usize) -> Result<T, E> + Sync,
    mut deliver: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    if threads.get() == 1 || count <= 1 {
        return (0..count).try_for_each(|piece| deliver(make(piece)?));
    }
    let threads = threads.get().min(count);
    let progress = Progress { next: 0, delivered: 0, finished: BTreeMap::new(), stopped: false };
    let shared = Shared { progress: Mutex::new(progress), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let _guard = StopOnUnwind(&shared);
                while let Some(piece) = take_piece(&shared, count, threads * LOOKAHEAD) {
                    let result = make(piece);
                    shared.lock().finished.insert(piece, result);
                    shared.changed.notify_all();
                }
            });
        }
        let outcome = deliver_all(&shared, count, &mut deliver);
        shared.lock().stopped = true;
        shared.changed.notify_all();
        outcome
    })
}

fn take_piece<T, E>(shared: &Shared<T, E>, count: usize, window: usize) -> Option<usize> {
    let mut progress = shared.lock();
    loop {
        if progress.stopped || progress.next == count {
            return None;
        }
        if progress.next < progress.delivered + window {
            progress.next += 1;
            return Some(progress.next - 1);
        }
        progress = shared.wait(progress);
    }
}

fn deliver_all<T, E>(
    shared: &Shared<T, E>,
    count: usize,
    deliver: &mut impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let _guard = StopOnUnwind(shared);
    for piece in 0..count {
        let mut progress = shared.lock();
        let result = loop {
            if let Some(result) = progress.finished.remove(&piece) {
                break result;
            }
            if progress.stopped {
                // A worker unwound; the scope passes its panic on.
                return Ok(());
            }
            progress = shared.wait(progress);
        };
        progress.delivered = piece + 1;
        drop(progress);
        shared.changed.notify_all();
        deliver(result?)?;
    }
    Ok(())
}
