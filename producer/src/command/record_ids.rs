//! Ids of records as people type them.

use std::collections::HashSet;
use std::fmt;

use domain::ids::{EspoId, InvalidEspoId};

/// Which of the ids are none. Does not repeat them: what stands in their place may be a name.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidIds(Vec<(usize, InvalidEspoId)>);

impl fmt::Display for InvalidIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was queued:")?;
        self.0.iter().try_for_each(|(position, problem)| write!(f, "\n  id number {position} is {problem}"))
    }
}

impl std::error::Error for InvalidIds {}

/// All ids, each once, in their order; or every one that is none.
pub(super) fn parse(texts: &[String]) -> Result<Vec<EspoId>, InvalidIds> {
    let (mut ids, mut seen, mut problems) = (Vec::new(), HashSet::new(), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        match EspoId::parse(text) {
            Ok(id) => {
                if seen.insert(id.clone()) {
                    ids.push(id);
                }
            }
            Err(problem) => problems.push((index + 1, problem)),
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(InvalidIds(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<EspoId>, InvalidIds> {
        parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn each_id_counts_once() {
        let ids = read(&["b", "a", "b"]).unwrap();
        assert_eq!(ids.iter().map(EspoId::as_str).collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn e2_every_invalid_id_is_told_by_its_position_and_not_repeated() {
        let told = read(&["a", "Erika Beispiel", "b", ""]).unwrap_err().to_string();
        let expected = "expected 1 to 36 letters, digits or hyphens";
        assert_eq!(
            told,
            format!(
                "nothing was queued:\n  id number 2 is not an EspoCRM record id (length 14): {expected}\n  \
                 id number 4 is not an EspoCRM record id (length 0): {expected}"
            )
        );
    }
}
