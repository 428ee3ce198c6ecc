//! The live sessions: user → handles of their sessions, read at fan-out.
//!
//! A Session registers before it reads anything, and its guard's `Drop`
//! unregisters it. A Room that starts therefore finds every session, and later
//! sessions need no join message that could race with the Room.

mod backlog;
pub mod gate;
mod handle;
mod scope;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix::Recipient;
use entity::{ConversationId, LoginId, UserId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::ports::{CloseCommand, EventFrame, ProbeCommand, SessionDelivery, UnreadNotice};
use super::rates::SocketPermit;
use crate::config::Settings;
use crate::counters::Counters;
use crate::protocol::CloseCode;
pub use backlog::SessionBounds;
use backlog::TotalBacklog;
pub use handle::SessionHandle;
pub use scope::SocketScope;

/// The number of locks: with many, threads rarely wait for each other.
const SHARDS: usize = 64;

/// The bytes that an `unread` frame counts in a session's budget: an estimate,
/// since only the session can encode the frame with its total.
const UNREAD_BYTES: usize = 128;

/// All live sessions: a cheap clone.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<DirectoryInner>,
}

struct DirectoryInner {
    shards: [RwLock<HashMap<UserId, Vec<Arc<SessionHandle>>>>; SHARDS],
    sessions: AtomicUsize,
    next_id: AtomicU64,
    emptied: Notify,
    counters: Arc<Counters>,
    backlog: Arc<TotalBacklog>,
    /// Locked by the thread that evicts sessions because the total is exceeded.
    evicting: Mutex<()>,
}

impl DirectoryInner {
    fn new(counters: Arc<Counters>, bounds: SessionBounds) -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            sessions: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
            emptied: Notify::new(),
            counters,
            backlog: Arc::new(TotalBacklog::new(bounds)),
            evicting: Mutex::new(()),
        }
    }
}

/// The data with which a Session registers.
pub struct SessionEntry {
    pub user: UserId,
    pub login: LoginId,
    pub scope: SocketScope,
    pub deliver: Recipient<SessionDelivery>,
    pub close: Recipient<CloseCommand>,
    pub probe: Recipient<ProbeCommand>,
    pub permit: SocketPermit,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new(Arc::default(), SessionBounds::of(&Settings::default()))
    }
}

/// The live sessions at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    pub sessions: usize,
    pub people: usize,
    /// Bytes that sessions have not yet written.
    pub queued: usize,
    /// The largest number of unwritten bytes of one session.
    pub fullest: usize,
}

impl Directory {
    /// Returns an empty directory that counts in `counters`.
    #[must_use]
    pub fn new(counters: Arc<Counters>, bounds: SessionBounds) -> Self {
        Self {
            inner: Arc::new(DirectoryInner::new(counters, bounds)),
        }
    }

