//! What a client makes of what it is told, and whether it may be told that.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use super::standing::Standing;

/// What changes without the message being told again: it is read from marks.
const READ_FROM_MARKS: [&str; 4] = ["status", "delivered_at", "is_read", "read_at"];

/// All conversations of one client.
#[derive(Default)]
pub(super) struct View {
    conversations: HashMap<i64, Conversation>,
    /// Whether all is replayed: before, what came live may come once more.
    is_synced: bool,
    /// What was heard last, for whoever has to find out what went wrong.
    trail: VecDeque<String>,
}

#[derive(Default)]
struct Conversation {
    messages: BTreeMap<i64, Value>,
    /// The highest version heard: what it resumes from.
    version: i64,
    /// The version that it was brought to by a replay.
    resumed: i64,
    /// The newest message that was told to all: answers to this client's own
    /// retries come beside that. None where it begins with what comes next.
    last: Option<i64>,
    /// Whether live frames follow without a gap from here on: a replay comes
    /// in the order of `seq`, so that its versions say nothing of how far it
    /// is.
    is_live: bool,
    /// What was read over REST holds everything up to this: it may be ahead of
    /// what is told.
    read: i64,
    /// The newest message from before the user was invited again: it is outside
    /// their history, and the answer to its removal may come late.
    outside: i64,
    /// None until it was told.
    standing: Option<Standing>,
}

impl View {
    /// Remembers that this was heard.
    pub(super) fn heard(&mut self, frame: &Value) {
        let message = &frame["message"];
        let line = format!(
            "{} {} seq {} version {}{} {}",
            frame["type"],
            frame["conversation_id"],
            message["seq"],
            frame["version"],
            message["version"],
            message["client_id"]
        )
        .replace("null", "");
        self.trail.push_back(line);
        if self.trail.len() > 150 {
            self.trail.pop_front();
        }
    }

    pub(super) fn trail(&self) -> &VecDeque<String> {
        &self.trail
    }

