//! Batches concurrent reads of one kind. Requests during a read wait for the
//! next read, which serves all of them. A single request waits for no other. A
//! read begins after all its callers have asked, so its result is not older
//! than any of the requests.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::store::db::error::{Result, StoreError};
use crate::store::db::statement_time::{StatementMeter, StatementPayer, current_payer, with_payer};

/// The maximum number of requests that one read serves.
const BATCH_MAX: usize = 64;

/// Batches reads by key `K`. A key that is missing in a read's result gets
/// `None`.
pub(in crate::store) struct BatchLoader<K, V> {
    queue: Arc<Mutex<LoadQueue<K, V>>>,
}

struct LoadQueue<K, V> {
    waiting: Vec<LoadRequest<K, V>>,
    is_reading: bool,
}

/// A waiting request: its key, the channel for its answer, and the payer of a
/// share of the read.
struct LoadRequest<K, V> {
    key: K,
    answer: oneshot::Sender<Result<Option<V>>>,
    payer: Option<Arc<dyn StatementPayer>>,
}

impl<K, V> Default for BatchLoader<K, V> {
    fn default() -> Self {
        let queue = LoadQueue {
            waiting: Vec::new(),
            is_reading: false,
        };
        Self {
            queue: Arc::new(Mutex::new(queue)),
        }
    }
}

impl<K, V> BatchLoader<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Loads the value of a key. `read` loads several keys; all callers must
    /// pass an equivalent one.
    pub(in crate::store) async fn load<F>(
        &self,
        key: K,
        read: impl Fn(Vec<K>) -> F + Send + 'static,
    ) -> Result<Option<V>>
    where
        F: Future<Output = Result<HashMap<K, V>>> + Send + 'static,
    {
        let (answers, answer) = oneshot::channel();
        let is_reading = {
            let mut queue = self.queue.lock();
            queue.waiting.push(LoadRequest {
                key,
                answer: answers,
                payer: current_payer(),
            });
            std::mem::replace(&mut queue.is_reading, true)
        };
        if !is_reading {
            let reading = BatchReader {
                queue: Arc::clone(&self.queue),
                is_done: false,
            };
            // A task of its own: the first caller may be dropped before the
            // others have their answer. The task's log lines appear in the
            // first caller's span.
            tokio::spawn(reading.read_until_empty(read).in_current_span());
        }
        match answer.await {
            Ok(found) => found,
            Err(error) => Err(abandoned_error(&error.to_string())),
        }
    }
}

/// Returns the share of each caller in the cost of a read.
fn share_per_caller(meter: &StatementMeter, count: usize) -> Duration {
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    meter.total() / count
}

/// Returns the error of a request whose reading task ended early: the runtime
/// is shutting down.
fn abandoned_error(why: &str) -> StoreError {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned())).into()
}

/// The reading task. If it is dropped early, waiting requests fail and the next
/// request starts a new reader.
struct BatchReader<K, V> {
    queue: Arc<Mutex<LoadQueue<K, V>>>,
    is_done: bool,
}

impl<K, V> BatchReader<K, V>
where
    K: Copy + Eq + Hash,
    V: Clone,
{
    async fn read_until_empty<F>(mut self, read: impl Fn(Vec<K>) -> F + Send)
    where
        F: Future<Output = Result<HashMap<K, V>>>,
    {
        loop {
            let asked = self.next_batch();
            if asked.is_empty() {
                return;
            }
            let keys = asked.iter().map(|asked| asked.key).collect();
            let meter = Arc::<StatementMeter>::default();
            let found = with_payer(meter.clone(), read(keys)).await;
            let share = share_per_caller(&meter, asked.len());
            for LoadRequest { key, answer, payer } in asked {
                if let Some(payer) = payer {
                    payer.charge(share);
                }
                let found = found.as_ref().map(|found| found.get(&key).cloned());
                // The caller may be gone.
                let _ = answer.send(found.map_err(Clone::clone));
            }
        }
    }

    /// Takes the requests of the next read; if there are none, the task ends.
    fn next_batch(&mut self) -> Vec<LoadRequest<K, V>> {
        let mut queue = self.queue.lock();
        let count = queue.waiting.len().min(BATCH_MAX);
        // If no request waits, this task ends, and the next request starts
        // another one.
        self.is_done = count == 0;
        queue.is_reading = !self.is_done;
        queue.waiting.drain(..count).collect()
    }
}