    /// Counts the sessions, shard after shard. Visits every session.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        let mut stats = SessionStats::default();
        for shard in &self.inner.shards {
            let shard = shard.read();
            stats.people += shard.len();
            for handle in shard.values().flatten() {
                let queued = handle.backlog.bytes();
                stats.sessions += 1;
                stats.queued += queued;
                stats.fullest = stats.fullest.max(queued);
            }
        }
        stats
    }

    /// Registers a session: it gets deliveries from now on, until the guard is
    /// dropped.
    #[must_use]
    pub fn register(&self, entrant: SessionEntry) -> SessionGuard {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let (backlog, counters) = (&self.inner.backlog, &self.inner.counters);
        let handle = Arc::new(SessionHandle::new(id, entrant, backlog, counters));
        self.inner.sessions.fetch_add(1, Ordering::AcqRel);
        self.inner.counters.sessions_opened.increment();
        let mut shard = self.inner.shard(handle.user).write();
        shard
            .entry(handle.user)
            .or_default()
            .push(Arc::clone(&handle));
        drop(shard);
        SessionGuard {
            directory: self.clone(),
            handle,
        }
    }

    /// Delivers frames to the users' sessions whose scope carries them.
    pub fn deliver(&self, users: impl IntoIterator<Item = UserId>, frames: &Arc<[EventFrame]>) {
        let users = users.into_iter();
        self.deliver_with_unread(users.map(|user| (user, None)), frames);
    }

    /// Delivers frames to the users' sessions, each with the user's unread
    /// count in the frames' conversation if it has changed.
    pub fn deliver_with_unread(
        &self,
        users: impl IntoIterator<Item = (UserId, Option<UnreadNotice>)>,
        frames: &Arc<[EventFrame]>,
    ) {
        let written: usize = frames.iter().map(|frame| frame.text.len()).sum();
        let mut handed = 0;
        for (user, unread) in users {
            let bytes = written + unread.map_or(0, |_| UNREAD_BYTES);
            let shard = self.inner.shard(user).read();
            for handle in shard.get(&user).into_iter().flatten() {
                let counts = unread.is_some() && !handle.scope.is_bound();
                if counts || frames.iter().any(|frame| handle.scope.carries(frame)) {
                    handed += u64::from(handle.deliver(SessionDelivery {
                        frames: Arc::clone(frames),
                        unread,
                        bytes,
                    }));
                }
            }
        }
        self.inner.counters.deliveries.add(handed);
        self.evict_slowest();
    }

    /// Evicts sessions if their unwritten bytes together exceed the total.
    /// Begins with those longest without progress, and ends when a sixteenth of
    /// the total is free.
    fn evict_slowest(&self) {
        let backlog = &self.inner.backlog;
        if !backlog.is_over() {
            return;
        }
        let Some(_alone) = self.inner.evicting.try_lock() else {
            return;
        };
        let mut waiting = self.matching_sessions(|handle| handle.backlog.counts());
        waiting.sort_by_key(|handle| handle.backlog.progress_at());
        let enough = backlog.bounds.total - backlog.bounds.total / 16;
        for handle in waiting {
            if backlog.bytes() <= enough {
                return;
            }
            handle.close_session(CloseCode::TooSlow);
        }
    }

    /// Evicts sessions that exceed their budget and make no progress.
    pub fn evict_stalled(&self) {
        // If the total counts no bytes, no session exceeds its budget.
        if self.inner.backlog.bytes() > 0 {
            for handle in self.matching_sessions(|handle| handle.backlog.counts()) {
                handle.evict_if_stalled();
            }
        }
    }

    fn matching_sessions(
        &self,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        let mut found = Vec::new();
        for shard in &self.inner.shards {
            let shard = shard.read();
            let sessions = shard.values().flatten();
            found.extend(sessions.filter(|handle| wanted(handle)).cloned());
        }
        found
    }

    /// Returns those of the users that have sessions.
    #[must_use]
    pub fn filter_present(&self, users: &[UserId]) -> Vec<UserId> {
        let users = users.iter().copied();
        users
            .filter(|user| self.inner.shard(*user).read().contains_key(user))
            .collect()
    }

    /// Delivers frames only to a user's sockets that are bound to one
    /// conversation.
    pub fn deliver_bound(
        &self,
        user: UserId,
        conversation: ConversationId,
        frames: &Arc<[EventFrame]>,
    ) {
        let bytes = frames.iter().map(|frame| frame.text.len()).sum();
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        let mut handed = 0;
        for handle in
            sessions.filter(|handle| handle.scope == SocketScope::Conversation(conversation))
        {
            handed += u64::from(handle.deliver(SessionDelivery {
                frames: Arc::clone(frames),
                unread: None,
                bytes,
            }));
        }
        self.inner.counters.deliveries.add(handed);
        self.evict_slowest();
    }

    /// Returns the conversations that these users' sockets are bound to, each
    /// once.
    #[must_use]
    pub fn bound_conversations(&self, users: &[UserId]) -> Vec<(UserId, ConversationId)> {
        let mut found = Vec::new();
        for user in users {
            let shard = self.inner.shard(*user).read();
            for handle in shard.get(user).into_iter().flatten() {
                if let SocketScope::Conversation(id) = handle.scope {
                    found.push((*user, id));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Probes the client of every session of a user; `answers` receives the ids
    /// of sessions whose clients respond.
    #[must_use]
    pub fn probe_sessions(
        &self,
        user: UserId,
        answers: &UnboundedSender<u64>,
    ) -> HashMap<u64, Arc<SessionHandle>> {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        let probed = sessions.map(|handle| {
            handle.send_probe(ProbeCommand {
                session: handle.id,
                answers: answers.clone(),
            });
            (handle.id, Arc::clone(handle))
        });
        probed.collect()
    }

    /// Returns whether there are no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.sessions.load(Ordering::Acquire) == 0
    }

    /// Closes a user's sockets that are bound to one conversation.
    pub fn close_bound(&self, user: UserId, conversation: ConversationId, code: CloseCode) {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        for handle in
            sessions.filter(|handle| handle.scope == SocketScope::Conversation(conversation))
        {
            handle.close_session(code);
        }
    }

    /// Closes the sockets of one login.
    pub fn close_login(&self, user: UserId, login: LoginId, code: CloseCode) {
        let shard = self.inner.shard(user).read();
        let sessions = shard.get(&user).into_iter().flatten();
        for handle in sessions.filter(|handle| handle.login == login) {
            handle.close_session(code);
        }
    }

    /// Closes every socket.
    pub fn close_all(&self, code: CloseCode) {
        for shard in &self.inner.shards {
            for handle in shard.read().values().flatten() {
                handle.close_session(code);
            }
        }
    }

    /// Waits until there are no sessions.
    pub async fn wait_until_empty(&self) {
        loop {
            let emptied = self.inner.emptied.notified();
            if self.inner.sessions.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn unregister(&self, handle: &SessionHandle) {
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

impl DirectoryInner {
    fn shard(&self, user: UserId) -> &RwLock<HashMap<UserId, Vec<Arc<SessionHandle>>>> {
        let at = user.0.rem_euclid(SHARDS as i64);
        #[expect(clippy::indexing_slicing, reason = "a remainder of the array's length")]
        &self.shards[usize::try_from(at).unwrap_or(0)]
    }
}

/// A session's entry in the Directory; dropping it unregisters the session.
pub struct SessionGuard {
    directory: Directory,
    handle: Arc<SessionHandle>,
}

impl std::ops::Deref for SessionGuard {
    type Target = SessionHandle;

    fn deref(&self) -> &SessionHandle {
        &self.handle
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.directory.unregister(&self.handle);
        self.handle.release_permit();
    }
}
