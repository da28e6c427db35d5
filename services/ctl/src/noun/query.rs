//! The query of a request at a control socket.

use std::fmt;

/// Names and values, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds a value.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    /// Adds a value if there is one.
    pub(crate) fn maybe(self, name: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }
}

/// Begins with a question mark where there is anything. RFC 3986 §2.1: what is not unreserved is written
/// in hexadecimal.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, value)) in self.0.iter().enumerate() {
            let separator = if number == 0 { '?' } else { '&' };
            write!(f, "{separator}{name}=")?;
            for octet in value.bytes() {
                match octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                    true => write!(f, "{}", char::from(octet))?,
                    false => write!(f, "%{octet:02X}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        let query = Query::default()
            .with("account", "a+b&c@example.com")
            .maybe("since", None)
            .maybe("sender", Some("<>".to_owned()));
        assert_eq!(
            query.to_string(),
            "?account=a%2Bb%26c%40example.com&sender=%3C%3E"
        );
        assert_eq!(Query::default().to_string(), "");
    }
}