    fn check(&self, holds: bool, what: &str, message: &Value) {
        assert!(holds, "{what}: {message}\nafter {:#?}", self.trail);
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.conversations.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// What is unread in all of them that one is in.
    pub(super) fn total(&self) -> i64 {
        let standings = self
            .conversations
            .values()
            .filter_map(|it| it.standing.as_ref());
        standings.map(Standing::waiting).sum()
    }

    /// Those in which one may still say something.
    pub(super) fn open(&self) -> Vec<i64> {
        let is_open = |id: &i64| {
            let standing = self.conversations[id].standing.as_ref();
            standing.is_some_and(|it| !it.has_left())
        };
        self.ids().into_iter().filter(is_open).collect()
    }

    /// A change may be several frames, and a connection may end between them:
    /// so the last version heard is asked for once more.
    pub(super) fn cursors(&self) -> Value {
        let cursors = self.conversations.iter().map(|(id, it)| {
            let heard = it.version - 1;
            (id.to_string(), json!(heard.max(it.resumed)))
        });
        cursors.collect::<serde_json::Map<_, _>>().into()
    }

    /// A new connection: until all is replayed, anything may come.
    pub(super) fn disconnected(&mut self) {
        self.is_synced = false;
        for conversation in self.conversations.values_mut() {
            conversation.is_live = false;
        }
    }

    pub(super) fn synced(&mut self) {
        self.is_synced = true;
        for conversation in self.conversations.values_mut() {
            conversation.is_live = true;
        }
    }

    /// Read over REST: what came meanwhile by the socket is newer.
    pub(super) fn loaded(&mut self, told: &Value, history: Vec<Value>) {
        let (id, version) = (number(told, "id"), number(told, "version"));
        let conversation = self.conversations.entry(id).or_default();
        conversation.standing = Some(Standing::told(told));
        let versions = history.iter().map(|message| number(message, "version"));
        conversation.read = versions.chain([version]).max().unwrap_or(version);
        for message in history {
            conversation.last = conversation.last.max(Some(number(&message, "seq")));
            conversation.put(message);
        }
        conversation.version = conversation.version.max(version);
        conversation.resumed = conversation.resumed.max(version);
    }

    /// Its replay is complete.
    pub(super) fn resumed(&mut self, frame: &Value) {
        let id = number(frame, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        let version = number(frame, "version");
        (conversation.version, conversation.resumed) = (version, version);
        conversation.last = Some(number(&frame["conversation"], "last_seq"));
        conversation.standing = Some(Standing::told(&frame["conversation"]));
        conversation.is_live = true;
    }

    /// A `conversation` frame. Who came back to it begins with what follows.
    pub(super) fn conversation(&mut self, told: &Value) {
        let (id, version) = (number(told, "id"), number(told, "version"));
        let conversation = self.conversations.entry(id).or_default();
        let was_out = conversation
            .standing
            .as_ref()
            .is_none_or(Standing::has_left);
        conversation.standing = Some(Standing::told(told));
        if was_out && told["left"] == false {
            (conversation.version, conversation.resumed) = (version, version);
            let known = conversation.messages.keys().next_back();
            conversation.outside = known.copied().unwrap_or_default();
            conversation.last = None;
            conversation.is_live = self.is_synced;
        } else {
            self.version(id, version);
        }
    }

    /// What changes in how things stand.
    pub(super) fn stands(&mut self, id: i64, change: impl FnOnce(&mut Standing)) {
        let conversation = self.conversations.get_mut(&id);
        if let Some(standing) = conversation.and_then(|it| it.standing.as_mut()) {
            change(standing);
        }
    }

    /// Nothing more is told of it but of what is still seen.
    pub(super) fn removed(&mut self, id: i64) {
        self.stands(id, Standing::removed);
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.is_live = false;
        }
    }

    /// Something in it took this version.
    pub(super) fn version(&mut self, id: i64, version: i64) {
        let conversation = self.conversations.entry(id).or_default();
        if conversation.is_live {
            conversation.version = conversation.version.max(version);
        }
    }

    /// A `message` frame.
    pub(super) fn message(&mut self, message: &Value) {
        let (seq, version) = (number(message, "seq"), number(message, "version"));
        let (is_live, known) = self.standing(message);
        if is_live {
            let last = self.told_last(message);
            self.check(
                last.is_none_or(|last| seq == last + 1),
                &format!("not the one after {last:?}"),
                message,
            );
            self.check(version > known, "told twice", message);
        }
        self.put(message);
        self.passes(message);
    }

    fn told_last(&self, message: &Value) -> Option<i64> {
        let id = number(message, "conversation_id");
        self.conversations.get(&id).map_or(Some(0), |it| it.last)
    }

    /// One's own may be known already when it is told to all.
    pub(super) fn passes(&mut self, message: &Value) {
        let id = number(message, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        let seq = number(message, "seq");
        if conversation.last.is_none_or(|last| seq == last + 1) {
            conversation.last = Some(seq);
        }
    }

    /// A `message_updated` frame. A change takes those that quote it along, in
    /// the same version.
    pub(super) fn updated(&mut self, message: &Value) {
        let version = number(message, "version");
        let (is_live, known) = self.standing(message);
        let id = number(message, "conversation_id");
        let outside = self.conversations.get(&id).map_or(0, |it| it.outside);
        if is_live && number(message, "seq") > outside {
            self.check(!self.knows(message), "told twice", message);
            self.check(version >= known, "out of order", message);
        }
        self.put(message);
    }

    /// Whether it has to be the next in a conversation that is live, and the
    /// highest version heard there.
    fn standing(&mut self, message: &Value) -> (bool, i64) {
        let id = number(message, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        let is_new = number(message, "version") > conversation.read;
        (conversation.is_live && is_new, conversation.version)
    }

    fn put(&mut self, message: &Value) {
        let id = number(message, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        conversation.put(message.clone());
        self.version(id, number(message, "version"));
    }

    /// It is known as this, or as something newer.
    pub(super) fn knows(&self, message: &Value) -> bool {
        let id = number(message, "conversation_id");
        let messages = self.conversations.get(&id).map(|it| &it.messages);
        let known = messages.and_then(|it| it.get(&number(message, "seq")));
        known.is_some_and(|known| number(known, "version") >= number(message, "version"))
    }

    /// One of somebody's messages, if there are any.
    pub(super) fn pick(&self, id: i64, sender: Option<&str>, at: u64) -> Option<&Value> {
        let messages = self.conversations.get(&id)?.messages.values();
        let theirs: Vec<&Value> = messages
            .filter(|it| sender.is_none_or(|sender| it["sender"]["username"] == sender))
            .filter(|it| it["kind"] == "text" && it["deleted"] == false)
            .collect();
        let newest = theirs.iter().rev().take(20).collect::<Vec<_>>();
        newest.get(at as usize % newest.len().max(1)).map(|it| **it)
    }

    /// The newest message.
    pub(super) fn last(&self, id: i64) -> Option<&Value> {
        self.conversations.get(&id)?.messages.values().next_back()
    }

    /// In what it isn't what is on disk, ticks and counts and all. What there
    /// was before one came back to it is no longer one's own.
    pub(super) fn unlike(&self, now: &Value, history: &[Value], me: &str) -> Option<String> {
        let conversation = &self.conversations[&number(now, "id")];
        let first = history.first().map_or(i64::MAX, |it| number(it, "seq"));
        let mine: Vec<&Value> = conversation
            .messages
            .range(first..)
            .map(|it| it.1)
            .collect();
        if mine.len() != history.len() {
            return Some(format!("{} messages and not {}", mine.len(), history.len()));
        }
        let both = || mine.iter().copied().zip(history);
        let has_left = now["left"] == true;
        let is_like = |(mine, theirs): &(&Value, &Value)| match has_left {
            true => is_like_as_of_leaving(mine, theirs),
            false => without_marks((*mine).clone()) == without_marks((*theirs).clone()),
        };
        if let Some((mine, theirs)) = both().find(|both| !is_like(both)) {
            return Some(format!("{mine} and not {theirs}"));
        }
        let own: Vec<_> = both()
            .filter(|(_, it)| it["sender"]["username"] == me)
            .filter(|(_, it)| it["kind"] == "text" && it["deleted"] == false)
            .collect();
        let standing = conversation.standing.as_ref();
        standing.map_or_else(|| Some("untold".to_owned()), |it| it.unlike(now, me, &own))
    }
}

impl Conversation {
    fn put(&mut self, message: Value) {
        let seq = number(&message, "seq");
        let known = self.messages.get(&seq);
        if known.is_none_or(|known| number(known, "version") <= number(&message, "version")) {
            self.messages.insert(seq, message);
        }
    }
}

pub(super) fn number(value: &Value, name: &str) -> i64 {
    value[name]
        .as_i64()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

/// What a former member was told, and what the server knows of that moment: the
/// text and reactions of then, or nothing of them. A deletion reaches them.
fn is_like_as_of_leaving(mine: &Value, theirs: &Value) -> bool {
    let (mut mine, mut theirs) = (without_marks(mine.clone()), without_marks(theirs.clone()));
    let is_newer = number(&theirs, "version") >= number(&mine, "version");
    for message in [&mut mine, &mut theirs] {
        let fields = message.as_object_mut().unwrap();
        for name in ["version", "edited_at", "reactions"] {
            fields.remove(name);
        }
    }
    for text in ["/text", "/reply_to/text"] {
        let is_unknown = theirs.pointer(text).is_some_and(|text| text == "");
        if is_unknown && let Some(mine) = mine.pointer_mut(text) {
            *mine = json!("");
        }
    }
    is_newer && mine == theirs
}

fn without_marks(mut message: Value) -> Value {
    let fields = message.as_object_mut().unwrap();
    for name in READ_FROM_MARKS {
        fields.remove(name);
    }
    message
}
