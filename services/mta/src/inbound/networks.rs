//! Networks whose hosts are trusted (`zimbraMtaMyNetworks`).

pub use roost_kit::net::Network;

/// The networks of a setting's values, each of which may name several. What cannot be read is
/// trusted by nobody, and logged.
pub fn read<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Network> {
    let words = values.flat_map(|value| value.split([' ', ',', '\t']));
    let read = |word: &str| match word.parse() {
        Ok(network) => Some(network),
        Err(error) => {
            tracing::warn!(word, %error, "zimbraMtaMyNetworks has a value that cannot be used");
            None
        }
    };
    words
        .filter(|word| !word.is_empty())
        .filter_map(read)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_name_several() {
        assert_eq!(
            read(["127.0.0.0/8 [::1]/128,bad", "10.0.0.0/8"].into_iter()).len(),
            3
        );
    }
}
