//! Random stories (invariants 1 to 5); any number on demand by `make converge`.

use harness::Result;
use harness::converge::converge;

macro_rules! stories {
    ($($name:ident: $seeds:expr),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> Result<()> {
            let seeds = $seeds;
            let expected = seeds.end - seeds.start;
            assert_eq!(converge(seeds).await?, expected);
            Ok(())
        })*
    };
}

stories! {
    seeds_0_to_39: 0..40,
    seeds_40_to_79: 40..80,
}
