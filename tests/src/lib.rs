//! Whole-system tests: real processes, real foreign clients.
