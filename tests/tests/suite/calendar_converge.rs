//! Random stories of calendars: some seeds in the suite, any number with `make converge` (invariants 1 to 5).

use harness::Result;
use harness::calendar::converge::{Edit, Kind, Step, Story};
use harness::converge::{converge, replay};

macro_rules! stories {
    ($($name:ident: $seeds:expr,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<()> {
            let seeds = $seeds;
            assert_eq!(converge::<Story>(seeds.clone()).await?, seeds.end - seeds.start);
            Ok(())
        }
    )*};
}

stories! {
    stories_of_seeds_0_to_49: 0..50_u64,
}

/// Google tells a deletion once; the run that hears of it holds an empty list of Termine, and so cannot compare the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_what_could_not_be_compared_is_told_again() -> Result<()> {
    let edit = |kind, pick, number| Step::Edit(Edit { who: 1, kind, pick, number });
    let empty_list = Step::Fault(2, 14);
    let steps = vec![edit(Kind::EventNew, 10, 5), edit(Kind::EventDeleted, 11, 6), empty_list, Step::Run];
    replay(&Story { steps }).await
}

/// The run that blocks the copies holds an empty list of Termine: what a user moved meanwhile must not count as agreed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_a_move_is_not_swallowed_when_a_copy_is_blocked_without_its_termin() -> Result<()> {
    let moved = Step::Edit(Edit { who: 1, kind: Kind::EventMoved, pick: 1, number: 18 });
    let empty_list = Step::Fault(2, 14);
    replay(&Story { steps: vec![moved, Step::Policy(1, 4), empty_list, Step::Run] }).await
}
