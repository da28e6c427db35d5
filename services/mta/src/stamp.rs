//! Times as they are stored: RFC 3339 text for people (control socket), milliseconds since 1970
//! for the journal.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Writes a time; see the module.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        time.to_string().serialize(serializer)
    } else {
        time.as_millisecond().serialize(serializer)
    }
}

/// Reads a time; see the module.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    if deserializer.is_human_readable() {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    } else {
        let milliseconds = i64::deserialize(deserializer)?;
        Timestamp::from_millisecond(milliseconds).map_err(de::Error::custom)
    }
}

/// The same for a time that may be missing.
pub mod optional {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp};

    #[derive(Serialize, Deserialize)]
    struct Stamped(#[serde(with = "super")] Timestamp);

    /// Writes a time that may be missing.
    pub fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Stamped).serialize(serializer)
    }

    /// Reads a time that may be missing.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Stamped>::deserialize(deserializer)?.map(|stamped| stamped.0))
    }
}
