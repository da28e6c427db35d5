//! LIST and LSUB (RFC 9051 §6.3.9, RFC 3501 §6.3.9, RFC 5258, RFC 5819, RFC 6154).

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::Session;
use super::reply::{Ending, Outcome, text};
use crate::backend::{Backend, Kind, Mailbox, Mailboxes, Subscription};
use crate::grammar::{List, ListForm, ListReply, ListReturn, Response, StatusItem};
use crate::out::Out;
use crate::types::{DELIMITER, MailboxName};

/// A name in the hierarchy: a mailbox, or a level above some.
#[derive(Default)]
struct Node {
    /// None for a level that is nothing by itself.
    mailbox: Option<Mailbox>,
    has_children: bool,
    /// Whether it, or something below it, exists: not only names that are subscribed to.
    exists: bool,
}

type Tree = BTreeMap<MailboxName, Node>;

impl<B: Backend> Session<B> {
    pub(super) async fn list(&self, list: &List, out: &mut Out) -> Outcome {
        if let (ListForm::Basic, [pattern]) = (list.form, list.patterns.as_slice())
            && pattern.is_empty()
        {
            // RFC 9051 §6.3.9: the delimiter and the root of the reference.
            let attributes = vec![CompactString::const_new("\\Noselect")];
            let reply = ListReply {
                attributes,
                mailbox: None,
                child_info: Vec::new(),
            };
            Response::List(reply).print(out, self.names());
            return Ok(Ending::ok(text::DONE));
        }
        let tree = tree(self.home()?.list().await?);
        let patterns: Vec<_> = list
            .patterns
            .iter()
            .map(|pattern| Pattern::new(&list.reference, pattern))
            .collect();
        let returns = list.returns.clone().unwrap_or_default();
        for (name, node) in &tree {
            if !patterns
                .iter()
                .any(|pattern| pattern.matches(name.as_str()))
            {
                continue;
            }
            let child_info = child_info(list, &tree, name, &patterns);
            if !selects(list, node) && child_info.is_empty() {
                continue;
            }
            let mailbox = Some(name.clone());
            let reply = ListReply {
                attributes: attributes(list, node),
                mailbox,
                child_info,
            };
            Response::List(reply).print(out, self.names());
            self.list_status(node, &returns, out).await?;
        }
        Ok(Ending::ok(text::DONE))
    }

    /// RFC 5819: STATUS behind LIST; a mailbox that cannot be looked at is left out.
    async fn list_status(
        &self,
        node: &Node,
        returns: &ListReturn,
        out: &mut Out,
    ) -> Result<(), Ending> {
        let items: &[StatusItem] = &returns.status;
        if let Some(mailbox) = &node.mailbox
            && !items.is_empty()
            && matches!(mailbox.kind, Kind::Writable | Kind::ReadOnly)
            && let Ok(data) = self.figures(mailbox, items).await
        {
            Response::Figures(data).print(out, self.names());
        }
        Ok(())
    }

    pub(super) async fn lsub(&self, reference: &str, pattern: &str, out: &mut Out) -> Outcome {
        let mailboxes = self.home()?.list().await?;
        let subscribed: BTreeMap<_, _> = mailboxes
            .into_iter()
            .filter(|mailbox| mailbox.subscription == Subscription::Subscribed)
            .map(|mailbox| (mailbox.name.clone(), mailbox))
            .collect();
        let pattern = Pattern::new(reference, pattern);
        let mut levels = BTreeSet::new();
        for name in subscribed.keys() {
            if pattern.matches(name.as_str()) {
                levels.insert(name.clone());
            } else if let Some(level) = above(name).find(|level| pattern.matches(level.as_str())) {
                // RFC 3501 §6.3.9: with `%`, a level above a subscribed name is listed as \Noselect.
                levels.insert(level);
            }
        }
        for name in levels {
            let attributes = match subscribed.get(&name).map(|mailbox| mailbox.kind) {
                // Not \Noselect where it is missing: that says of a name that it is not subscribed to.
                Some(Kind::Writable | Kind::ReadOnly | Kind::Missing) => Vec::new(),
                Some(Kind::Level) | None => {
                    vec![CompactString::const_new("\\Noselect")]
                }
            };
            let reply = ListReply {
                attributes,
                mailbox: Some(name),
                child_info: Vec::new(),
            };
            Response::Lsub(reply).print(out, self.names());
        }
        Ok(Ending::ok(text::DONE))
    }
}

/// The names above `name`, nearest first.
fn above(name: &MailboxName) -> impl Iterator<Item = MailboxName> {
    std::iter::successors(name.parent(), MailboxName::parent)
}

/// The mailboxes by name, with the levels between them.
fn tree(mailboxes: Vec<Mailbox>) -> Tree {
    let mut tree = Tree::new();
    for mailbox in mailboxes {
        let exists = mailbox.kind != Kind::Missing;
        for level in above(&mailbox.name) {
            let node = tree.entry(level).or_default();
            node.has_children |= exists;
            node.exists |= exists;
        }
        let node = tree.entry(mailbox.name.clone()).or_default();
        node.exists |= exists;
        node.mailbox = Some(mailbox);
    }
    tree
}

fn is_subscribed(node: &Node) -> bool {
    node.mailbox
        .as_ref()
        .is_some_and(|mailbox| mailbox.subscription == Subscription::Subscribed)
}

/// RFC 5258 §3.1: whether the selection options select it.
fn selects(list: &List, node: &Node) -> bool {
    let special = node
        .mailbox
        .as_ref()
        .is_some_and(|mailbox| mailbox.special_use.is_some());
    (node.exists || list.selection.subscribed)
        && (!list.selection.subscribed || is_subscribed(node))
        && (!list.selection.special_use || special)
}

