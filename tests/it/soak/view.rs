//! A client's view of its conversations, which checks each frame that it
//! applies.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use super::conversation_state::Standing;

/// Fields of a message that markers change without a new frame for it.
const READ_FROM_MARKS: [&str; 4] = ["status", "delivered_at", "is_read", "read_at"];

/// All conversations of one client.
#[derive(Default)]
pub(super) struct View {
    conversations: HashMap<i64, Conversation>,
    /// Whether the replay is complete. Until then, live frames may be repeated.
    is_synced: bool,
    /// The last frames received, for failure messages.
    trail: VecDeque<String>,
}

#[derive(Default)]
struct Conversation {
    messages: BTreeMap<i64, Value>,
    /// The highest version received: the cursor of the next resume.
    version: i64,
    /// The version that the last replay reached.
    resumed: i64,
    /// The `seq` of the newest message sent to all members, without echoes of
    /// this client's retries. `None` if the next message sets it.
    last: Option<i64>,
    /// Whether live frames follow without a gap from now on. A replay is in
    /// `seq` order, so its versions don't show its progress.
    is_live: bool,
    /// The version up to which REST returned everything. Live frames may be
    /// behind it.
    read: i64,
    /// The `seq` of the newest message from before the user rejoined. The user
    /// no longer sees it, but the answer to its deletion may arrive late.
    outside: i64,
    /// `None` until the client receives the conversation.
    standing: Option<Standing>,
}

impl View {
    /// Adds a frame to the trail.
    pub(super) fn record_frame(&mut self, frame: &Value) {
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

    /// Returns the unread total of the conversations that the user is in.
    pub(super) fn total(&self) -> i64 {
        let standings = self
            .conversations
            .values()
            .filter_map(|it| it.standing.as_ref());
        standings.map(Standing::waiting).sum()
    }

    /// Returns the conversations that the user may send to.
    pub(super) fn open(&self) -> Vec<i64> {
        let is_open = |id: &i64| {
            let standing = self.conversations[id].standing.as_ref();
            standing.is_some_and(|it| !it.has_left())
        };
        self.ids().into_iter().filter(is_open).collect()
    }

    /// Returns the cursors for a resume. Each cursor is one below the last
    /// version: the connection may have ended between two frames of one change.
    pub(super) fn cursors(&self) -> Value {
        let cursors = self.conversations.iter().map(|(id, it)| {
            let known = it.version - 1;
            (id.to_string(), json!(known.max(it.resumed)))
        });
        cursors.collect::<serde_json::Map<_, _>>().into()
    }

    /// Handles a lost connection: until the next replay ends, frames aren't
    /// checked for gaps and repetitions.
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

    /// Adds a history read over REST. Frames received during the request are
    /// newer than the history.
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

    /// Applies a `resumed` frame: the replay is complete.
    pub(super) fn resumed(&mut self, frame: &Value) {
        let id = number(frame, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        let version = number(frame, "version");
        (conversation.version, conversation.resumed) = (version, version);
        conversation.last = Some(number(&frame["conversation"], "last_seq"));
        conversation.standing = Some(Standing::told(&frame["conversation"]));
        conversation.is_live = true;
    }

    /// Applies a `conversation` frame. After a rejoin, the history begins with
    /// the next message.
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

    /// Applies a change to a conversation's standing.
    pub(super) fn stands(&mut self, id: i64, change: impl FnOnce(&mut Standing)) {
        let conversation = self.conversations.get_mut(&id);
        if let Some(standing) = conversation.and_then(|it| it.standing.as_mut()) {
            change(standing);
        }
    }

    /// Handles a removal: later frames concern only messages that are still
    /// visible.
    pub(super) fn removed(&mut self, id: i64) {
        self.stands(id, Standing::removed);
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.is_live = false;
        }
    }

    /// Records that a change took this version.
    pub(super) fn version(&mut self, id: i64, version: i64) {
        let conversation = self.conversations.entry(id).or_default();
        if conversation.is_live {
            conversation.version = conversation.version.max(version);
        }
    }

    /// Applies a `message` frame.
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
            self.check(version > known, "received twice", message);
        }
        self.put(message);
        self.passes(message);
    }

    fn told_last(&self, message: &Value) -> Option<i64> {
        let id = number(message, "conversation_id");
        self.conversations.get(&id).map_or(Some(0), |it| it.last)
    }

    /// Advances the newest message if this one is next. The user's own message
    /// may be known already.
    pub(super) fn passes(&mut self, message: &Value) {
        let id = number(message, "conversation_id");
        let conversation = self.conversations.entry(id).or_default();
        let seq = number(message, "seq");
        if conversation.last.is_none_or(|last| seq == last + 1) {
            conversation.last = Some(seq);
        }
    }

    /// Applies a `message_updated` frame. Messages that quote a changed one are
    /// updated in the same version.
    pub(super) fn updated(&mut self, message: &Value) {
        let version = number(message, "version");
        let (is_live, known) = self.standing(message);
        let id = number(message, "conversation_id");
        let outside = self.conversations.get(&id).map_or(0, |it| it.outside);
        if is_live && number(message, "seq") > outside {
            self.check(!self.knows(message), "received twice", message);
            self.check(version >= known, "out of order", message);
        }
        self.put(message);
    }

    /// Returns whether the frame must continue a live conversation without a
    /// gap, and the conversation's highest received version.
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

    /// Whether the view has this version of the message or a newer one.
    pub(super) fn knows(&self, message: &Value) -> bool {
        let id = number(message, "conversation_id");
        let messages = self.conversations.get(&id).map(|it| &it.messages);
        let known = messages.and_then(|it| it.get(&number(message, "seq")));
        known.is_some_and(|known| number(known, "version") >= number(message, "version"))
    }

    /// Returns one of the newest text messages, chosen by `at`; if `sender` is
    /// given, only theirs.
    pub(super) fn pick(&self, id: i64, sender: Option<&str>, at: u64) -> Option<&Value> {
        let messages = self.conversations.get(&id)?.messages.values();
        let theirs: Vec<&Value> = messages
            .filter(|it| sender.is_none_or(|sender| it["sender"]["username"] == sender))
            .filter(|it| it["kind"] == "text" && it["deleted"] == false)
            .collect();
        let newest = theirs.iter().rev().take(20).collect::<Vec<_>>();
        newest.get(at as usize % newest.len().max(1)).map(|it| **it)
    }

    /// Returns the newest message.
    pub(super) fn last(&self, id: i64) -> Option<&Value> {
        self.conversations.get(&id)?.messages.values().next_back()
    }

    /// Returns the first difference to the stored state, including status and
    /// counts. Messages from before a rejoin are ignored.
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
        let is_like = |(mine, theirs): &(&Value, &Value)| {
            if has_left {
                is_like_as_of_leaving(mine, theirs)
            } else {
                without_marks((*mine).clone()) == without_marks((*theirs).clone())
            }
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

/// Compares a former member's message with the stored one. The server returns
/// text and reactions from the time of the leave, or none. Deletions still
/// reach former members.
fn is_like_as_of_leaving(mine: &Value, theirs: &Value) -> bool {
    let (mut mine, mut theirs) = (without_marks(mine.clone()), without_marks(theirs.clone()));
    // The version includes that of the quoted text, unless this text changed
    // after the leave: then the server has neither its old state nor its version.
    let is_quote_unknown = theirs.pointer("/reply_to/text") == Some(&json!(""));
    let is_newer = is_quote_unknown || number(&theirs, "version") >= number(&mine, "version");
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
