//! A thousand random stories (invariants 1 to 5); any number on demand by `make converge`.

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
    seeds_0_to_249: 0..250,
    seeds_250_to_499: 250..500,
    seeds_500_to_749: 500..750,
    seeds_750_to_999: 750..1000,
}