/// RFC 5258 §3.5: CHILDINFO where a child is selected that the patterns do not show.
fn child_info(
    list: &List,
    tree: &Tree,
    name: &MailboxName,
    patterns: &[Pattern],
) -> Vec<CompactString> {
    if !list.selection.recursive_match {
        return Vec::new();
    }
    let hidden = |below: &MailboxName| !patterns.iter().any(|each| each.matches(below.as_str()));
    let found = tree
        .range(name.clone()..)
        .skip(1)
        .take_while(|(below, _)| below.as_str().starts_with(name.as_str()))
        .any(|(below, node)| below.is_below(name) && selects(list, node) && hidden(below));
    match (found, list.selection.subscribed) {
        (false, _) => Vec::new(),
        (true, true) => vec![CompactString::const_new("SUBSCRIBED")],
        (true, false) => vec![CompactString::const_new("SPECIAL-USE")],
    }
}

fn attributes(list: &List, node: &Node) -> Vec<CompactString> {
    let mut attributes = Vec::new();
    match node.mailbox.as_ref().map(|mailbox| mailbox.kind) {
        Some(Kind::Writable | Kind::ReadOnly) => {}
        // RFC 9051 §7.3.1: \NonExistent implies \NoSelect; old clients know the latter only.
        None if !node.exists => attributes.push(CompactString::const_new("\\NonExistent")),
        None | Some(Kind::Level) => attributes.push(CompactString::const_new("\\Noselect")),
        Some(Kind::Missing) => attributes.push(CompactString::const_new("\\NonExistent")),
    }
    let children = if node.has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    };
    attributes.push(CompactString::const_new(children));
    let wanted = list.selection.subscribed
        || list
            .returns
            .as_ref()
            .is_some_and(|returns| returns.subscribed);
    if wanted && is_subscribed(node) {
        attributes.push(CompactString::const_new("\\Subscribed"));
    }
    if let Some(special_use) = node
        .mailbox
        .as_ref()
        .and_then(|mailbox| mailbox.special_use)
    {
        attributes.push(CompactString::const_new(special_use.as_str()));
    }
    attributes
}

/// A pattern behind its reference: `*` is anything, `%` anything within a level.
struct Pattern(Vec<char>);

impl Pattern {
    fn new(reference: &str, pattern: &str) -> Self {
        // RFC 9051 §6.3.9: a pattern that begins at the root has no use for a reference.
        let (reference, pattern) = match pattern.strip_prefix(DELIMITER) {
            Some(absolute) => ("", absolute),
            None => (
                reference.strip_prefix(DELIMITER).unwrap_or(reference),
                pattern,
            ),
        };
        let mut canonical = format!("{reference}{pattern}");
        if canonical
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("inbox"))
            && canonical
                .get(5..6)
                .is_none_or(|next| matches!(next, "/" | "*" | "%"))
        {
            canonical.replace_range(..5, "INBOX");
        }
        let mut chars: Vec<char> = canonical.chars().collect();
        // `**` is `*`; without this, many of them would cost time.
        chars.dedup_by(|b, a| matches!((*a, *b), ('*', '*') | ('%', '%')));
        Self(chars)
    }

    /// Steps through the name with the set of places in the pattern that have been reached: time is
    /// the product of the lengths, whatever the pattern.
    fn matches(&self, name: &str) -> bool {
        let mut reached = vec![false; self.0.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        self.close(&mut reached);
        for c in name.chars() {
            let mut next = vec![false; reached.len()];
            for (at, wanted) in self.0.iter().enumerate() {
                if !reached.get(at).copied().unwrap_or_default() {
                    continue;
                }
                let to = match wanted {
                    '*' => Some(at),
                    '%' if c != DELIMITER => Some(at),
                    '%' => None,
                    literal if *literal == c => Some(at + 1),
                    _ => None,
                };
                if let Some(slot) = to.and_then(|to| next.get_mut(to)) {
                    *slot = true;
                }
            }
            self.close(&mut next);
            reached = next;
        }
        reached.last().copied().unwrap_or_default()
    }

    /// Wildcards match nothing, too.
    fn close(&self, reached: &mut [bool]) {
        for (at, wanted) in self.0.iter().enumerate() {
            if matches!(wanted, '*' | '%')
                && reached.get(at).copied().unwrap_or_default()
                && let Some(slot) = reached.get_mut(at + 1)
            {
                *slot = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: &str, pattern: &str, name: &str, expected: bool) {
        let matches = Pattern::new(reference, pattern).matches(name);
        assert_eq!(matches, expected, "{reference:?} {pattern:?} {name:?}");
    }

    #[test]
    fn patterns() {
        check("", "*", "a/b/c", true);
        check("", "%", "a", true);
        check("", "%", "a/b", false);
        check("", "%/%", "a/b", true);
        check("a/", "%", "a/b", true);
        check("a/", "%", "a/b/c", false);
        check("", "/a/*", "a/b", true);
        check("x/", "/a", "a", true);
        check("", "a*c", "a/b/c", true);
        check("", "a%c", "abbc", true);
        check("", "a%c", "a/c", false);
        check("", "inbox", "INBOX", true);
        check("", "inbox/%", "INBOX/x", true);
        check("", "Inboxes", "Inboxes", true);
        check("", "", "a", false);
        check("", "%*", "a/b", true);
        check("", "**%%**x", "yyyx", true);
    }
}
