use std::num::NonZeroU32;

use super::*;

/// A rate whose bucket doesn't refill during a test.
fn rate(burst: u32) -> RateLimit {
    RateLimit {
        burst: NonZeroU32::new(burst).unwrap(),
        interval: Duration::from_secs(3600),
    }
}

fn limits_with(rates: config::RateLimits) -> Arc<RateLimiters> {
    RateLimiters::new(&rates, Arc::default(), FaultHooks::default())
}

fn test_limits() -> Arc<RateLimiters> {
    limits_with(config::RateLimits {
        sends: Some(rate(3)),
        account_logins: Some(rate(3)),
        address_logins: Some(rate(5)),
        sockets: NonZeroU32::new(2),
        ..config::RateLimits::off()
    })
}

fn origin_at(text: &str) -> RequestOrigin {
    RequestOrigin::of(Some(text.parse().unwrap()))
}

#[test]
fn each_user_has_own_bucket() {
    let rates = test_limits();
    for left in [2, 1, 0] {
        let standing = rates.check_send(UserId(1)).unwrap().unwrap();
        assert_eq!((standing.limit, standing.remaining), (3, left));
    }
    let refused = rates.check_send(UserId(1)).unwrap_err();
    assert_eq!(refused.retry_after, 3600);
    assert_eq!(refused.quota_state.reset, 3 * 3600);
    assert!(rates.check_send(UserId(2)).is_ok());
    assert_eq!(
        rates.check_request(UserId(1)),
        Ok(None),
        "there is no limit"
    );
}

#[test]
fn only_wrong_passwords_count_as_failures() {
    let rates = test_limits();
    let home = origin_at("10.0.0.1");
    for _ in 0..20 {
        rates.check_login("ann", home).unwrap().mark_successful();
    }
    for _ in 0..3 {
        assert!(rates.check_login("Ann", home).is_ok());
    }
    assert!(
        rates.check_login("ann", home).is_err(),
        "the account has too many failures"
    );
    assert!(
        rates.check_login("ann", origin_at("10.0.0.2")).is_ok(),
        "another address"
    );
    assert!(rates.check_login("ben", home).is_ok());
    assert!(rates.check_login("cat", home).is_ok());
    assert!(
        rates.check_login("dan", home).is_err(),
        "the address has too many failures"
    );
}

#[test]
fn parallel_attempts_count_until_they_end() {
    let rates = test_limits();
    let under_way: Vec<_> = (0..3)
        .map(|_| rates.check_login("ann", RequestOrigin::of(None)).unwrap())
        .collect();
    assert!(rates.check_login("ann", RequestOrigin::of(None)).is_err());
    under_way
        .into_iter()
        .for_each(LoginAttempt::mark_successful);
    assert!(rates.check_login("ann", RequestOrigin::of(None)).is_ok());
}

#[test]
fn right_passwords_count_by_account() {
    let rates = limits_with(config::RateLimits {
        logins: Some(rate(2)),
        ..config::RateLimits::off()
    });
    for _ in 0..5 {
        drop(rates.check_login("ann", origin_at("10.0.0.1")).unwrap());
        rates
            .check_login("ann", RequestOrigin::of(None))
            .unwrap()
            .cancel();
    }
    rates
        .check_login("ann", origin_at("10.0.0.1"))
        .unwrap()
        .mark_successful();
    rates
        .check_login("ANN", origin_at("10.0.0.2"))
        .unwrap()
        .mark_successful();
    assert!(rates.check_login("ann", origin_at("10.0.0.3")).is_err());
    assert!(rates.check_login("ben", origin_at("10.0.0.1")).is_ok());
}

#[test]
fn cancelled_login_counts_as_no_failure() {
    let rates = test_limits();
    for _ in 0..20 {
        rates
            .check_login("ann", RequestOrigin::of(None))
            .unwrap()
            .cancel();
    }
    assert!(rates.check_login("ann", RequestOrigin::of(None)).is_ok());
}

#[test]
fn right_passwords_count_by_address() {
    let rates = limits_with(config::RateLimits {
        address_successes: Some(rate(2)),
        address_logins: Some(rate(5)),
        ..config::RateLimits::off()
    });
    let home = origin_at("10.0.0.1");
    for _ in 0..2 {
        drop(rates.check_login("ann", home).unwrap());
        rates.check_login("ann", home).unwrap().cancel();
    }
    rates.check_login("ann", home).unwrap().mark_successful();
    rates.check_login("ben", home).unwrap().mark_successful();
    assert!(
        rates.check_login("cat", home).is_err(),
        "the address has too many logins"
    );
    assert!(rates.check_login("cat", origin_at("10.0.0.2")).is_ok());
}

#[test]
fn cancelled_registration_counts_as_none() {
    let rates = limits_with(config::RateLimits {
        registrations: Some(rate(1)),
        ..config::RateLimits::off()
    });
    let home = origin_at("10.0.0.1");
    for _ in 0..5 {
        rates.check_registration(home).unwrap().cancel();
    }
    assert!(rates.check_registration(home).is_ok());
    assert!(rates.check_registration(home).is_err());
}

#[test]
fn dropped_permit_frees_socket() {
    let rates = test_limits();
    let one = rates.reserve_socket(UserId(1)).unwrap();
    let _two = rates.reserve_socket(UserId(1)).unwrap();
    assert!(rates.reserve_socket(UserId(1)).is_err());
    assert!(rates.reserve_socket(UserId(2)).is_ok());
    drop(one);
    assert!(rates.reserve_socket(UserId(1)).is_ok());
    assert_eq!(rates.sockets.taken.lock().len(), 1);
}

#[test]
fn bucket_count_is_bounded() {
    let limiter = ActiveLimiter::new(rate(2)).unwrap();
    for id in 0..2 * i64::try_from(BUCKETS_MAX).unwrap() {
        let _ = limiter.take(UserId(id));
    }
    let limit = BUCKETS_MAX + usize::try_from(SHARED_BUCKETS).unwrap();
    assert!(limiter.buckets.lock().len() <= limit);
    assert!(limiter.take(UserId(0)).is_ok(), "the second of two");
    assert!(limiter.take(UserId(0)).is_err());
}

#[test]
fn full_buckets_are_removed() {
    let fast = RateLimit {
        interval: Duration::from_nanos(1),
        ..rate(1)
    };
    let limiter = ActiveLimiter::new(fast).unwrap();
    for id in 0..=i64::from(PRUNE_EVERY) {
        limiter.take(UserId(id)).unwrap();
    }
    assert!(limiter.buckets.lock().len() < 10);
}
