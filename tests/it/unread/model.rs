//! A model of histories and read markers, for the expected counts.

use serde_json::Value;

#[derive(Clone, Copy, Debug)]
struct Said {
    id: i64,
    /// `None` for a system message.
    sender: Option<usize>,
    is_deleted: bool,
}

/// A member's state. `joined`, `read` and `left` are positions: the number of
/// messages before each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mine {
    joined: usize,
    read: usize,
    left: Option<usize>,
    pub(super) muted: bool,
    pub(super) archived: bool,
}

#[derive(Debug)]
pub(super) struct Room {
    history: Vec<Said>,
    /// Whether the title was changed.
    pub(super) is_renamed: bool,
    people: [Option<Mine>; 3],
}

/// Two groups of three users, and a direct conversation.
pub(super) struct Model {
    pub(super) rooms: [Room; 3],
}

impl Model {
    pub(super) fn new() -> Self {
        let group = || Room {
            history: vec![Said::system()],
            is_renamed: false,
            people: [Some(Mine::default()); 3],
        };
        let direct = Room {
            history: Vec::new(),
            is_renamed: false,
            people: [Some(Mine::default()), Some(Mine::default()), None],
        };
        Self {
            rooms: [group(), group(), direct],
        }
    }

    pub(super) fn total(&self, who: usize) -> i64 {
        let rooms = self.rooms.iter().filter(|room| {
            let mine = room.people[who];
            mine.is_some_and(|it| it.left.is_none() && !it.muted && !it.archived)
        });
        rooms.map(|room| room.unread(who)).sum()
    }
}

impl Said {
    fn system() -> Self {
        Self {
            id: 0,
            sender: None,
            is_deleted: false,
        }
    }
}

impl Room {
    pub(super) fn is_in(&self, who: usize) -> bool {
        self.people[who].is_some_and(|mine| mine.left.is_none())
    }

    pub(super) fn mine(&mut self, who: usize) -> &mut Mine {
        self.people[who].as_mut().unwrap()
    }

    /// Returns the number of visible messages after the read marker, without
    /// own, deleted and system messages.
    pub(super) fn unread(&self, who: usize) -> i64 {
        let Some(mine) = self.people[who] else {
            return 0;
        };
        let last = mine.left.unwrap_or(self.history.len());
        let after = self.history[mine.read.min(last)..last].iter();
        let waiting = after
            .filter(|said| !said.is_deleted && said.sender.is_some_and(|sender| sender != who));
        waiting.count() as i64
    }

    pub(super) fn sent(&mut self, who: usize, message: &Value) {
        self.history.push(Said {
            id: message["id"].as_i64().unwrap(),
            sender: Some(who),
            is_deleted: false,
        });
        assert_eq!(message["seq"], self.history.len(), "the model's place");
        self.mine(who).read = self.history.len();
        for mine in self.people.iter_mut().flatten() {
            mine.archived &= mine.muted || mine.left.is_some();
        }
    }

    pub(super) fn system(&mut self) {
        self.history.push(Said::system());
    }

    /// Records a join; the history already has its system message.
    pub(super) fn joined(&mut self, who: usize) {
        let (joined, read) = (self.history.len() - 1, self.history.len());
        let mine = Mine {
            joined,
            read,
            ..Mine::default()
        };
        self.people[who] = Some(mine);
    }

    /// Records a leave; the history already has its system message.
    pub(super) fn left(&mut self, who: usize) {
        self.mine(who).left = Some(self.history.len());
    }

    pub(super) fn read(&mut self, who: usize, message: i64) {
        let at = self.history.iter().position(|said| said.id == message);
        let mine = self.mine(who);
        mine.read = mine.read.max(at.unwrap() + 1);
    }

    pub(super) fn deleted(&mut self, message: i64) {
        let mut history = self.history.iter_mut();
        let said = history.find(|said| said.id == message).unwrap();
        said.is_deleted = true;
    }

    /// Returns the id of a visible text message: the newest, or `back` messages
    /// before it.
    pub(super) fn visible(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let mut said = seen.iter().rev().filter(|said| said.sender.is_some());
        said.nth(back).map(|said| said.id)
    }

    /// Returns the id of a visible text message that isn't deleted; `back` is
    /// as in [`Room::visible`].
    pub(super) fn not_deleted(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let there = |said: &&Said| said.sender.is_some() && !said.is_deleted;
        let mut there = seen.iter().rev().filter(there);
        there.nth(back).map(|said| said.id)
    }

    /// Returns the id of the user's own visible message that isn't deleted;
    /// `back` is as in [`Room::visible`]. Messages from before a rejoin are
    /// hidden.
    pub(super) fn own(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let mine = |said: &&Said| said.sender == Some(who) && !said.is_deleted;
        let mut own = seen.iter().rev().filter(mine);
        own.nth(back).map(|said| said.id)
    }
}
