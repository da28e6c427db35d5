//! Names that look like the one somebody typed.

/// How many are worth showing.
const SHOWN: usize = 3;
/// Below this likeness (Jaro-Winkler) a name is another name, not a typing error.
const ALIKE: f64 = 0.84;

/// The candidates that look like `name`, nearest first; at most three.
pub(crate) fn nearest<T: AsRef<str>>(name: &str, candidates: impl Iterator<Item = T>) -> Vec<T> {
    let name = name.to_lowercase();
    let mut scored: Vec<(f64, T)> = candidates
        .map(|candidate| {
            (
                strsim::jaro_winkler(&name, &candidate.as_ref().to_lowercase()),
                candidate,
            )
        })
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored
        .into_iter()
        .take(SHOWN)
        .map(|(_, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_the_name_that_was_meant() {
        let names = ["zimbraMailQuota", "zimbraMailHost", "uid"];
        assert_eq!(
            nearest("zimbraMailQutoa", names.into_iter()).first(),
            Some(&"zimbraMailQuota")
        );
        assert!(nearest("nothing like it", names.into_iter()).is_empty());
    }
}