impl<K, V> Drop for BatchReader<K, V> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.queue.lock();
            queue.waiting.clear();
            queue.is_reading = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    type LoadedNumbers = Result<HashMap<i64, i64>>;

    #[tokio::test]
    async fn requests_during_read_share_next() {
        let gather = Arc::new(BatchLoader::<i64, i64>::default());
        let (readings, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = |key| {
            let (gather, readings, go_on) = (gather.clone(), readings.clone(), go_on.clone());
            tokio::spawn(async move {
                let read = move |keys: Vec<i64>| {
                    let first = readings.fetch_add(1, Ordering::SeqCst) == 0;
                    let go_on = go_on.clone();
                    async move {
                        if first {
                            go_on.notified().await;
                        }
                        let odd = keys.into_iter().filter(|key| key % 2 == 1);
                        LoadedNumbers::Ok(odd.map(|key| (key, key * 10)).collect())
                    }
                };
                gather.load(key, read).await.unwrap()
            })
        };
        let first = ask(1);
        tokio::task::yield_now().await;
        let others: Vec<_> = (2..=6).map(ask).collect();
        tokio::task::yield_now().await;
        go_on.notify_one();
        assert_eq!(first.await.unwrap(), Some(10));
        let mut found = Vec::new();
        for other in others {
            found.push(other.await.unwrap());
        }
        assert_eq!(found, [None, Some(30), None, Some(50), None]);
        assert_eq!(readings.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn shared_read_is_charged_to_all() {
        let gather = Arc::new(BatchLoader::<i64, i64>::default());
        let go_on = Arc::new(Notify::new());
        let ask = |key| {
            let (gather, go_on) = (gather.clone(), go_on.clone());
            let meter = Arc::<StatementMeter>::default();
            let read = move |keys: Vec<i64>| {
                let go_on = go_on.clone();
                async move {
                    if keys == [1] {
                        go_on.notified().await;
                    }
                    current_payer().unwrap().charge(Duration::from_millis(60));
                    LoadedNumbers::Ok(HashMap::new())
                }
            };
            let paying = meter.clone();
            let asked = async move { with_payer(paying, gather.load(key, read)).await.unwrap() };
            (meter, tokio::spawn(asked))
        };
        let (alone, first) = ask(1);
        tokio::task::yield_now().await;
        let others = [2, 3, 4].map(ask);
        tokio::task::yield_now().await;
        go_on.notify_one();
        first.await.unwrap();
        assert_eq!(alone.total(), Duration::from_millis(60));
        for (meter, other) in others {
            other.await.unwrap();
            assert_eq!(meter.total(), Duration::from_millis(20));
        }
    }

    #[test]
    fn dropped_reader_is_replaced() {
        let gather = BatchLoader::<i64, i64>::default();
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
        };
        let going = runtime().unwrap();
        going.block_on(async {
            let read = |_| std::future::pending::<LoadedNumbers>();
            let asked = gather.load(1, read);
            let soon = std::time::Duration::from_millis(1);
            assert!(tokio::time::timeout(soon, asked).await.is_err());
        });
        drop(going);
        let answer = runtime().unwrap().block_on(async {
            let read = |keys: Vec<i64>| async {
                LoadedNumbers::Ok(keys.into_iter().map(|key| (key, 7)).collect())
            };
            gather.load(1, read).await
        });
        assert_eq!(answer.unwrap(), Some(7));
    }
}
