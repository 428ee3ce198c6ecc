//! Who is here: user → handles of their live sessions, read at fan-out.
//!
//! A Session enters before it reads anything and leaves by its guard's
//! `Drop`. So a Room that starts finds everybody who is here, and who comes
//! later is simply there: no joining, no leaving, no race between the two.

mod backlog;
pub mod gate;
mod handle;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix::Recipient;
use entity::{ConversationId, LoginId, UserId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::ports::{Close, Deliver, Frame, Probe, Reach, Unread};
use super::rates::Seat;
use crate::config::Settings;
use crate::counters::Counters;
use crate::protocol::CloseCode;
pub use backlog::SessionBounds;
use backlog::TotalBacklog;
pub use handle::Handle;

/// A power of two: readers of different users hardly ever meet.
const SHARDS: usize = 64;

/// What an `unread` frame weighs in a session's budget: it is encoded only by
/// the session, whose total it tells, and it comes alone where nothing else is
/// told.
const UNREAD_BYTES: usize = 128;

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// One conversation.
    Conversation(ConversationId),
    /// The user's news: counts, statuses, connections, conversations, and
    /// each new message.
    Notifications,
    /// Everything of the user.
    Everything,
}

impl Door {
    /// Whether a frame is for it.
    #[must_use]
    pub fn carries(self, frame: &Frame) -> bool {
        match self {
            Self::Everything => true,
            Self::Notifications => frame.reach == Reach::News,
            Self::Conversation(id) => frame.conversation == Some(id),
        }
    }

    /// Whether it is bound to one conversation.
    #[must_use]
    pub fn is_bound(self) -> bool {
        matches!(self, Self::Conversation(_))
    }
}

/// Everybody who is here: a cheap clone.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    shards: [RwLock<HashMap<UserId, Vec<Arc<Handle>>>>; SHARDS],
    sessions: AtomicUsize,
    next_id: AtomicU64,
    emptied: Notify,
    counters: Arc<Counters>,
    backlog: Arc<TotalBacklog>,
    /// Held by the thread that lets sessions go because of the total.
    relieving: Mutex<()>,
}

impl Inner {
    fn new(counters: Arc<Counters>, bounds: SessionBounds) -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            sessions: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
            emptied: Notify::new(),
            counters,
            backlog: Arc::new(TotalBacklog::new(bounds)),
            relieving: Mutex::new(()),
        }
    }
}

/// What a Session enters with.
pub struct Entrant {
    pub user: UserId,
    pub login: LoginId,
    pub door: Door,
    pub deliver: Recipient<Deliver>,
    pub close: Recipient<Close>,
    pub probe: Recipient<Probe>,
    pub seat: Seat,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new(Arc::default(), SessionBounds::of(&Settings::default()))
    }
}

/// Who is here at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub sessions: usize,
    pub people: usize,
    /// Bytes that wait for sessions to be written.
    pub queued: usize,
    /// The most that waits for one of them.
    pub fullest: usize,
}

impl Directory {
    /// One that is empty, and counts there.
    #[must_use]
    pub fn new(counters: Arc<Counters>, bounds: SessionBounds) -> Self {
        Self {
            inner: Arc::new(Inner::new(counters, bounds)),
        }
    }

