//! Hashing passwords aside: not on the threads that answer requests, and not too many at once.

use std::{sync::Arc, thread};

use tokio::sync::Semaphore;

/// How many wait for a core beside those that have one. At some 20 ms each that is a second at most.
const QUEUE: usize = 32;

/// Runs what is slow by intent.
pub(in crate::serve) struct Passwords {
    /// A permit a core.
    cores: Arc<Semaphore>,
    /// A permit for each that has a core or waits for one.
    room: Arc<Semaphore>,
}

/// The queue is full; ask again in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) struct Busy;

impl Default for Passwords {
    fn default() -> Self {
        Self::with(thread::available_parallelism().map_or(1, usize::from), QUEUE)
    }
}

impl Passwords {
    fn with(cores: usize, queue: usize) -> Self {
        Self {
            cores: Arc::new(Semaphore::new(cores)),
            room: Arc::new(Semaphore::new(cores + queue)),
        }
    }

    /// Runs it as soon as a core is free, or says at once that too many wait.
    pub(in crate::serve) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work and not by who waits for it: whoever goes away frees no core.
            let _held = (place, core);
            work()
        });
        // It panics or the runtime ends: nobody is let in.
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_told_so_at_once() {
        let passwords = Arc::new(Passwords::with(1, 1));
        let (release, gate) = mpsc::channel::<()>();
        let running = {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.run(move || gate.recv().is_ok()).await })
        };
        let waiting = {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.run(|| true).await })
        };
        while passwords.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.run(|| true).await, Err(Busy));
        release.send(()).unwrap();
        assert_eq!((running.await.unwrap(), waiting.await.unwrap()), (Ok(true), Ok(true)));
        assert_eq!(passwords.run(|| true).await, Ok(true));
    }

    #[tokio::test]
    async fn who_goes_away_frees_no_core_before_the_work_is_done() {
        let passwords = Passwords::with(1, 0);
        let (release, gate) = mpsc::channel::<()>();
        let impatient = passwords.run(move || gate.recv().is_ok());
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(20), impatient).await.is_err()
        );
        assert_eq!(passwords.run(|| true).await, Err(Busy));
        release.send(()).unwrap();
        while passwords.run(|| true).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}
