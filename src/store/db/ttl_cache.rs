//! A cache with a short lifetime for frequent reads: every request needs its
//! login.
//!
//! A change by this process is visible at once. It invalidates all entries, and
//! a read that began before it isn't cached. A change by another process is
//! visible when the entry expires.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The lifetime of an entry.
const TTL: Duration = Duration::from_millis(250);
/// The maximum number of entries. If more keys are in use within [`TTL`], the
/// values of the surplus keys are read each time.
const ENTRIES_MAX: usize = 1_024;

/// Cached values by `K`.
pub(in crate::store) struct TtlCache<K, V> {
    entries: Mutex<CacheEntries<K, V>>,
}

struct CacheEntries<K, V> {
    /// The number of complete invalidations.
    invalidations: u64,
    answers: HashMap<K, (Instant, V)>,
}

/// The state of the cache when a read began.
#[derive(Clone, Copy)]
pub(in crate::store) struct ReadStamp {
    number: u64,
    began: Instant,
}

impl<K, V> Default for TtlCache<K, V> {
    fn default() -> Self {
        let kept = CacheEntries {
            invalidations: 0,
            answers: HashMap::new(),
        };
        Self {
            entries: Mutex::new(kept),
        }
    }
}

impl<K, V> TtlCache<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    /// Returns the cached value; else the stamp to pass to [`Self::insert`]
    /// after a read.
    pub(in crate::store) fn get(&self, key: &K, now: Instant) -> Result<V, ReadStamp> {
        let kept = self.entries.lock();
        match kept.answers.get(key) {
            Some((read, answer)) if now.duration_since(*read) < TTL => Ok(answer.clone()),
            _ => Err(ReadStamp {
                number: kept.invalidations,
                began: now,
            }),
        }
    }

    /// Caches a value that was read since the stamp, unless the cache was
    /// invalidated since.
    pub(in crate::store) fn insert(&self, since: ReadStamp, key: K, answer: V) {
        let mut kept = self.entries.lock();
        if kept.invalidations != since.number {
            return;
        }
        if kept.answers.len() >= ENTRIES_MAX {
            let fresh = |read: &Instant| since.began.duration_since(*read) < TTL;
            kept.answers.retain(|_, (read, _)| fresh(read));
            if kept.answers.len() >= ENTRIES_MAX {
                return;
            }
        }
        kept.answers.insert(key, (since.began, answer));
    }

    /// Removes one entry.
    pub(in crate::store) fn invalidate(&self, key: &K) {
        self.entries.lock().answers.remove(key);
    }

    /// Removes all entries and makes reads that are in progress uncacheable.
    pub(in crate::store) fn invalidate_all(&self) {
        let mut kept = self.entries.lock();
        kept.invalidations += 1;
        kept.answers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_value_expires() {
        let (recent, now) = (TtlCache::default(), Instant::now());
        let since = recent.get(&1, now).unwrap_err();
        recent.insert(since, 1, "one");
        assert_eq!(recent.get(&1, now + TTL / 2).ok(), Some("one"));
        assert!(recent.get(&2, now).is_err());
        assert!(recent.get(&1, now + TTL).is_err());
    }

    #[test]
    fn invalidation_discards_reads_in_progress() {
        let (recent, now) = (TtlCache::default(), Instant::now());
        recent.insert(recent.get(&1, now).unwrap_err(), 1, "before");
        recent.invalidate_all();
        let since = recent.get(&1, now).unwrap_err();
        recent.invalidate_all();
        recent.insert(since, 1, "before");
        recent.insert(recent.get(&1, now).unwrap_err(), 1, "after");
        assert_eq!(recent.get(&1, now).ok(), Some("after"));
        recent.invalidate(&1);
        assert!(recent.get(&1, now).is_err());
    }

    #[test]
    fn cache_size_is_bounded() {
        let (recent, now) = (TtlCache::default(), Instant::now());
        for key in 0..=ENTRIES_MAX {
            recent.insert(recent.get(&key, now).unwrap_err(), key, key);
        }
        assert!(recent.get(&0, now).is_ok());
        let later = now + TTL;
        recent.insert(
            recent.get(&ENTRIES_MAX, later).unwrap_err(),
            ENTRIES_MAX,
            ENTRIES_MAX,
        );
        assert!(recent.get(&ENTRIES_MAX, later).is_ok());
        assert_eq!(recent.entries.lock().answers.len(), 1);
    }
}
