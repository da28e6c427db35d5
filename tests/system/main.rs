//! Whole-system tests: real processes and real foreign clients.
