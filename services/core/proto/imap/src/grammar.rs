//! Commands and responses ⇄ octets, in both directions. Pure: nothing here waits, decides or remembers.
//!
//! [`parse`] reads a [`Raw`](crate::frame::Raw) command into a [`Command`]; [`Command::print`] writes
//! it back. [`Response`] is the other direction. Each function stands under the rule of RFC 9051 §9
//! that it reads or writes.

mod command;
pub(crate) mod cursor;
mod date;
mod parse;
pub(crate) mod print;
mod response;
pub mod utf7;

pub use command::{
    Access, AppendMessage, By, Command, CommandBody, Extension, Fetch, FetchItem, Fields,
    FieldsMatch, Filter, IdField, Key, List, ListForm, ListReturn, ListSelection, ModSeqCriterion,
    Partial, Path, Preview, QresyncParameter, Reply, Search, SearchReturn, Section, SectionText,
    Seen, Select, StatusItem, Store, Tag,
};
pub use cursor::{Error, Names};
pub use parse::{Announced, announced, command as parse, tag_of};
pub use print::Wire;
pub use response::{
    Code, Condition, ESearch, FetchAttribute, FetchData, FlagName, Form, ListReply, Response,
    StatusData, StatusValue, Word, body, envelope, response as parse_response,
};
