//! Random stories: 1,000 seeds in the suite, any number with `make converge` (invariants 1 to 5).

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
    stories_of_seeds_0_to_249: 0..250_u64,
    stories_of_seeds_250_to_499: 250..500_u64,
    stories_of_seeds_500_to_749: 500..750_u64,
    stories_of_seeds_750_to_999: 750..1000_u64,
}
