//! Sends status changes to the users who may see them.
//!
//! A flush takes one query, and one more if sockets are bound to a
//! conversation, however many users changed. A frame is encoded once, and a
//! session gets one delivery.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::{ConversationId, Millis, UserId};

use crate::engine::directory::Directory;
use crate::engine::ports::EventFrame;
use crate::protocol::ServerEvent;
use crate::store::{PresenceAudience, PresenceRecord, Result, Store};

/// The status changes of one flush.
#[derive(Clone, Debug, Default)]
pub struct StatusChanges {
    /// The new status of each user who came online or went offline.
    pub changed: Vec<(UserId, PresenceRecord)>,
    /// Pairs of users who know each other from now on.
    pub new_pairs: BTreeSet<(UserId, UserId)>,
}

impl StatusChanges {
    /// Returns whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.new_pairs.is_empty()
    }

    /// Returns the changes with the last-seen times that the store has.
    pub(super) fn with_stored_times(&self, seen: &[(UserId, Millis)]) -> Self {
        let seen: HashMap<UserId, Millis> = seen.iter().copied().collect();
        let mut news = self.clone();
        for (user, status) in &mut news.changed {
            if let (false, Some(at)) = (status.is_online, seen.get(user)) {
                *status = PresenceRecord::offline_since(*at);
            }
        }
        news
    }

    fn has_pair(&self, one: UserId, two: UserId) -> bool {
        self.new_pairs.contains(&(one, two)) || self.new_pairs.contains(&(two, one))
    }
}

/// Sends status changes to the sessions of users who may see them.
#[derive(Clone)]
pub struct PresenceNotifier {
    pub store: Store,
    pub directory: Directory,
}

/// The users whose status each viewer gets, in the order of their ids.
type SubjectsByViewer = BTreeMap<UserId, Vec<UserId>>;

impl PresenceNotifier {
    /// Sends the changes after reading everything they need: if that fails,
    /// nothing was sent.
    ///
    /// A session that opens meanwhile gets the frames or reads the stored
    /// status, since it enters the Directory before it reads.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn notify_viewers(&self, news: &StatusChanges) -> Result<()> {
        if news.is_empty() || self.directory.is_empty() {
            return Ok(());
        }
        let statuses = self.load_statuses(news).await?;
        let subjects: Vec<UserId> = statuses.keys().copied().collect();
        let known = self.store.presence().load_audience(&subjects).await?;
        let (frames, subjects_by_viewer) = self.build_frames(news, &statuses, &known);
        let bound = self.group_bound_viewers(&subjects_by_viewer).await?;
        for (subjects, viewers) in group_by_subjects(subjects_by_viewer) {
            let frames = subjects.iter().filter_map(|user| frames.get(user));
            let frames: Arc<[EventFrame]> = frames.cloned().collect();
            self.directory.deliver(viewers, &frames);
        }
        for ((conversation, subjects), viewers) in bound {
            let frames = subjects.iter().filter_map(|user| frames.get(user));
            let frames = frames.map(|frame| EventFrame {
                conversation: Some(conversation),
                ..frame.clone()
            });
            let frames: Arc<[EventFrame]> = frames.collect();
            for viewer in viewers {
                self.directory.deliver_bound(viewer, conversation, &frames);
            }
        }
        Ok(())
    }

    /// Loads the status of each user in the changes. A new pair's user who was
    /// never online has no row yet.
    async fn load_statuses(
        &self,
        news: &StatusChanges,
    ) -> Result<BTreeMap<UserId, PresenceRecord>> {
        let mut statuses: BTreeMap<UserId, PresenceRecord> = news.changed.iter().copied().collect();
        let paired = news.new_pairs.iter().flat_map(|(one, two)| [*one, *two]);
        let others: BTreeSet<UserId> = paired.filter(|user| !statuses.contains_key(user)).collect();
        if !others.is_empty() {
            let others: Vec<UserId> = others.into_iter().collect();
            statuses.extend(others.iter().map(|user| (*user, PresenceRecord::default())));
            statuses.extend(self.store.presence().load_statuses(&others).await?);
        }
        Ok(statuses)
    }

    /// Encodes a frame for each user whose status has a viewer with sessions,
    /// and lists the users whose frames each viewer gets.
    fn build_frames(
        &self,
        news: &StatusChanges,
        statuses: &BTreeMap<UserId, PresenceRecord>,
        known: &PresenceAudience,
    ) -> (HashMap<UserId, EventFrame>, SubjectsByViewer) {
        let changed: HashSet<UserId> = news.changed.iter().map(|(user, _)| *user).collect();
        let viewers: HashSet<UserId> = known.pairs.iter().map(|(_, viewer)| *viewer).collect();
        let viewers: Vec<UserId> = viewers.into_iter().collect();
        let present: HashSet<UserId> = self
            .directory
            .filter_present(&viewers)
            .into_iter()
            .collect();
        let mut frames = HashMap::new();
        let mut subjects_by_viewer = SubjectsByViewer::new();
        for (subject, viewer) in known.pairs.iter().copied() {
            if !present.contains(&viewer)
                || !changed.contains(&subject) && !news.has_pair(subject, viewer)
            {
                continue;
            }
            let (Some(status), Some(username)) =
                (statuses.get(&subject), known.usernames.get(&subject))
            else {
                continue;
            };
            // The pairs are sorted, so the subjects are too.
            subjects_by_viewer.entry(viewer).or_default().push(subject);
            frames
                .entry(subject)
                .or_insert_with(|| status_frame(subject, username.clone(), *status));
        }
        (frames, subjects_by_viewer)
    }

    /// Groups viewers who have sockets bound to a conversation. Such a socket
    /// gets only the statuses of the conversation's members.
    async fn group_bound_viewers(
        &self,
        subjects_by_viewer: &SubjectsByViewer,
    ) -> Result<BTreeMap<(ConversationId, Vec<UserId>), Vec<UserId>>> {
        let mut found = BTreeMap::<_, Vec<UserId>>::new();
        let viewers: Vec<UserId> = subjects_by_viewer.keys().copied().collect();
        let bound = self.directory.bound_conversations(&viewers);
        if bound.is_empty() {
            return Ok(found);
        }
        let subjects: BTreeSet<UserId> = subjects_by_viewer.values().flatten().copied().collect();
        let subjects: Vec<UserId> = subjects.into_iter().collect();
        let rooms = self.store.presence().list_rooms(&subjects).await?;
        let rooms: HashSet<(UserId, ConversationId)> = rooms.into_iter().collect();
        for (viewer, conversation) in bound {
            let subjects = subjects_by_viewer
                .get(&viewer)
                .into_iter()
                .flatten()
                .copied();
            let takes_part = |user: &UserId| rooms.contains(&(*user, conversation));
            let subjects: Vec<UserId> = subjects.filter(takes_part).collect();
            if !subjects.is_empty() {
                let key = (conversation, subjects);
                found.entry(key).or_default().push(viewer);
            }
        }
        Ok(found)
    }
}

/// Groups viewers who get the same statuses: they share one delivery.
fn group_by_subjects(subjects_by_viewer: SubjectsByViewer) -> BTreeMap<Vec<UserId>, Vec<UserId>> {
    let mut alike = BTreeMap::<_, Vec<UserId>>::new();
    for (viewer, subjects) in subjects_by_viewer {
        alike.entry(subjects).or_default().push(viewer);
    }
    alike
}

fn status_frame(user_id: UserId, username: String, status: PresenceRecord) -> EventFrame {
    EventFrame::transient(&ServerEvent::UserStatus {
        user_id,
        username,
        is_online: status.is_online,
        last_seen: status.last_seen,
    })
}
