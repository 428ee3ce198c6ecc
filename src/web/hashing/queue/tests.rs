use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

fn origin(text: &str) -> Origin {
    Origin::of(Some(text.parse().unwrap()))
}

fn attempter(address: &str, account: &str, is_known: bool) -> Attempter {
    Attempter::new(origin(address), account, is_known)
}

/// A queue whose only turn is taken, with the limit of the protocol.
fn busy() -> AttemptQueue<u32> {
    let mut queue = AttemptQueue::new(1, Some(2));
    let first = queue.arrive(attempter("192.0.2.1", "first", false), u32::MAX);
    assert!(matches!(first, Arrival::Starts(_)));
    queue
}

/// Who was dropped, of an attempt that waits.
#[track_caller]
fn dropped(arrival: Arrival<u32>) -> Option<u32> {
    match arrival {
        Arrival::Waits { dropped, .. } => dropped,
        other => panic!("{other:?}"),
    }
}

#[test]
fn networks_have_few_places_each() {
    let mut queue = busy();
    let mut arrive = |address: &str| {
        let arrival = queue.arrive(attempter(address, address, false), 0);
        matches!(arrival, Arrival::Waits { .. })
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
fn known_attempt_replaces_stranger_of_its_address() {
    let mut queue = busy();
    for job in 0..2 {
        let stranger = attempter("10.0.0.1", "made-up", false);
        assert_eq!(dropped(queue.arrive(stranger, job)), None);
    }
    for job in 0..2 {
        let owner = attempter("10.0.0.1", "ann", true);
        assert_eq!(dropped(queue.arrive(owner, 10 + job)), Some(job));
    }
    let third = queue.arrive(attempter("10.0.0.1", "ben", true), 12);
    assert!(matches!(third, Arrival::Refused(12)));
}

#[test]
fn full_queue_drops_oldest_of_most_frequent() {
    let mut queue = busy();
    let alone = u32::try_from(PLACES - KNOWN_PLACES - 2).unwrap();
    for job in 0..alone {
        let address = format!("10.0.1.{job}");
        queue.arrive(attempter(&address, &address, false), job);
    }
    for job in [100, 101] {
        queue.arrive(attempter("10.0.2.1", &job.to_string(), false), job);
    }
    let newcomer = attempter("10.0.3.1", "ann", false);
    assert_eq!(dropped(queue.arrive(newcomer, 200)), Some(100));
    // Of one account from many addresses, too.
    let newcomer = attempter("10.0.3.2", "ann", false);
    assert_eq!(dropped(queue.arrive(newcomer, 201)), Some(200));
    // All equal: the one that waits longest.
    let newcomer = attempter("10.0.3.3", "cat", false);
    assert_eq!(dropped(queue.arrive(newcomer, 202)), Some(0));
}

#[test]
fn known_and_unknown_attempts_take_turns() {
    let mut queue = busy();
    for (job, is_known) in [(0, false), (1, false), (2, true), (3, true)] {
        let address = format!("10.0.0.{job}");
        queue.arrive(attempter(&address, &address, is_known), job);
    }
    let order = [(); 5].map(|()| queue.finish());
    assert_eq!(order, [Some(2), Some(0), Some(3), Some(1), None]);
    let next = queue.arrive(attempter("10.0.0.1", "ann", false), 9);
    assert!(matches!(next, Arrival::Starts(9)));
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(Attempter),
    Finish,
    Leave(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let address = prop_oneof![
        (0_u8..60).prop_map(|host| format!("10.0.0.{host}")),
        (0_u8..3, 0_u8..3, 0_u8..3)
            .prop_map(|(net, site, host)| format!("2001:db8:{net}:{site}0{host}::1")),
    ];
    let arrival =
        (address, 0_u8..20, prop::bool::weighted(0.2)).prop_map(|(address, account, is_known)| {
            Step::Arrive(attempter(&address, &account.to_string(), is_known))
        });
    prop_oneof![
        10 => arrival,
        2 => Just(Step::Finish),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
    ]
}

/// What a queue may hold, seen from outside: jobs by number, in order.
#[derive(Default)]
struct QueueModel {
    waiting: Vec<(u64, u32, Attempter)>,
    running: usize,
}

impl QueueModel {
    fn remove(&mut self, job: u32) -> Attempter {
        let at = self.waiting.iter().position(|(_, it, _)| *it == job);
        self.waiting.remove(at.expect("it waits")).2
    }

    fn known(&self) -> usize {
        let known = self.waiting.iter().filter(|(_, _, it)| it.is_known);
        known.count()
    }

    fn of(&self, network: ClientNetwork) -> usize {
        let of_it = |(_, _, it): &&(u64, u32, Attempter)| it.networks.contains(&Some(network));
        self.waiting.iter().filter(of_it).count()
    }

    fn frequency(&self, attempter: &Attempter) -> usize {
        let shares = |it: &Attempter, key: &SourceKey<'_>| it.keys().any(|other| other == *key);
        let count = |key| {
            let shared = self.waiting.iter().filter(|(_, _, it)| shares(it, &key));
            shared.count()
        };
        attempter.keys().map(count).max().unwrap_or(0)
    }

    fn check(&self) {
        assert!(self.waiting.len() <= PLACES);
        assert!(self.waiting.len() - self.known() <= PLACES - KNOWN_PLACES);
        let mut most: HashMap<ClientNetwork, usize> = HashMap::new();
        for (_, _, it) in &self.waiting {
            for (network, bound) in it.networks.iter().zip([2, 4, 8]) {
                most.extend(network.map(|network| (network, bound)));
            }
        }
        for (network, bound) in most {
            assert!(self.of(network) <= bound, "{network:?}");
        }
    }

    /// An attempt was let in, and another dropped for it.
    fn take_in(&mut self, number: u64, (job, attempter): (u32, Attempter), dropped: Option<u32>) {
        let known = self.known();
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
            assert!(known + usize::from(attempter.is_known) > KNOWN_PLACES);
        }
        if !displaced {
            let most = self
                .waiting
                .iter()
                .filter(|(_, it, other)| *it != job && (known > KNOWN_PLACES || !other.is_known));
            let most = most.map(|(_, _, other)| self.frequency(other)).max();
            assert!(Some(self.frequency(victim)) >= most);
        }
        self.remove(dropped);
    }
}

proptest! {
    #[test]
    fn queue_keeps_its_promises(steps in prop::collection::vec(step(), 1..300), turns in 1_usize..4) {
        let mut queue = AttemptQueue::new(turns, Some(2));
        let mut model = QueueModel::default();
        let mut ended = HashSet::new();
        for (job, step) in (0_u32..).zip(steps) {
            match step {
                Step::Arrive(attempter) => match queue.arrive(attempter.clone(), job) {
                    Arrival::Starts(it) => {
                        prop_assert_eq!(it, job);
                        prop_assert!(model.running < turns && model.waiting.is_empty());
                        model.running += 1;
                        ended.insert(job);
                    }
                    Arrival::Waits { number, dropped } => {
                        prop_assert_eq!(model.running, turns);
                        model.take_in(number, (job, attempter), dropped);
                        prop_assert!(dropped.is_none_or(|it| ended.insert(it)));
                    }
                    Arrival::Refused(it) => {
                        prop_assert_eq!(it, job);
                        let networks = attempter.networks.iter().zip([2, 4, 8]);
                        let is_full = networks
                            .filter_map(|(network, most)| Some((*network.as_ref()?, most)))
                            .any(|(network, most)| model.of(network) >= most);
                        prop_assert!(is_full, "refused although its source has room");
                        ended.insert(job);
                    }
                },
                Step::Finish if model.running > 0 => match queue.finish() {
                    Some(it) => {
                        let started = model.remove(it);
                        // None of its kind waited longer.
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
                Step::Finish => {}
                Step::Leave(_) if model.waiting.is_empty() => {}
                Step::Leave(which) => {
                    let (number, it, _) = model.waiting.remove(which.index(model.waiting.len()));
                    queue.leave(number);
                    ended.insert(it);
                }
            }
            model.check();
            prop_assert_eq!(queue.waiting.len(), model.waiting.len());
        }
    }
}
