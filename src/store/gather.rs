//! Questions that many ask at once, read together: what is asked while a
//! reading is under way waits for the next one, which reads for all who wait.
//! Who asks alone waits for nobody. A reading begins after everybody in it
//! has asked, so each hears how things stood after that.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::statement_time::{StatementMeter, StatementPayer, current_payer, paid_by};
use super::{Result, StoreError};

/// The most that one reading reads for.
const TOGETHER: usize = 64;

/// One kind of question, by `K`; those for whom there is no answer in a
/// reading hear none.
pub(super) struct Gather<K, V> {
    queue: Arc<Mutex<Queue<K, V>>>,
}

struct Queue<K, V> {
    waiting: Vec<Asked<K, V>>,
    is_reading: bool,
}

/// A question: its key, who is answered, and who pays a share of the reading.
struct Asked<K, V> {
    key: K,
    answer: oneshot::Sender<Result<Option<V>>>,
    payer: Option<Arc<dyn StatementPayer>>,
}

impl<K, V> Default for Gather<K, V> {
    fn default() -> Self {
        let queue = Queue {
            waiting: Vec::new(),
            is_reading: false,
        };
        Self {
            queue: Arc::new(Mutex::new(queue)),
        }
    }
}

impl<K, V> Gather<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Asks. `read` reads for several; those of all who ask do the same.
    pub(super) async fn ask<F>(
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
            queue.waiting.push(Asked {
                key,
                answer: answers,
                payer: current_payer(),
            });
            std::mem::replace(&mut queue.is_reading, true)
        };
        if !is_reading {
            let reading = Reading {
                queue: Arc::clone(&self.queue),
                is_done: false,
            };
            // A task of its own: who asked first may be gone before the others
            // have their answer. What it does is told as theirs.
            tokio::spawn(reading.until_nobody_waits(read).in_current_span());
        }
        match answer.await {
            Ok(found) => found,
            Err(error) => Err(given_up(&error.to_string())),
        }
    }
}

/// What each of so many pays for a reading.
fn share(meter: &StatementMeter, count: usize) -> Duration {
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    meter.total() / count
}

/// The runtime of whoever read is going, and takes its tasks along.
fn given_up(why: &str) -> StoreError {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned())).into()
}

/// The one that reads. Dropped before it is done, it lets those go who wait,
/// and the next one who asks read.
struct Reading<K, V> {
    queue: Arc<Mutex<Queue<K, V>>>,
    is_done: bool,
}

impl<K, V> Reading<K, V>
where
    K: Copy + Eq + Hash,
    V: Clone,
{
    async fn until_nobody_waits<F>(mut self, read: impl Fn(Vec<K>) -> F + Send)
    where
        F: Future<Output = Result<HashMap<K, V>>>,
    {
        loop {
            let asked = self.next();
            if asked.is_empty() {
                return;
            }
            let keys = asked.iter().map(|asked| asked.key).collect();
            let meter = Arc::<StatementMeter>::default();
            let found = paid_by(meter.clone(), read(keys)).await;
            let share = share(&meter, asked.len());
            for Asked { key, answer, payer } in asked {
                if let Some(payer) = payer {
                    payer.charge(share);
                }
                let found = found.as_ref().map(|found| found.get(&key).cloned());
                // Who asked may be gone.
                let _ = answer.send(found.map_err(Clone::clone));
            }
        }
    }

    /// Those who are read for next; with nobody, it is over.
    fn next(&mut self) -> Vec<Asked<K, V>> {
        let mut queue = self.queue.lock();
        let count = queue.waiting.len().min(TOGETHER);
        // From here on somebody else may read.
        self.is_done = count == 0;
        queue.is_reading = !self.is_done;
        queue.waiting.drain(..count).collect()
    }
}

impl<K, V> Drop for Reading<K, V> {
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

    type Found = Result<HashMap<i64, i64>>;

    #[tokio::test]
    async fn those_who_ask_during_a_reading_share_the_next() {
        let gather = Arc::new(Gather::<i64, i64>::default());
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
                        Found::Ok(odd.map(|key| (key, key * 10)).collect())
                    }
                };
                gather.ask(key, read).await.unwrap()
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
    async fn shared_reading_is_paid_by_all() {
        let gather = Arc::new(Gather::<i64, i64>::default());
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
                    Found::Ok(HashMap::new())
                }
            };
            let paying = meter.clone();
            let asked = async move { paid_by(paying, gather.ask(key, read)).await.unwrap() };
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
    fn a_reading_that_is_dropped_lets_the_next_one_read() {
        let gather = Gather::<i64, i64>::default();
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
        };
        let going = runtime().unwrap();
        going.block_on(async {
            let read = |_| std::future::pending::<Found>();
            let asked = gather.ask(1, read);
            let soon = std::time::Duration::from_millis(1);
            assert!(tokio::time::timeout(soon, asked).await.is_err());
        });
        drop(going);
        let answer = runtime().unwrap().block_on(async {
            let read = |keys: Vec<i64>| async {
                Found::Ok(keys.into_iter().map(|key| (key, 7)).collect())
            };
            gather.ask(1, read).await
        });
        assert_eq!(answer.unwrap(), Some(7));
    }
}
