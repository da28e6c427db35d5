//! The metrics that a daemon tells, read back (OpenMetrics 1.0 text).

use std::collections::BTreeMap;

/// The most samples kept of one daemon; ours tell a few hundred.
const SAMPLES_MAX: usize = 20_000;

/// The samples of one daemon.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(BTreeMap<String, Vec<Sample>>);

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, as written.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, _)| label == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Figures {
    /// Reads an exposition. Lines that are none are passed over: a figure that cannot be read is a
    /// figure that is not there.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut figures = Self::default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for (name, sample) in lines.filter_map(line).take(SAMPLES_MAX) {
            figures.0.entry(name).or_default().push(sample);
        }
        figures
    }

    /// Every sample with its name, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Sample)> {
        let all = self.0.iter();
        all.flat_map(|(name, samples)| samples.iter().map(move |sample| (name.as_str(), sample)))
    }

    /// All samples of a name.
    #[must_use]
    pub fn all(&self, name: &str) -> &[Sample] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The sum of the samples of a name, as a whole number; 0 where there is none.
    #[must_use]
    pub fn total(&self, name: &str) -> u64 {
        Self::sum(self.all(name).iter())
    }

    /// The sum of some samples.
    #[must_use]
    pub fn sum<'a>(samples: impl Iterator<Item = &'a Sample>) -> u64 {
        whole(samples.map(|sample| sample.value).sum())
    }

    /// The sum of those that have a label.
    #[must_use]
    pub fn total_where(&self, name: &str, label: &str, value: &str) -> u64 {
        let matching = |sample: &&Sample| sample.label(label) == Some(value);
        Self::sum(self.all(name).iter().filter(matching))
    }

    /// The one sample of a name.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<f64> {
        self.all(name).first().map(|sample| sample.value)
    }
}

/// A figure as a whole number; what is negative or no number is 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from a float saturates, and no number becomes 0"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

/// `name{label="value",…} 1.5`
fn line(line: &str) -> Option<(String, Sample)> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at_checked(end)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name.to_owned(), Sample { labels, value }))
}

/// The labels after an opening brace, and what follows the closing one.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        rest = quoted.get(end.checked_add(1)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels() {
        let figures = Figures::read(
            "# TYPE roost_store_logins counter\n\
             roost_store_logins_total{protocol=\"imap\",outcome=\"accepted\"} 4\n\
             roost_store_logins_total{protocol=\"pop3\",outcome=\"accepted\"} 3\n\
             roost_store_logins_total{protocol=\"imap\",outcome=\"refused\"} 2\n\
             up{why=\"a \\\"quoted\\\" } brace, and \\\\\"} 1.5 1790000000\n\
             nonsense\n# EOF\n",
        );
        assert_eq!(figures.total("roost_store_logins_total"), 9);
        assert_eq!(
            figures.total_where("roost_store_logins_total", "outcome", "accepted"),
            7
        );
        let up = &figures.all("up")[0];
        assert_eq!(up.label("why"), Some("a \"quoted\" } brace, and \\"));
        assert_eq!(figures.one("up"), Some(1.5));
        assert_eq!(figures.one("down"), None);
    }

    #[test]
    fn no_line_upsets_the_reader() {
        for text in [
            "{",
            "a{",
            "a{b",
            "a{b=\"",
            "a{b=\"\\",
            "a{b=\"c\"",
            "a{} ",
            "a NaN",
            "é{=\"\"}",
        ] {
            drop(Figures::read(text));
        }
        assert_eq!(Figures::read("a NaN").total("a"), 0);
        assert_eq!(Figures::read("a -3").total("a"), 0);
    }
}
