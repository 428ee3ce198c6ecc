use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(5);
const USER: UserId = UserId(7);

#[test]
fn a_change_of_page_is_not_a_blink() {
    let start = Instant::now();
    let mut tracker = Tracker::new(GRACE);
    tracker.arrived(USER);
    assert_eq!(tracker.changes(start).online, [USER]);
    tracker.left(USER, start, Millis(1));
    tracker.arrived(USER);
    assert!(tracker.changes(start + 2 * GRACE).is_empty());
}

#[test]
fn the_last_session_counts_and_its_end_is_last_seen() {
    let start = Instant::now();
    let mut tracker = Tracker::new(GRACE);
    tracker.arrived(USER);
    tracker.arrived(USER);
    tracker.changes(start);
    tracker.left(USER, start, Millis(1));
    assert!(tracker.changes(start + 2 * GRACE).is_empty());
    tracker.left(USER, start + 2 * GRACE, Millis(2));
    assert!(tracker.changes(start + 2 * GRACE).is_empty());
    let gone = tracker.changes(start + 3 * GRACE);
    assert_eq!(gone.offline, [(USER, Millis(2))]);
}

#[test]
fn who_comes_and_goes_at_once_is_written_and_not_told() {
    let start = Instant::now();
    let mut tracker = Tracker::new(Duration::ZERO);
    tracker.arrived(USER);
    tracker.left(USER, start, Millis(1));
    let changes = tracker.changes(start);
    assert_eq!(changes.offline, [(USER, Millis(1))]);
    assert_eq!(changes.news(), []);
    tracker.told(&changes);
    tracker.arrived(USER);
    let came = tracker.changes(start);
    assert_eq!(came.news(), [(USER, Status::ONLINE)]);
    tracker.told(&came);
    tracker.left(USER, start, Millis(2));
    let gone = tracker.changes(start);
    assert_eq!(gone.news(), [(USER, Status::gone(Millis(2)))]);
    tracker.not_told(gone);
    tracker.arrived(USER);
    let back = tracker.changes(start);
    assert_eq!((&back.online[..], &back.news()[..]), (&[USER][..], &[][..]));
}

#[test]
fn what_was_not_written_is_news_again() {
    let start = Instant::now();
    let mut tracker = Tracker::new(Duration::ZERO);
    tracker.arrived(USER);
    let lost = tracker.changes(start);
    tracker.not_told(lost);
    assert_eq!(tracker.changes(start).online, [USER]);
    tracker.left(USER, start, Millis(3));
    let lost = tracker.changes(start);
    tracker.not_told(lost);
    assert_eq!(tracker.changes(start).offline, [(USER, Millis(3))]);
}

/// What can happen to three people.
#[derive(Clone, Copy, Debug)]
enum Op {
    Arrive(i64),
    Leave(i64),
    /// Seconds pass.
    Pass(u64),
    /// Changes are asked for, and the database may refuse them.
    Flush {
        fails: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1i64..=3).prop_map(Op::Arrive),
        3 => (1i64..=3).prop_map(Op::Leave),
        2 => (1u64..8).prop_map(Op::Pass),
        4 => any::<bool>().prop_map(|fails| Op::Flush { fails }),
    ]
}

/// A person, told by hand: sessions, when the last one went, and what the
/// database says.
#[derive(Clone, Copy, Default)]
struct Model {
    sessions: usize,
    left: Option<u64>,
    written: Option<Option<u64>>,
    /// What others were told last; they think nobody is here who isn't.
    is_told_online: bool,
}

impl Model {
    /// What the database should say at `now`; none where nobody ever came.
    /// Who comes back within the grace never went.
    fn truth(&self, now: u64) -> Option<Option<u64>> {
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

    /// After each write that succeeds the database says who is here, and of
    /// the others when they were last seen; nothing is written twice. What is
    /// told is who is here, and only where that is another than was told.
    #[test]
    fn what_is_written_is_the_truth(ops in prop::collection::vec(op(), 1..80)) {
        let start = Instant::now();
        let (mut now, mut tracker) = (0, Tracker::new(GRACE));
        let mut people = [Model::default(); 3];
        for op in ops.into_iter().chain([Op::Flush { fails: false }]) {
            let at = start + Duration::from_secs(now);
            match op {
                Op::Pass(seconds) => now += seconds,
                Op::Arrive(id) => {
                    tracker.arrived(UserId(id));
                    let person = &mut people[id as usize - 1];
                    person.sessions += 1;
                }
                Op::Leave(id) => {
                    let person = &mut people[id as usize - 1];
                    if person.sessions > 0 {
                        tracker.left(UserId(id), at, Millis(now as i64));
                        person.sessions -= 1;
                        person.left = (person.sessions == 0).then_some(now).or(person.left);
                    }
                }
                Op::Flush { fails: true } => {
                    let lost = tracker.changes(at);
                    tracker.not_told(lost);
                }
                Op::Flush { fails: false } => {
                    let changes = tracker.changes(at);
                    write(&mut people, &changes);
                    tell(&mut people, &changes);
                    tracker.told(&changes);
                    for person in &people {
                        prop_assert_eq!(person.written, person.truth(now));
                        prop_assert_eq!(person.is_told_online, person.truth(now) == Some(None));
                    }
                }
            }
        }
    }
}

fn write(people: &mut [Model; 3], changes: &Changes) {
    let online = changes.online.iter().map(|user| (*user, None));
    let offline = changes.offline.iter();
    let offline = offline.map(|(user, seen)| (*user, Some(seen.0 as u64)));
    let mut seen = HashSet::new();
    for (user, state) in online.chain(offline) {
        assert!(seen.insert(user), "one word about each");
        people[user.0 as usize - 1].written = Some(state);
    }
}

fn tell(people: &mut [Model; 3], changes: &Changes) {
    for (user, status) in changes.news() {
        let person = &mut people[user.0 as usize - 1];
        assert_ne!(person.is_told_online, status.is_online, "it is news");
        person.is_told_online = status.is_online;
        let seen = person.written.unwrap();
        assert_eq!(status.last_seen, seen.map(|seen| Millis(seen as i64)));
    }
}
