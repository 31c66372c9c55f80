//! Every small state converges (K6, K8, K8a). `make sweep` walks all of them at every stop; here, what fits a build.

use harness::sweep::{Depth, Sweep, walk};

#[test]
fn k6_every_state_of_three_mail_rows_converges_and_is_quiet() {
    assert!(walk(Sweep::Mail, Depth::Converges, 3, 0, 8) > 100_000);
}

#[test]
fn k6_every_state_of_two_phone_rows_converges_and_is_quiet() {
    assert!(walk(Sweep::Phone, Depth::Converges, 2, 0, 1) > 30_000);
}

#[test]
fn k8_stopping_anywhere_with_two_mail_rows_ends_in_the_same_state() {
    assert!(walk(Sweep::Mail, Depth::EveryStop, 2, 0, 1) > 40_000);
}

#[test]
fn k8_stopping_anywhere_with_three_mail_rows_ends_in_the_same_state_sampled() {
    assert!(walk(Sweep::Mail, Depth::EveryStop, 3, 7, 101) > 5_000);
}

#[test]
fn k8_stopping_anywhere_with_phone_rows_ends_in_the_same_state_sampled() {
    assert!(walk(Sweep::Phone, Depth::EveryStop, 3, 7, 397) > 500);
}
