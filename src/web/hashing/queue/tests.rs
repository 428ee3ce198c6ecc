use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

fn origin(text: &str) -> RequestOrigin {
    RequestOrigin::of(Some(text.parse().unwrap()))
}

fn attempter(address: &str, account: &str, is_known: bool) -> AttemptSource {
    AttemptSource::new(origin(address), account, is_known)
}

/// A queue whose only turn is taken, with the production limit per network.
fn busy() -> AttemptQueue<u32> {
    let mut queue = AttemptQueue::new(1, Some(2));
    let first = queue.admit(attempter("192.0.2.1", "first", false), u32::MAX);
    assert!(matches!(first, AttemptArrival::Starts(_)));
    queue
}

/// Returns the attempt that lost its place to a queued one.
#[track_caller]
fn dropped(arrival: AttemptArrival<u32>) -> Option<u32> {
    match arrival {
        AttemptArrival::Waits { dropped, .. } => dropped,
        other => panic!("{other:?}"),
    }
}

#[test]
fn waiting_is_limited_per_network() {
    let mut queue = busy();
    let mut arrive = |address: &str| {
        let arrival = queue.admit(attempter(address, address, false), 0);
        matches!(arrival, AttemptArrival::Waits { .. })
    };
    assert_eq!([(); 3].map(|()| arrive("10.0.0.1")), [true, true, false]);
    assert!(arrive("10.0.0.2"));
    // Two of each /64, four of a /56, eight of a /48.
    let waits = [0x000, 0x001, 0x002, 0x100, 0x101, 0x200].map(|net| {
        let address = format!("2001:db8:0:{net:x}::1");
        [arrive(&address), arrive(&address)]
    });
    let [yes, no] = [[true, true], [false, false]];
    assert_eq!(waits, [yes, yes, no, yes, yes, no]);
}

#[test]
fn known_attempt_replaces_unknown_neighbour() {
    let mut queue = busy();
    for job in 0..2 {
        let stranger = attempter("10.0.0.1", "made-up", false);
        assert_eq!(dropped(queue.admit(stranger, job)), None);
    }
    for job in 0..2 {
        let owner = attempter("10.0.0.1", "ann", true);
        assert_eq!(dropped(queue.admit(owner, 10 + job)), Some(job));
    }
    let third = queue.admit(attempter("10.0.0.1", "ben", true), 12);
    assert!(matches!(third, AttemptArrival::Refused(12)));
}

#[test]
fn full_queue_drops_most_frequent_source() {
    let mut queue = busy();
    let alone = u32::try_from(MAX_WAITING - RESERVED_FOR_KNOWN - 2).unwrap();
    for job in 0..alone {
        let address = format!("10.0.1.{job}");
        queue.admit(attempter(&address, &address, false), job);
    }
    for job in [100, 101] {
        queue.admit(attempter("10.0.2.1", &job.to_string(), false), job);
    }
    let newcomer = attempter("10.0.3.1", "ann", false);
    assert_eq!(dropped(queue.admit(newcomer, 200)), Some(100));
    // An account attacked from many addresses counts as one source too.
    let newcomer = attempter("10.0.3.2", "ann", false);
    assert_eq!(dropped(queue.admit(newcomer, 201)), Some(200));
    // All are equally frequent: the oldest is dropped.
    let newcomer = attempter("10.0.3.3", "cat", false);
    assert_eq!(dropped(queue.admit(newcomer, 202)), Some(0));
}

#[test]
fn known_and_unknown_attempts_take_turns() {
    let mut queue = busy();
    for (job, is_known) in [(0, false), (1, false), (2, true), (3, true)] {
        let address = format!("10.0.0.{job}");
        queue.admit(attempter(&address, &address, is_known), job);
    }
    let order = [(); 5].map(|()| queue.finish());
    assert_eq!(order, [Some(2), Some(0), Some(3), Some(1), None]);
    let next = queue.admit(attempter("10.0.0.1", "ann", false), 9);
    assert!(matches!(next, AttemptArrival::Starts(9)));
}

#[derive(Clone, Debug)]
enum QueueStep {
    Arrive(AttemptSource),
    Finish,
    Leave(prop::sample::Index),
}

fn step() -> impl Strategy<Value = QueueStep> {
    let address = prop_oneof![
        (0_u8..60).prop_map(|host| format!("10.0.0.{host}")),
        (0_u8..3, 0_u8..3, 0_u8..3)
            .prop_map(|(net, site, host)| format!("2001:db8:{net}:{site}0{host}::1")),
    ];
    let arrival =
        (address, 0_u8..20, prop::bool::weighted(0.2)).prop_map(|(address, account, is_known)| {
            QueueStep::Arrive(attempter(&address, &account.to_string(), is_known))
        });
    prop_oneof![
        10 => arrival,
        2 => Just(QueueStep::Finish),
        1 => any::<prop::sample::Index>().prop_map(QueueStep::Leave),
    ]
}

/// A model of the queue's contents: number, job and source, in order.
#[derive(Default)]
struct QueueModel {
    waiting: Vec<(u64, u32, AttemptSource)>,
    running: usize,
}

