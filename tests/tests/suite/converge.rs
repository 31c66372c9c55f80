//! Random stories: 400 seeds in the suite, any number with `make converge` (invariants 1 to 5).

use harness::Result;
use harness::converge::{Story, converge};

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

// In parts, so that a failing one is found sooner and the runner can place them.
stories! {
    stories_of_seeds_0_to_99: 0..100_u64,
    stories_of_seeds_100_to_199: 100..200_u64,
    stories_of_seeds_200_to_299: 200..300_u64,
    stories_of_seeds_300_to_399: 300..400_u64,
}
