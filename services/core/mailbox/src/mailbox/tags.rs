//! Tags: keywords that are items.

use std::sync::Arc;

use super::Mailbox;
use crate::error::Error;
use crate::id::{FolderId, ItemId};
use crate::keyword::{self, Keyword, Tag};
use crate::op::{Alteration, Op};
use crate::plan::{Plan, Stop};

impl Mailbox {
    /// Makes a tag, or makes a keyword one.
    pub async fn create_tag(&self, name: &str, color: u32) -> Result<ItemId, Error> {
        keyword::check_name(name)?;
        self.change(Vec::new(), |plan, _| {
            let old = plan.state.keywords.find(name).cloned();
            if old.as_ref().is_some_and(|keyword| keyword.tag.is_some()) {
                return Err(Error::AlreadyExists.into());
            }
            let id = match &old {
                Some(keyword) => keyword.id,
                None => plan.state.keywords.vacant()?,
            };
            let item = plan.new_item()?;
            plan.push(Op::PutKeyword(Keyword {
                id,
                name: name.into(),
                tag: Some(Tag { item, color }),
            }));
            Ok(item)
        })
        .await
    }

    /// Renames a tag, or gives it another colour. Items that have it keep their mod-sequences.
    pub async fn change_tag(
        &self,
        tag: ItemId,
        name: Option<&str>,
        color: Option<u32>,
    ) -> Result<(), Error> {
        if let Some(name) = name {
            keyword::check_name(name)?;
        }
        self.change(Vec::new(), |plan, _| {
            let old = plan.tag(tag)?;
            let mut new = old.clone();
            if let Some(name) = name {
                let taken = plan.state.keywords.find(name);
                if taken.is_some_and(|keyword| keyword.id != old.id) {
                    return Err(Error::AlreadyExists.into());
                }
                new.name = name.into();
            }
            if let (Some(color), Some(tag)) = (color, &mut new.tag) {
                tag.color = color;
            }
            if new != old {
                plan.push(Op::PutKeyword(new));
            }
            Ok(())
        })
        .await
    }

    /// Deletes a tag, and takes it off all items.
    pub async fn delete_tag(&self, tag: ItemId) -> Result<(), Error> {
        self.change(Vec::new(), |plan, _| plan.delete_tag(tag))
            .await
    }
}

impl Plan {
    fn tag(&self, item: ItemId) -> Result<Keyword, Error> {
        let is_it = |keyword: &&Keyword| keyword.tag.is_some_and(|tag| tag.item == item);
        let found = self.state.keywords.iter().find(is_it);
        found.cloned().ok_or(Error::NoSuchItem(item))
    }

    fn delete_tag(&mut self, item: ItemId) -> Result<(), Stop> {
        let tag = self.tag(item)?.id;
        let folders: Vec<FolderId> = self
            .state
            .folders
            .iter()
            .map(|folder| folder.info.id)
            .collect();
        for folder in folders {
            let entries = Arc::clone(
                self.state
                    .folder(folder)
                    .ok_or(Error::NoSuchFolder(folder))?,
            );
            let entries = entries.entries.as_ref().ok_or(Stop::Load(folder))?;
            let items: Vec<Alteration> = entries
                .iter()
                .filter(|entry| entry.keywords().contains(&tag))
                .map(|entry| Alteration {
                    uid: entry.uid,
                    was: entry.flags,
                    flags: entry.flags,
                    keywords: entry
                        .keywords()
                        .iter()
                        .filter(|keyword| **keyword != tag)
                        .copied()
                        .collect(),
                })
                .collect();
            if !items.is_empty() {
                self.push(Op::Alter { folder, items });
            }
        }
        self.push(Op::DeleteKeyword(tag));
        Ok(())
    }
}
