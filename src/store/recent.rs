//! What was read a moment ago, for those who ask again and again: every
//! request asks whose its login is.
//!
//! A change that is made here is seen at once: whoever makes one forgets all
//! that was read before it, and what was being read meanwhile isn't kept. A
//! change that another process makes is seen once what was read is too old.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How old an answer may be.
const HOLDS_FOR: Duration = Duration::from_millis(250);
/// The most that is kept. Where more ask within [`HOLDS_FOR`], the rest are
/// read each time.
const MOST: usize = 1_024;

/// Answers by `K`.
pub(super) struct Recent<K, V> {
    kept: Mutex<Kept<K, V>>,
}

struct Kept<K, V> {
    /// How often all was forgotten.
    era: u64,
    answers: HashMap<K, (Instant, V)>,
}

/// Since when something is being read.
#[derive(Clone, Copy)]
pub(super) struct Era {
    number: u64,
    began: Instant,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        let kept = Kept {
            era: 0,
            answers: HashMap::new(),
        };
        Self {
            kept: Mutex::new(kept),
        }
    }
}

impl<K, V> Recent<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    /// What was read a moment ago; or else, since when whoever reads it now
    /// does so.
    pub(super) fn get(&self, key: &K, now: Instant) -> Result<V, Era> {
        let kept = self.kept.lock();
        match kept.answers.get(key) {
            Some((read, answer)) if now.duration_since(*read) < HOLDS_FOR => Ok(answer.clone()),
            _ => Err(Era {
                number: kept.era,
                began: now,
            }),
        }
    }

    /// Keeps what was read since then, unless all was forgotten meanwhile.
    pub(super) fn keep(&self, since: Era, key: K, answer: V) {
        let mut kept = self.kept.lock();
        if kept.era != since.number {
            return;
        }
        if kept.answers.len() >= MOST {
            let fresh = |read: &Instant| since.began.duration_since(*read) < HOLDS_FOR;
            kept.answers.retain(|_, (read, _)| fresh(read));
            if kept.answers.len() >= MOST {
                return;
            }
        }
        kept.answers.insert(key, (since.began, answer));
    }

    /// Forgets one answer, which is to be read anew.
    pub(super) fn forget_one(&self, key: &K) {
        self.kept.lock().answers.remove(key);
    }

    /// Forgets all of it, since some of it changed.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.lock();
        kept.era += 1;
        kept.answers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_moment() {
        let (recent, now) = (Recent::default(), Instant::now());
        let since = recent.get(&1, now).unwrap_err();
        recent.keep(since, 1, "one");
        assert_eq!(recent.get(&1, now + HOLDS_FOR / 2).ok(), Some("one"));
        assert!(recent.get(&2, now).is_err());
        assert!(recent.get(&1, now + HOLDS_FOR).is_err());
    }

    #[test]
    fn a_change_is_seen_at_once_also_amid_a_reading() {
        let (recent, now) = (Recent::default(), Instant::now());
        recent.keep(recent.get(&1, now).unwrap_err(), 1, "before");
        recent.forget();
        let since = recent.get(&1, now).unwrap_err();
        recent.forget();
        recent.keep(since, 1, "before");
        recent.keep(recent.get(&1, now).unwrap_err(), 1, "after");
        assert_eq!(recent.get(&1, now).ok(), Some("after"));
        recent.forget_one(&1);
        assert!(recent.get(&1, now).is_err());
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let (recent, now) = (Recent::default(), Instant::now());
        for key in 0..=MOST {
            recent.keep(recent.get(&key, now).unwrap_err(), key, key);
        }
        assert!(recent.get(&0, now).is_ok());
        let later = now + HOLDS_FOR;
        recent.keep(recent.get(&MOST, later).unwrap_err(), MOST, MOST);
        assert!(recent.get(&MOST, later).is_ok());
        assert_eq!(recent.kept.lock().answers.len(), 1);
    }
}