    /// Looks who is here, shard after shard: a look at each session.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for shard in &self.inner.shards {
            let shard = shard.read();
            census.people += shard.len();
            for handle in shard.values().flatten() {
                let queued = handle.backlog.bytes();
                census.sessions += 1;
                census.queued += queued;
                census.fullest = census.fullest.max(queued);
            }
        }
        census
    }

    /// Enters a session: from now on it is delivered to, until the guard is
    /// dropped.
    #[must_use]
    pub fn enter(&self, entrant: Entrant) -> Guard {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let (backlog, counters) = (&self.inner.backlog, &self.inner.counters);
        let handle = Arc::new(Handle::new(id, entrant, backlog, counters));
        self.inner.sessions.fetch_add(1, Ordering::AcqRel);
        self.inner.counters.sessions_opened.one();
        let mut shard = self.inner.shard(handle.user).write();
        shard
            .entry(handle.user)
            .or_default()
            .push(Arc::clone(&handle));
        drop(shard);
        Guard {
            directory: self.clone(),
            handle,
        }
    }

    /// Hands frames to every session of these people whose door carries them.
    pub fn deliver(&self, users: impl IntoIterator<Item = UserId>, frames: &Arc<[Frame]>) {
        let users = users.into_iter();
        self.deliver_each(users.map(|user| (user, None)), frames);
    }

    /// The same, with what waits for each of them in the conversation that
    /// the frames are about, where that has changed.
    pub fn deliver_each(
        &self,
        users: impl IntoIterator<Item = (UserId, Option<Unread>)>,
        frames: &Arc<[Frame]>,
    ) {
        let written: usize = frames.iter().map(|frame| frame.text.len()).sum();
        let mut handed = 0;
        for (user, unread) in users {
            let bytes = written + unread.map_or(0, |_| UNREAD_BYTES);
            let shard = self.inner.shard(user).read();
            for handle in shard.get(&user).into_iter().flatten() {
                let counts = unread.is_some() && !handle.door.is_bound();
                if counts || frames.iter().any(|frame| handle.door.carries(frame)) {
                    handed += u64::from(handle.deliver(Deliver {
                        frames: Arc::clone(frames),
                        unread,
                        bytes,
                    }));
                }
            }
        }
        self.inner.counters.deliveries.add(handed);
        self.relieve();
    }

    /// Lets sessions go if too much waits for all of them together: the longest
    /// without progress first, until there is some room.
    fn relieve(&self) {
        let backlog = &self.inner.backlog;
        if !backlog.is_over() {
            return;
        }
        let Some(_alone) = self.inner.relieving.try_lock() else {
            return;
        };
        let mut waiting = self.find(|handle| handle.backlog.counts());
        waiting.sort_by_key(|handle| handle.backlog.progress_at());
        let enough = backlog.bounds.total - backlog.bounds.total / 16;
        for handle in waiting {
            if backlog.bytes() <= enough {
                return;
            }
            handle.let_go(CloseCode::TooSlow);
        }
    }

    /// Lets sessions go that are above their bytes and make no progress.
    pub fn check_progress(&self) {
        // No session is above its bytes while all together are not.
        if self.inner.backlog.bytes() > 0 {
            for handle in self.find(|handle| handle.backlog.counts()) {
                handle.check_progress();
            }
        }
    }

    fn find(&self, wanted: impl Fn(&Handle) -> bool) -> Vec<Arc<Handle>> {
        let mut found = Vec::new();
        for shard in &self.inner.shards {
            let shard = shard.read();
            let sessions = shard.values().flatten();
            found.extend(sessions.filter(|handle| wanted(handle)).cloned());
        }
        found
    }

    /// Those of these people who are here.
    #[must_use]
    pub fn present(&self, users: &[UserId]) -> Vec<UserId> {
        let users = users.iter().copied();
        users
            .filter(|user| self.inner.shard(*user).read().contains_key(user))
            .collect()
    }

    /// Hands frames to a person's sockets that are bound to one conversation,
    /// and to no others.
    pub fn deliver_bound(&self, user: UserId, conversation: ConversationId, frames: &Arc<[Frame]>) {
        let bytes = frames.iter().map(|frame| frame.text.len()).sum();
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        let mut handed = 0;
        for handle in sessions.filter(|handle| handle.door == Door::Conversation(conversation)) {
            handed += u64::from(handle.deliver(Deliver {
                frames: Arc::clone(frames),
                unread: None,
                bytes,
            }));
        }
        self.inner.counters.deliveries.add(handed);
        self.relieve();
    }

    /// The conversations that these people's sockets are bound to, each once.
    #[must_use]
    pub fn bound(&self, users: &[UserId]) -> Vec<(UserId, ConversationId)> {
        let mut found = Vec::new();
        for user in users {
            let shard = self.inner.shard(*user).read();
            for handle in shard.get(user).into_iter().flatten() {
                if let Door::Conversation(id) = handle.door {
                    found.push((*user, id));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Asks every session of a user whether its client is there; the answers are
    /// the ids of those that are.
    #[must_use]
    pub fn probe(&self, user: UserId, answers: &UnboundedSender<u64>) -> HashMap<u64, Arc<Handle>> {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        let probed = sessions.map(|handle| {
            handle.ask(Probe {
                session: handle.id,
                answers: answers.clone(),
            });
            (handle.id, Arc::clone(handle))
        });
        probed.collect()
    }

    /// Whether nobody is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.sessions.load(Ordering::Acquire) == 0
    }

    /// Closes a person's sockets that are bound to one conversation.
    pub fn close_bound(&self, user: UserId, conversation: ConversationId, code: CloseCode) {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        for handle in sessions.filter(|handle| handle.door == Door::Conversation(conversation)) {
            handle.let_go(code);
        }
    }

    /// Closes the sockets of one login.
    pub fn close_login(&self, user: UserId, login: LoginId, code: CloseCode) {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        for handle in sessions.filter(|handle| handle.login == login) {
            handle.let_go(code);
        }
    }

    /// Closes every socket.
    pub fn close_all(&self, code: CloseCode) {
        for shard in &self.inner.shards {
            for handle in shard.read().values().flatten() {
                handle.let_go(code);
            }
        }
    }

    /// Waits until nobody is here.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.inner.emptied.notified();
            if self.inner.sessions.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn leave(&self, handle: &Handle) {
        let mut shard = self.inner.shard(handle.user).write();
        if let Some(sessions) = shard.get_mut(&handle.user) {
            sessions.retain(|other| other.id != handle.id);
            if sessions.is_empty() {
                shard.remove(&handle.user);
            }
        }
        drop(shard);
        if self.inner.sessions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.inner.emptied.notify_waiters();
        }
    }
}

impl Inner {
    fn shard(&self, user: UserId) -> &RwLock<HashMap<UserId, Vec<Arc<Handle>>>> {
        let at = user.0.rem_euclid(SHARDS as i64);
        #[expect(clippy::indexing_slicing, reason = "a remainder of the array's length")]
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }
}

/// A session's place in the Directory; dropping it leaves.
pub struct Guard {
    directory: Directory,
    handle: Arc<Handle>,
}

impl std::ops::Deref for Guard {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.directory.leave(&self.handle);
        self.handle.free_seat();
    }
}
