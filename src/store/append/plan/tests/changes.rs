//! Changes of conversations themselves, and people's own settings.

use super::*;

pub(super) const HERE: ConversationId = ConversationId(1);
const NOW: Millis = Millis(1_000);

/// A conversation in which the users 1 to 3 are; one of them has left.
pub(super) fn found() -> Found {
    let at = |user: i64| (HERE, UserId(user));
    let marks = Marks {
        joined: 0,
        delivered: 0,
        read: 0,
        read_ord: 0,
    };
    let own = |user: i64| Own {
        left: (user == 3).then_some(9),
        ..Own::default()
    };
    Found {
        conversations: HashMap::from([(HERE, row(1))]),
        marks: (1..=3).map(|user| (at(user), marks)).collect(),
        own: (1..=3).map(|user| (at(user), own(user))).collect(),
        connected: [(UserId(1), UserId(8))].into(),
        ..Found::default()
    }
}

pub(super) fn by(actor: i64, what: What) -> Append {
    Append {
        what,
        ..Entry {
            conversation: HERE.0,
            sender: actor,
            name: None,
            answers: None,
            is_stale: false,
            is_refused: false,
        }
        .append()
    }
}

pub(super) fn post(actor: i64) -> Append {
    let text = MessageText::parse("hello").unwrap();
    by(
        actor,
        What::Post(Arc::new(Post {
            text,
            client_id: None,
            reply_to: None,
        })),
    )
}

fn change(change: Change) -> Append {
    let change = Change {
        event: r#"{"type":"test"}"#.to_owned(),
        text: "Something happened".to_owned(),
        ..change
    };
    by(1, What::Change(Arc::new(change)))
}

fn join(user: i64) -> Append {
    let moves = vec![MemberMove::Join(User {
        id: UserId(user),
        username: String::new(),
        display_name: String::new(),
    })];
    change(Change {
        moves,
        needs_connection: Some(UserId(user)),
        ..Change::default()
    })
}

pub(super) fn leave() -> Append {
    let moves = vec![
        MemberMove::Leave(UserId(1)),
        MemberMove::Become(UserId(2), entity::participant::Role::Owner),
    ];
    change(Change {
        moves,
        ..Change::default()
    })
}

pub(super) fn rename() -> Append {
    rename_to("New")
}

pub(super) fn rename_to(title: &str) -> Append {
    change(Change {
        title: Some(title.to_owned()),
        ..Change::default()
    })
}

fn set(actor: i64, settings: Settings) -> Append {
    by(actor, What::Settings(settings))
}

fn archived(is_archived: bool) -> Settings {
    Settings {
        archived: Some(is_archived),
        ..Settings::default()
    }
}

fn muted(until: i64) -> Settings {
    Settings {
        muted_until: Some(Some(Millis(until))),
        ..Settings::default()
    }
}

fn assigned(batch: &[Append]) -> (Vec<Outcome>, Plan) {
    assigned_with(batch, found())
}

pub(super) fn assigned_with(batch: &[Append], found: Found) -> (Vec<Outcome>, Plan) {
    let ids = (1..).take(batch.len()).collect();
    let (outcomes, plan, _) = assign(batch, found, ids, NOW);
    (outcomes, plan)
}

/// Its version and whom it brought back; or why not, where it isn't stale.
type Became = Result<(i64, Vec<i64>), Option<Code>>;

/// What became of each.
fn versions(outcomes: &[Outcome]) -> Vec<Became> {
    let became = outcomes.iter().map(|outcome| match outcome {
        Outcome::Posted { message, returned } => {
            let returned = returned.iter().map(|user| user.0).collect();
            Ok((message.version, returned))
        }
        Outcome::Changed { message, .. } => Ok((message.version, Vec::new())),
        Outcome::Set { version, .. } => Ok((*version, Vec::new())),
        Outcome::Unchanged => Ok((0, Vec::new())),
        Outcome::Refused(problem) => Err(Some(problem.code)),
        Outcome::Stale => Err(None),
        Outcome::Known(_)
        | Outcome::NeedsConsent
        | Outcome::Touched { .. }
        | Outcome::Marked { .. } => {
            panic!("nobody asks for that here")
        }
    });
    became.collect()
}

fn new(version: i64) -> Became {
    Ok((version, Vec::new()))
}

#[test]
fn everything_takes_the_next_version_and_only_what_is_said_takes_a_place() {
    let batch = [
        post(1),
        rename(),
        set(2, muted(NOW.0 + 1)),
        post(2),
        rename_to("Newer"),
    ];
    let (outcomes, plan) = assigned(&batch);
    assert_eq!(versions(&outcomes), [11, 12, 13, 14, 15].map(new));
    let places = plan.messages.iter().map(|new| (new.message.seq, new.ord));
    let places: Vec<_> = places.collect();
    assert_eq!(places, [(1, 1), (2, 1), (3, 2), (4, 2)]);
    let row = &plan.conversations[&HERE];
    assert_eq!((row.version, row.last_seq, row.last_ord), (15, 4, 2));
    assert_eq!(
        row.members_version, MEMBERS_VERSION,
        "a title is nobody's part"
    );
    assert_eq!(row.last_message_id, Some(MessageId(4)));
}

#[test]
fn same_title_or_setting_takes_no_version() {
    let mut found = found();
    found.titles.insert(HERE, "New".to_owned());
    let batch = [
        rename(),
        set(2, archived(false)),
        rename_to("Newer"),
        rename_to("Newer"),
        set(2, archived(true)),
        set(2, archived(true)),
        rename(),
    ];
    let (outcomes, plan) = assigned_with(&batch, found);
    let expected = [0, 0, 11, 0, 12, 0, 13].map(new);
    assert_eq!(versions(&outcomes), expected);
    assert_eq!((plan.changes.len(), plan.settings.len()), (2, 1));
}

