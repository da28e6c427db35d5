//! The controls of a request, read and sorted out: which are honoured for which operation.

use crate::refuse::Refusal;
use crate::wire::control::{self, Known, Page, SortKey};
use crate::wire::filter::Filter;
use crate::wire::message::Control;
use crate::wire::response::ResultCode;

/// The operations, as far as controls tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A bind.
    Bind,
    /// A search.
    Search,
    /// A compare.
    Compare,
    /// An add.
    Add,
    /// A modify.
    Modify,
    /// A delete.
    Delete,
    /// A rename or move.
    ModifyDn,
    /// An extended operation.
    Extended,
}

/// What modifies an operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Controls {
    /// RFC 2696.
    pub page: Option<Page>,
    /// RFC 2891: the keys, and whether an unsorted answer is worth nothing.
    pub sort: Option<(Vec<SortKey>, bool)>,
    /// RFC 4528.
    pub assertion: Option<Filter>,
    /// RFC 4527.
    pub pre_read: Option<Vec<String>>,
    /// RFC 4527.
    pub post_read: Option<Vec<String>>,
    /// The whole tree is meant.
    pub tree_delete: bool,
    /// RFC 3829.
    pub authorization_identity: bool,
    /// RFC 3672: `Some(true)` asks for subentries only, of which the tree has none.
    pub subentries: Option<bool>,
}

/// The controls of this server, for the root DSE.
pub const SUPPORTED: &[&str] = &[
    control::oid::PAGED_RESULTS,
    control::oid::SORT,
    control::oid::MANAGE_DSA_IT,
    control::oid::ASSERTION,
    control::oid::PRE_READ,
    control::oid::POST_READ,
    control::oid::TREE_DELETE,
    control::oid::AUTHORIZATION_IDENTITY,
    control::oid::SUBENTRIES,
    control::oid::DONT_USE_COPY,
];

impl Controls {
    /// Reads the controls of an operation. RFC 4511 §4.1.11: a critical control that is not
    /// understood, or not meant for the operation, refuses it; another one is ignored.
    pub fn read(controls: &[Control], operation: Operation) -> Result<Self, Refusal> {
        let mut read = Self::default();
        for control in controls {
            match control::read(control)? {
                Some(known) if applies(&known, operation) => {
                    read.take(known, control)?;
                }
                _ if control.critical => {
                    return Err(Refusal::new(
                        ResultCode::UnavailableCriticalExtension,
                        format!(
                            "the control {} is not available for this operation",
                            control.oid
                        ),
                    ));
                }
                _ => {}
            }
        }
        Ok(read)
    }

    fn take(&mut self, known: Known, control: &Control) -> Result<(), Refusal> {
        let twice = match known {
            Known::PagedResults(page) => self.page.replace(page).is_some(),
            Known::Sort(keys) => self.sort.replace((keys, control.critical)).is_some(),
            Known::Assertion(filter) => self.assertion.replace(filter).is_some(),
            Known::PreRead(names) => self.pre_read.replace(names).is_some(),
            Known::PostRead(names) => self.post_read.replace(names).is_some(),
            Known::TreeDelete => std::mem::replace(&mut self.tree_delete, true),
            Known::AuthorizationIdentity => {
                std::mem::replace(&mut self.authorization_identity, true)
            }
            Known::Subentries(visible) => self.subentries.replace(visible).is_some(),
            Known::ManageDsaIt | Known::DontUseCopy => false,
        };
        if twice {
            let message = format!("the control {} appears twice", control.oid);
            return Err(Refusal::new(ResultCode::ProtocolError, message));
        }
        Ok(())
    }
}

fn applies(known: &Known, operation: Operation) -> bool {
    use Operation::{Add, Bind, Compare, Delete, Modify, ModifyDn, Search};
    match known {
        Known::PagedResults(_) | Known::Sort(_) | Known::Subentries(_) => operation == Search,
        Known::Assertion(_) => {
            matches!(
                operation,
                Search | Compare | Add | Modify | Delete | ModifyDn
            )
        }
        Known::PreRead(_) => matches!(operation, Modify | Delete | ModifyDn),
        Known::PostRead(_) => matches!(operation, Add | Modify | ModifyDn),
        Known::TreeDelete => operation == Delete,
        Known::AuthorizationIdentity => operation == Bind,
        Known::ManageDsaIt | Known::DontUseCopy => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(oid: &str, critical: bool, value: Option<&[u8]>) -> Control {
        Control {
            oid: oid.into(),
            critical,
            value: value.map(<[u8]>::to_vec),
        }
    }

    #[track_caller]
    fn refused(controls: &[Control], operation: Operation, code: ResultCode) {
        match Controls::read(controls, operation) {
            Err(Refusal::Answer(outcome)) => assert_eq!(outcome.code, code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_critical_controls_can_refuse() {
        let unknown = |critical| control("1.2.3.4", critical, None);
        let read = Controls::read(&[unknown(false)], Operation::Search).unwrap();
        assert_eq!(read, Controls::default());
        let code = ResultCode::UnavailableCriticalExtension;
        refused(&[unknown(true)], Operation::Search, code);
        let delete = control(control::oid::TREE_DELETE, true, None);
        refused(std::slice::from_ref(&delete), Operation::Search, code);
        assert!(
            Controls::read(&[delete], Operation::Delete)
                .unwrap()
                .tree_delete
        );
    }

    #[test]
    fn broken_and_doubled_controls_are_protocol_errors() {
        let page = [0x30, 5, 2, 1, 10, 4, 0];
        let good = control(control::oid::PAGED_RESULTS, true, Some(&page));
        let read = Controls::read(std::slice::from_ref(&good), Operation::Search).unwrap();
        assert_eq!(
            read.page,
            Some(Page {
                size: 10,
                cookie: vec![]
            })
        );
        refused(
            &[good.clone(), good],
            Operation::Search,
            ResultCode::ProtocolError,
        );
        let bad = control(control::oid::PAGED_RESULTS, false, Some(&[0x30, 9, 2]));
        refused(&[bad], Operation::Search, ResultCode::ProtocolError);
    }
}
