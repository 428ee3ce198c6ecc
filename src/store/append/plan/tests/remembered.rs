//! What the last batches left behind, against what would be found.

use entity::receipt;

use super::*;
use crate::store::append::Mark;
use crate::store::append::look::Place;
use crate::store::append::memory::Memory;

/// Somebody says something, and in another window marks what was said last.
fn entries() -> impl Strategy<Value = Vec<(Entry, bool)>> {
    let plain = (1..CONVERSATIONS, 1..USERS).prop_map(|(conversation, sender)| Entry {
        conversation,
        sender,
        name: None,
        answers: None,
        is_stale: false,
        is_refused: false,
    });
    let some = prop_oneof![9 => plain, 1 => entry()];
    prop::collection::vec((some, prop::bool::weighted(0.3)), 1..4)
}

fn appends(entries: &[(Entry, bool)], disk: &Disk) -> Vec<Append> {
    let appends = entries.iter().map(|(entry, marks)| {
        let mut append = entry.append();
        let row = disk.rows.get(&append.conversation);
        if let (true, Some(last)) = (marks, row.and_then(|row| row.last_message_id)) {
            let kind = receipt::Kind::Read;
            append.what = What::Mark(vec![Mark {
                kind,
                message: last,
            }]);
        }
        append
    });
    appends.collect()
}

/// What the database would be asked for beside what the model finds.
fn found(disk: &Disk) -> Found {
    let mut found = disk.found();
    for message in &disk.messages {
        let place = Place {
            conversation: message.conversation_id,
            seq: message.seq,
            ord: message.seq,
            created_at: message.created_at,
        };
        found.places.insert(message.id, place);
    }
    found
}

/// Writes what was planned.
fn write(disk: &mut Disk, plan: &Plan) {
    for (id, row) in &plan.conversations {
        disk.rows.insert(*id, row.clone());
    }
    for (key, moved) in &plan.moves {
        disk.marks.insert(*key, moved.after());
    }
    let new = plan.messages.iter();
    disk.messages
        .extend(new.map(|new| Arc::clone(&new.message)));
}

/// Whether the database takes what was planned: it has the conversations as
/// they were found, and none of the names.
fn takes(disk: &Disk, plan: &Plan) -> bool {
    let mut rows = plan.conversations.values();
    let mut new = plan.messages.iter();
    rows.all(|row| disk.rows[&row.id].clone().into_found().found == row.found)
        && new.all(|new| {
            let mut there = disk.messages.iter();
            there.all(|old| {
                let (old, new) = (&**old, &*new.message);
                old.client_id.is_none()
                    || (old.sender.id, &old.client_id) != (new.sender.id, &new.client_id)
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is changed by another door meanwhile: what the database takes
    /// is what would have been planned by a look.
    #[test]
    fn what_is_remembered_is_as_good_as_what_would_be_found(
        batches in prop::collection::vec((entries(), batch()), 1..20),
    ) {
        let (mut disk, memory) = (Disk::new(), Memory::default());
        for (entries, elsewhere) in batches {
            if elsewhere.now % 3 == 0 {
                disk.read(&elsewhere);
            }
            let appends = appends(&entries, &disk);
            let ids = disk.fresh_ids(appends.len());
            let judge = |found| assign(&appends, found, ids.clone(), Millis(1_000));
            let (expected, plan, looked) = judge(found(&disk));
            match memory.recall(&appends).map(judge) {
                Some((outcomes, remembered, recalled)) if takes(&disk, &remembered) => {
                    let (ours, theirs) = ((outcomes, &remembered), (expected, &plan));
                    prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
                    write(&mut disk, &plan);
                    memory.learn(recalled, &plan);
                }
                _ => {
                    write(&mut disk, &plan);
                    memory.learn(looked, &plan);
                }
            }
        }
    }
}

#[test]
fn who_writes_again_needs_no_look() {
    let (disk, memory) = (Disk::new(), Memory::default());
    let again = |user| {
        let batch = [changes::post(user)];
        let recalled = memory.recall(&batch);
        let was_known = recalled.is_some();
        let found = recalled.unwrap_or_else(|| disk.found());
        let ids = vec![7 + user];
        let (_, plan, found) = assign(&batch, found, ids, Millis(1_000));
        let seq = plan.messages[0].message.seq;
        memory.learn(found, &plan);
        (was_known, seq)
    };
    assert_eq!(again(1), (false, 1));
    assert_eq!(again(1), (true, 2));
    assert_eq!(again(2), (true, 3));
}

/// What else is done to a conversation makes the next one look, there alone.
#[test]
fn what_was_changed_otherwise_is_looked_for() {
    let (disk, memory) = (Disk::new(), Memory::default());
    let elsewhere = Append {
        conversation: ConversationId(2),
        ..changes::post(1)
    };
    let settings = Settings {
        archived: Some(true),
        ..Settings::default()
    };
    let archive = changes::by(1, What::Settings(settings));
    let batch = [changes::post(1), archive.clone(), elsewhere.clone()];
    let (_, plan, found) = assign(&batch, disk.found(), vec![7, 8], Millis(1_000));
    memory.learn(found, &plan);
    assert!(memory.recall(&[changes::post(1)]).is_none());
    assert!(memory.recall(&[archive]).is_none());
    assert!(memory.recall(&[elsewhere]).is_some());
}
