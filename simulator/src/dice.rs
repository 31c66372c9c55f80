//! Deterministic randomness: SplitMix64 (Steele, Lea, Flood 2014), fixed for ever so that a seed always means the same firm.

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        // The modulo's bias is irrelevant for bounds this small.
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or("")
    }

    /// `length` characters of `alphabet`.
    pub(crate) fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).filter_map(|_| alphabet.get(self.below(alphabet.len())).map(|&letter| char::from(letter))).collect()
    }

    /// Fisher-Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// An id as EspoCRM makes them: 17 hex characters (DOMAIN 5).
pub(crate) fn espo_id(dice: &mut Dice) -> String {
    dice.letters(b"0123456789abcdef", 17)
}

/// A change token as Advoware makes them: 40 upper-case characters (DOMAIN 2; the seed's examples use A to P).
pub(crate) fn row_id(dice: &mut Dice) -> String {
    dice.letters(b"ABCDEFGHIJKLMNOP", 40)
}
