//! A history and its people's marks, kept by hand.

use serde_json::Value;

#[derive(Clone, Copy, Debug)]
struct Said {
    id: i64,
    /// None of a system message.
    sender: Option<usize>,
    is_withdrawn: bool,
}

/// How somebody stands to it; a place is how many messages stand before.
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
    /// Whether its title is another one than at first.
    pub(super) is_renamed: bool,
    people: [Option<Mine>; 3],
}

/// Two groups of three, and a conversation of two.
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
            is_withdrawn: false,
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

    /// What one can see after one's read mark: not one's own, not withdrawn,
    /// no system messages.
    pub(super) fn unread(&self, who: usize) -> i64 {
        let Some(mine) = self.people[who] else {
            return 0;
        };
        let last = mine.left.unwrap_or(self.history.len());
        let after = self.history[mine.read.min(last)..last].iter();
        let waiting = after
            .filter(|said| !said.is_withdrawn && said.sender.is_some_and(|sender| sender != who));
        waiting.count() as i64
    }

    pub(super) fn sent(&mut self, who: usize, message: &Value) {
        self.history.push(Said {
            id: message["id"].as_i64().unwrap(),
            sender: Some(who),
            is_withdrawn: false,
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

    /// Somebody comes with the message that says so.
    pub(super) fn joined(&mut self, who: usize) {
        let (joined, read) = (self.history.len() - 1, self.history.len());
        let mine = Mine {
            joined,
            read,
            ..Mine::default()
        };
        self.people[who] = Some(mine);
    }

    /// Somebody goes with the message that says so.
    pub(super) fn left(&mut self, who: usize) {
        self.mine(who).left = Some(self.history.len());
    }

    pub(super) fn read(&mut self, who: usize, message: i64) {
        let at = self.history.iter().position(|said| said.id == message);
        let mine = self.mine(who);
        mine.read = mine.read.max(at.unwrap() + 1);
    }

    pub(super) fn withdrawn(&mut self, message: i64) {
        let mut history = self.history.iter_mut();
        let said = history.find(|said| said.id == message).unwrap();
        said.is_withdrawn = true;
    }

    /// One of the newest messages that somebody sees.
    pub(super) fn visible(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let mut said = seen.iter().rev().filter(|said| said.sender.is_some());
        said.nth(back).map(|said| said.id)
    }

    /// One of the newest messages that somebody sees and that are there still.
    pub(super) fn not_withdrawn(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let there = |said: &&Said| said.sender.is_some() && !said.is_withdrawn;
        let mut there = seen.iter().rev().filter(there);
        there.nth(back).map(|said| said.id)
    }

    /// One of the newest that they said, still see, and haven't withdrawn: what
    /// was before they came again is gone from view.
    pub(super) fn own(&self, who: usize, back: usize) -> Option<i64> {
        let seen = &self.history[self.people[who]?.joined..];
        let mine = |said: &&Said| said.sender == Some(who) && !said.is_withdrawn;
        let mut own = seen.iter().rev().filter(mine);
        own.nth(back).map(|said| said.id)
    }
}