#[test]
fn a_change_moves_no_marks_but_those_of_who_made_it() {
    let (_, plan) = assigned(&[rename()]);
    let moved: Vec<i64> = plan.moves.keys().map(|(_, user)| user.0).collect();
    assert_eq!(moved, [1]);
    assert_eq!(plan.messages[0].message.kind, Kind::System);
}

#[test]
fn who_comes_or_goes_makes_all_that_follows_stale() {
    for who in [join(8), leave()] {
        let batch = [
            post(2),
            who,
            post(2),
            rename(),
            set(2, archived(true)),
            leave(),
        ];
        let (outcomes, plan) = assigned(&batch);
        let stale = || Err(None);
        let expected = [new(11), new(12), stale(), stale(), stale(), stale()];
        assert_eq!(versions(&outcomes), expected);
        let row = &plan.conversations[&HERE];
        assert_eq!(row.members_version, MEMBERS_VERSION + 1);
        assert_eq!((row.version, row.last_seq), (12, 2));
        assert_eq!(plan.changes.len(), 1);
        assert!(plan.settings.is_empty());
    }
}

#[test]
fn people_are_counted() {
    let (_, plan) = assigned(&[join(8)]);
    assert_eq!(plan.conversations[&HERE].participant_count, 4);
    assert_eq!(plan.came_or_left(), [HERE]);
    let (_, plan) = assigned(&[leave()]);
    assert_eq!(plan.conversations[&HERE].participant_count, 2);
    assert_eq!(plan.came_or_left(), [HERE]);
}

/// With one left alone, theirs are the lowest.
#[test]
fn with_one_left_alone_the_lows_are_looked_for_too() {
    let mut found = found();
    let row = found.conversations.get_mut(&HERE).unwrap();
    row.participant_count = 2;
    let (_, plan) = assigned_with(&[leave()], found);
    assert_eq!(plan.conversations[&HERE].participant_count, 1);
    assert_eq!(plan.came_or_left(), [HERE]);
}

#[test]
fn who_is_invited_has_to_be_connected_under_the_lock() {
    let (outcomes, plan) = assigned(&[join(9), post(2)]);
    let refused = Err(Some(Code::NotConnected));
    assert_eq!(versions(&outcomes), [refused, new(11)]);
    assert!(plan.changes.is_empty());
}

#[test]
fn settings_are_for_those_who_take_part_or_did() {
    let pin = Settings {
        pinned: Some(true),
        ..Settings::default()
    };
    let (outcomes, plan) = assigned(&[set(3, pin), set(4, pin)]);
    assert_eq!(versions(&outcomes), [new(11), Err(Some(Code::NotFound))]);
    let own = OwnSettings {
        conversation: HERE,
        user: UserId(3),
        settings: pin,
        version: 11,
    };
    assert_eq!(plan.settings, [own]);
    assert!(plan.messages.is_empty());
    assert!(!plan.is_empty());
}

#[test]
fn a_message_brings_back_whom_the_database_named_once() {
    let mut found = found();
    found.archived.insert(HERE, vec![UserId(2)]);
    let (outcomes, plan) = assigned_with(&[rename(), post(1), post(1)], found);
    assert_eq!(versions(&outcomes), [new(11), Ok((12, vec![2])), new(13)]);
    assert_eq!(plan.settings.len(), 1);
    let back = plan.settings[0];
    assert_eq!((back.user, back.version), (UserId(2), 12));
    assert_eq!(back.settings, archived(false));
}

/// Guards the race of putting away with a message, in one batch: the reading
/// under the lock knows nothing of what stands earlier in the batch.
#[test]
fn a_message_brings_back_who_put_it_away_earlier_in_the_batch() {
    let batch = [set(2, archived(true)), post(1), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(versions(&outcomes), [new(11), Ok((12, vec![2])), new(13)]);
    let batch = [post(1), set(2, archived(true))];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(versions(&outcomes), [new(11), new(12)]);
}

#[test]
fn a_message_brings_back_nobody_who_took_it_out_or_muted_it_in_the_batch() {
    for settings in [archived(false), muted(NOW.0 + 1)] {
        let mut found = found();
        found.archived.insert(HERE, vec![UserId(2)]);
        found.own.get_mut(&(HERE, UserId(2))).unwrap().archived = true;
        let (outcomes, _) = assigned_with(&[set(2, settings), post(1)], found);
        assert_eq!(versions(&outcomes), [new(11), new(12)]);
    }
    let batch = [set(2, archived(true)), set(2, muted(NOW.0)), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(
        versions(&outcomes),
        [new(11), new(12), Ok((13, vec![2]))],
        "muted until now is muted no more"
    );
}

#[test]
fn a_message_brings_nothing_back_to_those_who_left() {
    let (outcomes, _) = assigned(&[set(3, archived(true)), post(1)]);
    assert_eq!(versions(&outcomes), [new(11), new(12)]);
}

/// Brought back once, another setting doesn't bring it back again.
#[test]
fn who_was_brought_back_stays_so() {
    let pin = Settings {
        pinned: Some(true),
        ..Settings::default()
    };
    let batch = [set(2, archived(true)), post(1), set(2, pin), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(
        versions(&outcomes),
        [new(11), Ok((12, vec![2])), new(13), new(14)]
    );
}