impl QueueModel {
    fn remove(&mut self, job: u32) -> AttemptSource {
        let at = self.waiting.iter().position(|(_, it, _)| *it == job);
        self.waiting.remove(at.expect("it waits")).2
    }

    fn count_known(&self) -> usize {
        let known = self.waiting.iter().filter(|(_, _, it)| it.is_known);
        known.count()
    }

    fn count_in(&self, network: ClientNetwork) -> usize {
        let of_it = |(_, _, it): &&(u64, u32, AttemptSource)| it.networks.contains(&Some(network));
        self.waiting.iter().filter(of_it).count()
    }

    fn frequency(&self, attempter: &AttemptSource) -> usize {
        let shares = |it: &AttemptSource, key: &SourceKey<'_>| it.keys().any(|other| other == *key);
        let count = |key| {
            let shared = self.waiting.iter().filter(|(_, _, it)| shares(it, &key));
            shared.count()
        };
        attempter.keys().map(count).max().unwrap_or(0)
    }

    fn check(&self) {
        assert!(self.waiting.len() <= MAX_WAITING);
        assert!(self.waiting.len() - self.count_known() <= MAX_WAITING - RESERVED_FOR_KNOWN);
        let mut most: HashMap<ClientNetwork, usize> = HashMap::new();
        for (_, _, it) in &self.waiting {
            for (network, bound) in it.networks.iter().zip([2, 4, 8]) {
                most.extend(network.map(|network| (network, bound)));
            }
        }
        for (network, bound) in most {
            assert!(self.count_in(network) <= bound, "{network:?}");
        }
    }

    /// Records an admitted attempt and the one dropped for it.
    fn admit(&mut self, number: u64, job: u32, attempter: AttemptSource, dropped: Option<u32>) {
        let known = self.count_known();
        self.waiting.push((number, job, attempter.clone()));
        let Some(dropped) = dropped else {
            return;
        };
        assert_ne!(dropped, job);
        let (_, _, victim) = self
            .waiting
            .iter()
            .find(|(_, it, _)| *it == dropped)
            .unwrap();
        let within_network = attempter
            .networks
            .iter()
            .flatten()
            .any(|network| victim.networks.contains(&Some(*network)));
        let displaced = attempter.is_known && !victim.is_known && within_network;
        if victim.is_known {
            assert!(known + usize::from(attempter.is_known) > RESERVED_FOR_KNOWN);
        }
        if !displaced {
            let most = self.waiting.iter().filter(|(_, it, other)| {
                *it != job && (known > RESERVED_FOR_KNOWN || !other.is_known)
            });
            let most = most.map(|(_, _, other)| self.frequency(other)).max();
            assert!(Some(self.frequency(victim)) >= most);
        }
        self.remove(dropped);
    }
}

proptest! {
    #[test]
    fn queue_matches_model(steps in prop::collection::vec(step(), 1..300), turns in 1_usize..4) {
        let mut queue = AttemptQueue::new(turns, Some(2));
        let mut model = QueueModel::default();
        let mut ended = HashSet::new();
        for (job, step) in (0_u32..).zip(steps) {
            match step {
                QueueStep::Arrive(attempter) => match queue.admit(attempter.clone(), job) {
                    AttemptArrival::Starts(it) => {
                        prop_assert_eq!(it, job);
                        prop_assert!(model.running < turns && model.waiting.is_empty());
                        model.running += 1;
                        ended.insert(job);
                    }
                    AttemptArrival::Waits { number, dropped } => {
                        prop_assert_eq!(model.running, turns);
                        model.admit(number, job, attempter, dropped);
                        prop_assert!(dropped.is_none_or(|it| ended.insert(it)));
                    }
                    AttemptArrival::Refused(it) => {
                        prop_assert_eq!(it, job);
                        let networks = attempter.networks.iter().zip([2, 4, 8]);
                        let is_full = networks
                            .filter_map(|(network, most)| Some((*network.as_ref()?, most)))
                            .any(|(network, most)| model.count_in(network) >= most);
                        prop_assert!(is_full, "refused although its source has room");
                        ended.insert(job);
                    }
                },
                QueueStep::Finish if model.running > 0 => match queue.finish() {
                    Some(it) => {
                        let started = model.remove(it);
                        // No attempt of the same kind waited longer.
                        let older = model.waiting.iter().any(|(_, other, at)| {
                            *other < it && at.is_known == started.is_known
                        });
                        prop_assert!(!older);
                        prop_assert!(ended.insert(it), "started twice");
                    }
                    None => {
                        prop_assert!(model.waiting.is_empty());
                        model.running -= 1;
                    }
                },
                QueueStep::Finish => {}
                QueueStep::Leave(_) if model.waiting.is_empty() => {}
                QueueStep::Leave(which) => {
                    let (number, it, _) = model.waiting.remove(which.index(model.waiting.len()));
                    queue.cancel(number);
                    ended.insert(it);
                }
            }
            model.check();
            prop_assert_eq!(queue.waiting.len(), model.waiting.len());
        }
    }
}
