use std::num::NonZeroU32;

use super::*;

/// One that fills by nothing while a test runs.
fn rate(burst: u32) -> Rate {
    Rate {
        burst: NonZeroU32::new(burst).unwrap(),
        each: Duration::from_secs(3600),
    }
}

fn with_rates(rates: config::Rates) -> Rates {
    Rates::new(&rates, Arc::default(), Faults::default())
}

fn rates() -> Rates {
    with_rates(config::Rates {
        sends: Some(rate(3)),
        account_logins: Some(rate(3)),
        address_logins: Some(rate(5)),
        sockets: NonZeroU32::new(2),
        ..config::Rates::off()
    })
}

fn at(text: &str) -> Origin {
    Origin::of(Some(text.parse().unwrap()))
}

#[test]
fn each_has_a_bucket_of_their_own() {
    let rates = rates();
    for left in [2, 1, 0] {
        let standing = rates.send(UserId(1)).unwrap().unwrap();
        assert_eq!((standing.limit, standing.remaining), (3, left));
    }
    let refused = rates.send(UserId(1)).unwrap_err();
    assert_eq!(refused.retry_after, 3600);
    assert_eq!(refused.standing.reset, 3 * 3600);
    assert!(rates.send(UserId(2)).is_ok());
    assert_eq!(rates.request(UserId(1)), Ok(None), "there is no limit");
}

#[test]
fn a_right_password_does_not_count_and_wrong_ones_do() {
    let rates = rates();
    let home = at("10.0.0.1");
    for _ in 0..20 {
        rates.log_in("ann", home).unwrap().was_right();
    }
    for _ in 0..3 {
        assert!(rates.log_in("Ann", home).is_ok());
    }
    assert!(rates.log_in("ann", home).is_err(), "the account is tried");
    assert!(rates.log_in("ann", at("10.0.0.2")).is_ok(), "from there");
    assert!(rates.log_in("ben", home).is_ok());
    assert!(rates.log_in("cat", home).is_ok());
    assert!(rates.log_in("dan", home).is_err(), "the address tries");
}

#[test]
fn many_passwords_at_once_are_no_way_around() {
    let rates = rates();
    let under_way: Vec<_> = (0..3)
        .map(|_| rates.log_in("ann", Origin::of(None)).unwrap())
        .collect();
    assert!(rates.log_in("ann", Origin::of(None)).is_err());
    under_way.into_iter().for_each(Attempt::was_right);
    assert!(rates.log_in("ann", Origin::of(None)).is_ok());
}

#[test]
fn right_passwords_count_by_account_and_what_nobody_looked_at_does_not() {
    let rates = with_rates(config::Rates {
        logins: Some(rate(2)),
        ..config::Rates::off()
    });
    for _ in 0..5 {
        drop(rates.log_in("ann", at("10.0.0.1")).unwrap());
        rates
            .log_in("ann", Origin::of(None))
            .unwrap()
            .was_not_tried();
    }
    rates.log_in("ann", at("10.0.0.1")).unwrap().was_right();
    rates.log_in("ANN", at("10.0.0.2")).unwrap().was_right();
    assert!(rates.log_in("ann", at("10.0.0.3")).is_err());
    assert!(rates.log_in("ben", at("10.0.0.1")).is_ok());
}

#[test]
fn what_nobody_looked_at_is_not_wrong() {
    let rates = rates();
    for _ in 0..20 {
        rates
            .log_in("ann", Origin::of(None))
            .unwrap()
            .was_not_tried();
    }
    assert!(rates.log_in("ann", Origin::of(None)).is_ok());
}

#[test]
fn right_passwords_count_by_address() {
    let rates = with_rates(config::Rates {
        address_successes: Some(rate(2)),
        address_logins: Some(rate(5)),
        ..config::Rates::off()
    });
    let home = at("10.0.0.1");
    for _ in 0..2 {
        drop(rates.log_in("ann", home).unwrap());
        rates.log_in("ann", home).unwrap().was_not_tried();
    }
    rates.log_in("ann", home).unwrap().was_right();
    rates.log_in("ben", home).unwrap().was_right();
    assert!(rates.log_in("cat", home).is_err(), "the address logs in");
    assert!(rates.log_in("cat", at("10.0.0.2")).is_ok());
}

#[test]
fn account_opening_not_tried_is_free() {
    let rates = with_rates(config::Rates {
        registrations: Some(rate(1)),
        ..config::Rates::off()
    });
    let home = at("10.0.0.1");
    for _ in 0..5 {
        rates.register(home).unwrap().was_not_tried();
    }
    assert!(rates.register(home).is_ok());
    assert!(rates.register(home).is_err());
}

#[test]
fn a_seat_is_free_again_once_it_is_left() {
    let rates = rates();
    let one = rates.sit(UserId(1)).unwrap();
    let _two = rates.sit(UserId(1)).unwrap();
    assert!(rates.sit(UserId(1)).is_err());
    assert!(rates.sit(UserId(2)).is_ok());
    drop(one);
    assert!(rates.sit(UserId(1)).is_ok());
    assert_eq!(rates.sockets.taken.lock().len(), 1);
}

#[test]
fn whoever_asks_the_memory_is_bounded_and_those_known_keep_their_own() {
    let limiter = Limited::new(rate(2)).unwrap();
    for id in 0..2 * i64::try_from(BUCKETS).unwrap() {
        let _ = limiter.take(UserId(id));
    }
    let most = BUCKETS + usize::try_from(SHARED).unwrap();
    assert!(limiter.buckets.lock().len() <= most);
    assert!(limiter.take(UserId(0)).is_ok(), "the second of two");
    assert!(limiter.take(UserId(0)).is_err());
}

#[test]
fn full_buckets_are_forgotten() {
    let fast = Rate {
        each: Duration::from_nanos(1),
        ..rate(1)
    };
    let limiter = Limited::new(fast).unwrap();
    for id in 0..=i64::from(FORGET_EVERY) {
        limiter.take(UserId(id)).unwrap();
    }
    assert!(limiter.buckets.lock().len() < 10);
}
