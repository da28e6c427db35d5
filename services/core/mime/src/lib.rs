//! Message structure, headers and text.
