use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(5);
const USER: UserId = UserId(7);

#[test]
fn page_change_keeps_user_online() {
    let start = Instant::now();
    let mut tracker = PresenceTracker::new(GRACE);
    tracker.add_session(USER);
    assert_eq!(tracker.take_changes(start).online, [USER]);
    tracker.remove_session(USER, start, Millis(1));
    tracker.add_session(USER);
    assert!(tracker.take_changes(start + 2 * GRACE).is_empty());
}

#[test]
fn last_session_end_is_last_seen() {
    let start = Instant::now();
    let mut tracker = PresenceTracker::new(GRACE);
    tracker.add_session(USER);
    tracker.add_session(USER);
    tracker.take_changes(start);
    tracker.remove_session(USER, start, Millis(1));
    assert!(tracker.take_changes(start + 2 * GRACE).is_empty());
    tracker.remove_session(USER, start + 2 * GRACE, Millis(2));
    assert!(tracker.take_changes(start + 2 * GRACE).is_empty());
    let gone = tracker.take_changes(start + 3 * GRACE);
    assert_eq!(gone.offline, [(USER, Millis(2))]);
}

#[test]
fn short_visit_is_stored_without_announcement() {
    let start = Instant::now();
    let mut tracker = PresenceTracker::new(Duration::ZERO);
    tracker.add_session(USER);
    tracker.remove_session(USER, start, Millis(1));
    let changes = tracker.take_changes(start);
    assert_eq!(changes.offline, [(USER, Millis(1))]);
    assert_eq!(changes.announced_statuses(), []);
    tracker.mark_announced(&changes);
    tracker.add_session(USER);
    let came = tracker.take_changes(start);
    assert_eq!(came.announced_statuses(), [(USER, PresenceRecord::ONLINE)]);
    tracker.mark_announced(&came);
    tracker.remove_session(USER, start, Millis(2));
    let gone = tracker.take_changes(start);
    assert_eq!(
        gone.announced_statuses(),
        [(USER, PresenceRecord::offline_since(Millis(2)))]
    );
    tracker.restore_changes(gone);
    tracker.add_session(USER);
    let back = tracker.take_changes(start);
    assert_eq!(
        (&back.online[..], &back.announced_statuses()[..]),
        (&[USER][..], &[][..])
    );
}

#[test]
fn failed_changes_are_returned_again() {
    let start = Instant::now();
    let mut tracker = PresenceTracker::new(Duration::ZERO);
    tracker.add_session(USER);
    let lost = tracker.take_changes(start);
    tracker.restore_changes(lost);
    assert_eq!(tracker.take_changes(start).online, [USER]);
    tracker.remove_session(USER, start, Millis(3));
    let lost = tracker.take_changes(start);
    tracker.restore_changes(lost);
    assert_eq!(tracker.take_changes(start).offline, [(USER, Millis(3))]);
}

/// An operation on one of three users.
#[derive(Clone, Copy, Debug)]
enum TrackerOp {
    Arrive(i64),
    Leave(i64),
    /// Seconds pass.
    Pass(u64),
    /// Changes are flushed, and the database may refuse them.
    Flush {
        fails: bool,
    },
}

fn op() -> impl Strategy<Value = TrackerOp> {
    prop_oneof![
        3 => (1i64..=3).prop_map(TrackerOp::Arrive),
        3 => (1i64..=3).prop_map(TrackerOp::Leave),
        2 => (1u64..8).prop_map(TrackerOp::Pass),
        4 => any::<bool>().prop_map(|fails| TrackerOp::Flush { fails }),
    ]
}

/// A user's expected state: sessions, when the last one left, and the stored
/// status.
#[derive(Clone, Copy, Default)]
struct UserModel {
    sessions: usize,
    left: Option<u64>,
    written: Option<Option<u64>>,
    /// The status that was last announced.
    is_announced_online: bool,
}

impl UserModel {
    /// Returns the status that should be stored at `now`; none before the first
    /// session. A return within the grace period counts as no departure.
    fn expected_status(&self, now: u64) -> Option<Option<u64>> {
        match self.left {
            _ if self.sessions > 0 => Some(None),
            Some(left) if now - left >= GRACE.as_secs() => Some(Some(left)),
            Some(_) => Some(None),
            None => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// After each successful write the database has the online users and the
    /// last-seen times of the others, and nothing is written twice. A status is
    /// announced only if it differs from the last one announced.
    #[test]
    fn stored_statuses_match_model(ops in prop::collection::vec(op(), 1..80)) {
        let start = Instant::now();
        let (mut now, mut tracker) = (0, PresenceTracker::new(GRACE));
        let mut people = [UserModel::default(); 3];
        for op in ops.into_iter().chain([TrackerOp::Flush { fails: false }]) {
            let at = start + Duration::from_secs(now);
            match op {
                TrackerOp::Pass(seconds) => now += seconds,
                TrackerOp::Arrive(id) => {
                    tracker.add_session(UserId(id));
                    let person = &mut people[id as usize - 1];
                    person.sessions += 1;
                }
                TrackerOp::Leave(id) => {
                    let person = &mut people[id as usize - 1];
                    if person.sessions > 0 {
                        tracker.remove_session(UserId(id), at, Millis(now as i64));
                        person.sessions -= 1;
                        person.left = (person.sessions == 0).then_some(now).or(person.left);
                    }
                }
                TrackerOp::Flush { fails: true } => {
                    let lost = tracker.take_changes(at);
                    tracker.restore_changes(lost);
                }
                TrackerOp::Flush { fails: false } => {
                    let changes = tracker.take_changes(at);
                    apply_writes(&mut people, &changes);
                    apply_statuses(&mut people, &changes);
                    tracker.mark_announced(&changes);
                    for person in &people {
                        prop_assert_eq!(person.written, person.expected_status(now));
                        prop_assert_eq!(person.is_announced_online, person.expected_status(now) == Some(None));
                    }
                }
            }
        }
    }
}

fn apply_writes(people: &mut [UserModel; 3], changes: &PresenceChanges) {
    let online = changes.online.iter().map(|user| (*user, None));
    let offline = changes.offline.iter();
    let offline = offline.map(|(user, seen)| (*user, Some(seen.0 as u64)));
    let mut seen = HashSet::new();
    for (user, state) in online.chain(offline) {
        assert!(seen.insert(user), "one change per user");
        people[user.0 as usize - 1].written = Some(state);
    }
}

fn apply_statuses(people: &mut [UserModel; 3], changes: &PresenceChanges) {
    for (user, status) in changes.announced_statuses() {
        let person = &mut people[user.0 as usize - 1];
        assert_ne!(person.is_announced_online, status.is_online, "it is news");
        person.is_announced_online = status.is_online;
        let seen = person.written.unwrap();
        assert_eq!(status.last_seen, seen.map(|seen| Millis(seen as i64)));
    }
}
