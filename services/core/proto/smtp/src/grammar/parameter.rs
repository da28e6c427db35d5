//! The parameters of MAIL and RCPT (RFC 5321 §4.1.2), before anybody knows what they mean.

/// `esmtp-keyword ["=" esmtp-value]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'a> {
    pub(crate) keyword: &'a str,
    pub(crate) value: Option<&'a str>,
}

impl Parameter<'_> {
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword)
    }
}

/// Why parameters were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Not of the form `KEYWORD=value`.
    #[error("malformed parameter")]
    Syntax,
    /// A value that the keyword does not take, or none where it needs one.
    #[error("bad value for {0}")]
    Value(&'static str),
    /// The keyword was there before.
    #[error("{0} was given twice")]
    Twice(&'static str),
    /// A keyword of no extension that we offer.
    #[error("unknown parameter")]
    Unknown,
}

// RFC 5321 §4.1.2: Mail-parameters = esmtp-param *(SP esmtp-param)
pub(crate) fn parameters(
    text: &str,
) -> Result<impl Iterator<Item = Result<Parameter<'_>, ParameterError>>, ParameterError> {
    if !text.is_empty() && !text.starts_with(' ') {
        return Err(ParameterError::Syntax);
    }
    // More than one space, or a trailing one, is common and harmless.
    Ok(text
        .split(' ')
        .filter(|part| !part.is_empty())
        .map(parameter))
}

// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
// esmtp-value   = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)
fn parameter(text: &str) -> Result<Parameter<'_>, ParameterError> {
    let (keyword, value) = match text.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (text, None),
    };
    let mut bytes = keyword.bytes();
    let starts = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_value = |value: &str| {
        !value.is_empty() && !value.chars().any(|char| char == '=' || char.is_control())
    };
    match starts && goes_on && value.is_none_or(is_value) {
        true => Ok(Parameter { keyword, value }),
        false => Err(ParameterError::Syntax),
    }
}

/// Sets what must be set once.
pub(crate) fn once<T>(
    slot: &mut Option<T>,
    keyword: &'static str,
    value: Option<T>,
) -> Result<(), ParameterError> {
    let value = value.ok_or(ParameterError::Value(keyword))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParameterError::Twice(keyword)),
    }
}
