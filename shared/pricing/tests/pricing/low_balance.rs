//! The marks at which a kind of credits is low.

use scrip_pricing::{CATALOG, Credits};

#[test]
fn the_playground_mark_is_a_fifth_of_the_allowance_rounded_down() {
    // Allowance, playground mark.
    let table = [
        (0, 0),
        (4, 0),
        (5, 1),
        (9, 1),
        (99, 19),
        (100, 20),
        (999, 199),
        (1000, 200),
        (1004, 200),
        (1005, 201),
        (2500, 500),
        (6000, 1200),
        (1_000_000_000_000, 200_000_000_000),
        (u64::MAX, 3_689_348_814_741_910_323),
    ];
    for (allowance, playground) in table {
        assert_eq!(CATALOG.low_marks(allowance), Credits::new(playground, 0, 8), "{allowance}");
    }
}
