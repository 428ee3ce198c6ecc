//! Telling people who came and who went.
//!
//! However many came at once, it takes one question to the store, and one more
//! where sockets are bound to a conversation; a frame is encoded once, and a
//! session is delivered to once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use entity::{ConversationId, Millis, UserId};

use crate::engine::directory::Directory;
use crate::engine::ports::Frame;
use crate::protocol::Event;
use crate::store::{Acquaintances, Result, Status, Store};

/// What is to be told.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// How each of those who came or went stands now.
    pub changed: Vec<(UserId, Status)>,
    /// Those who know each other from now on.
    pub introduced: BTreeSet<(UserId, UserId)>,
}

impl News {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.introduced.is_empty()
    }

    /// The same with the times at which users were last seen as they are
    /// stored.
    pub(super) fn as_stored(&self, seen: &[(UserId, Millis)]) -> Self {
        let seen: HashMap<UserId, Millis> = seen.iter().copied().collect();
        let mut news = self.clone();
        for (user, status) in &mut news.changed {
            if let (false, Some(at)) = (status.is_online, seen.get(user)) {
                *status = Status::gone(*at);
            }
        }
        news
    }

    fn introduces(&self, one: UserId, two: UserId) -> bool {
        self.introduced.contains(&(one, two)) || self.introduced.contains(&(two, one))
    }
}

/// Tells news to everybody here who may know it.
#[derive(Clone)]
pub struct Teller {
    pub store: Store,
    pub directory: Directory,
}

/// Who is told of whom, in the order of their ids.
type Told = BTreeMap<UserId, Vec<UserId>>;

impl Teller {
    /// Tells it, once all that it takes is read: where that fails, nothing
    /// was told.
    ///
    /// Who opens a socket meanwhile either is found here or reads what is
    /// written already, since a session enters the Directory before it reads.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn tell(&self, news: &News) -> Result<()> {
        if news.is_empty() || self.directory.is_empty() {
            return Ok(());
        }
        let statuses = self.statuses(news).await?;
        let subjects: Vec<UserId> = statuses.keys().copied().collect();
        let known = self.store.acquaintances(&subjects).await?;
        let (frames, told) = self.concerned(news, &statuses, &known);
        let bound = self.bound(&told).await?;
        for (subjects, viewers) in alike(told) {
            let frames = subjects.iter().filter_map(|user| frames.get(user));
            let frames: Arc<[Frame]> = frames.cloned().collect();
            self.directory.deliver(viewers, &frames);
        }
        for ((conversation, subjects), viewers) in bound {
            let frames = subjects.iter().filter_map(|user| frames.get(user));
            let frames = frames.map(|frame| Frame {
                conversation: Some(conversation),
                ..frame.clone()
            });
            let frames: Arc<[Frame]> = frames.collect();
            for viewer in viewers {
                self.directory.deliver_bound(viewer, conversation, &frames);
            }
        }
        Ok(())
    }

    /// How everybody stands of whom something is to be told. Who was never
    /// here and is introduced has no row yet.
    async fn statuses(&self, news: &News) -> Result<BTreeMap<UserId, Status>> {
        let mut statuses: BTreeMap<UserId, Status> = news.changed.iter().copied().collect();
        let introduced = news.introduced.iter().flat_map(|(one, two)| [*one, *two]);
        let others: BTreeSet<UserId> = introduced
            .filter(|user| !statuses.contains_key(user))
            .collect();
        if !others.is_empty() {
            let others: Vec<UserId> = others.into_iter().collect();
            statuses.extend(others.iter().map(|user| (*user, Status::default())));
            statuses.extend(self.store.statuses(&others).await?);
        }
        Ok(statuses)
    }

    /// A frame for each of whom anybody here is to hear, and who hears of
    /// whom.
    fn concerned(
        &self,
        news: &News,
        statuses: &BTreeMap<UserId, Status>,
        known: &Acquaintances,
    ) -> (HashMap<UserId, Frame>, Told) {
        let changed: HashSet<UserId> = news.changed.iter().map(|(user, _)| *user).collect();
        let viewers: HashSet<UserId> = known.pairs.iter().map(|(_, viewer)| *viewer).collect();
        let viewers: Vec<UserId> = viewers.into_iter().collect();
        let here: HashSet<UserId> = self.directory.present(&viewers).into_iter().collect();
        let mut frames = HashMap::new();
        let mut told = Told::new();
        for (subject, viewer) in known.pairs.iter().copied() {
            if !here.contains(&viewer)
                || !changed.contains(&subject) && !news.introduces(subject, viewer)
            {
                continue;
            }
            let (Some(status), Some(username)) =
                (statuses.get(&subject), known.usernames.get(&subject))
            else {
                continue;
            };
            // They come in order.
            told.entry(viewer).or_default().push(subject);
            frames
                .entry(subject)
                .or_insert_with(|| frame((subject, username.clone()), *status));
        }
        (frames, told)
    }

    /// What sockets hear that are bound to a conversation: of its people only.
    async fn bound(
        &self,
        told: &Told,
    ) -> Result<BTreeMap<(ConversationId, Vec<UserId>), Vec<UserId>>> {
        let mut found = BTreeMap::<_, Vec<UserId>>::new();
        let viewers: Vec<UserId> = told.keys().copied().collect();
        let bound = self.directory.bound(&viewers);
        if bound.is_empty() {
            return Ok(found);
        }
        let subjects: BTreeSet<UserId> = told.values().flatten().copied().collect();
        let subjects: Vec<UserId> = subjects.into_iter().collect();
        let rooms = self.store.rooms_of(&subjects).await?;
        let rooms: HashSet<(UserId, ConversationId)> = rooms.into_iter().collect();
        for (viewer, conversation) in bound {
            let subjects = told.get(&viewer).into_iter().flatten().copied();
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

/// Those who hear the same share one delivery.
fn alike(told: Told) -> BTreeMap<Vec<UserId>, Vec<UserId>> {
    let mut alike = BTreeMap::<_, Vec<UserId>>::new();
    for (viewer, subjects) in told {
        alike.entry(subjects).or_default().push(viewer);
    }
    alike
}

fn frame((user_id, username): (UserId, String), status: Status) -> Frame {
    Frame::passing(&Event::UserStatus {
        user_id,
        username,
        is_online: status.is_online,
        last_seen: status.last_seen,
    })
}
