//! Making, changing and deleting folders.

use bytes::Bytes;
use compact_str::CompactString;

use super::Mailbox;
use crate::config::limits;
use crate::error::Error;
use crate::folder::{Contents, Counts, Folder, FolderChange, FolderKind, Nested, NewFolder, ROOT};
use crate::id::{FolderId, ModSeq, Uid, UidValidity};
use crate::item::Entry;
use crate::op::Op;
use crate::plan::{Plan, Stop};

impl Mailbox {
    /// Makes a folder.
    pub async fn create_folder(&self, folder: NewFolder) -> Result<FolderId, Error> {
        check_name(&folder.name)?;
        check_attributes(&folder.attributes)?;
        let now = self.inner.clock.now().as_second();
        self.change(Vec::new(), |plan, _| {
            plan.place(folder.parent, &folder.name, None)?;
            if plan.state.folders.len() >= limits::FOLDERS {
                return Err(Error::Limit("folders of a mailbox").into());
            }
            let id = FolderId::new(plan.new_item()?.get());
            // Never one that was used in this mailbox, whatever the clock does.
            let now = u32::try_from(now).unwrap_or(u32::MAX);
            let uid_validity = UidValidity::new(now.max(plan.state.next_uid_validity));
            let modseq = plan.modseq();
            plan.push(Op::PutFolder(new_folder(&folder, id, uid_validity, modseq)));
            plan.adopt_subscriptions(&[id])?;
            Ok(id)
        })
        .await
    }

    /// Renames, moves, subscribes, colours a folder, all at once.
    pub async fn change_folder(&self, id: FolderId, change: FolderChange) -> Result<(), Error> {
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        if let Some(attributes) = &change.attributes {
            check_attributes(attributes)?;
        }
        self.change(Vec::new(), |plan, _| {
            let old = plan.folder(id)?.info.clone();
            let parent = change.parent.unwrap_or(old.parent);
            let name = change.name.clone().unwrap_or_else(|| old.name.clone());
            let is_moved = (parent, &name) != (old.parent, &old.name);
            if is_moved {
                if old.is_system() {
                    return Err(Error::Immutable(id).into());
                }
                plan.place(parent, &name, Some(id))?;
            }
            let new = Folder {
                parent,
                name,
                special_use: change.special_use.unwrap_or(old.special_use),
                subscribed: change.subscribed.unwrap_or(old.subscribed),
                color: change.color.unwrap_or(old.color),
                attributes: change
                    .attributes
                    .clone()
                    .unwrap_or_else(|| old.attributes.clone()),
                ..old.clone()
            };
            if new != old {
                plan.push(Op::PutFolder(new));
            }
            if is_moved {
                let moved = plan.below(id)?;
                plan.adopt_subscriptions(&moved)?;
            }
            Ok(())
        })
        .await
    }

    /// Deletes a folder. Whoever was subscribed to it stays subscribed to its name.
    pub async fn delete_folder(
        &self,
        id: FolderId,
        contents: Contents,
        nested: Nested,
    ) -> Result<(), Error> {
        self.change(Vec::new(), |plan, _| {
            let doomed = plan.below(id)?;
            if plan.folder(id)?.info.is_system() {
                return Err(Error::Immutable(id).into());
            }
            if nested == Nested::Keep && doomed.len() > 1 {
                return Err(Error::HasChildren(id).into());
            }
            // The innermost first.
            for folder in doomed.iter().rev() {
                plan.clear(*folder, contents, &doomed)?;
                plan.leave_subscription(*folder)?;
                plan.push(Op::DeleteFolder(*folder));
            }
            Ok(())
        })
        .await
    }
}

fn new_folder(new: &NewFolder, id: FolderId, uid_validity: UidValidity, modseq: ModSeq) -> Folder {
    Folder {
        id,
        parent: new.parent,
        name: new.name.clone(),
        kind: new.kind,
        view: new.view,
        special_use: new.special_use,
        subscribed: new.subscribed,
        color: new.color,
        attributes: new.attributes.clone(),
        uid_validity,
        uid_next: Uid::new(1),
        modseq,
        items_modseq: modseq,
        counts: Counts::default(),
    }
}

impl Plan {
    /// Whether a folder can have this place: a new one, or `moved`.
    fn place(
        &self,
        parent: FolderId,
        name: &CompactString,
        moved: Option<FolderId>,
    ) -> Result<(), Error> {
        if self.folder(parent)?.info.kind != FolderKind::Folder {
            return Err(Error::CannotContain(parent));
        }
        let taken = self.state.child(parent, name);
        if taken.is_some_and(|folder| Some(folder.info.id) != moved) {
            return Err(Error::AlreadyExists);
        }
        let mut above = parent;
        let mut depth = 1;
        while above != ROOT {
            if Some(above) == moved {
                return Err(Error::CannotContain(above));
            }
            above = self.folder(above)?.info.parent;
            depth += 1;
        }
        let height = match moved {
            Some(moved) => self.height(moved)?,
            None => 0,
        };
        if depth + height > limits::FOLDER_DEPTH {
            return Err(Error::Limit("levels of folders"));
        }
        Ok(())
    }

    /// A folder and all below it, each before those in it.
    fn below(&self, id: FolderId) -> Result<Vec<FolderId>, Error> {
        self.folder(id)?;
        let mut found = vec![id];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let children = self.state.folders.iter().map(|folder| &folder.info);
            found.extend(
                children
                    .filter(|child| child.parent == parent && child.id != ROOT)
                    .map(|child| child.id),
            );
            at += 1;
        }
        Ok(found)
    }

    /// How many levels lie below a folder.
    fn height(&self, id: FolderId) -> Result<usize, Error> {
        let mut height = 0;
        for folder in self.below(id)? {
            let mut levels = 0;
            let mut above = folder;
            while above != id {
                above = self.folder(above)?.info.parent;
                levels += 1;
            }
            height = height.max(levels);
        }
        Ok(height)
    }

    /// Deals with the items of a folder that is deleted.
    fn clear(
        &mut self,
        folder: FolderId,
        contents: Contents,
        doomed: &[FolderId],
    ) -> Result<(), Stop> {
        if self.folder(folder)?.info.counts.total == 0 {
            return Ok(());
        }
        match contents {
            Contents::Keep => Err(Error::NotEmpty(folder).into()),
            Contents::Remove => Ok(()),
            Contents::MoveTo(target) if doomed.contains(&target) => {
                Err(Error::CannotContain(target).into())
            }
            Contents::MoveTo(target) => {
                let entries: Vec<Entry> = self.entries(folder)?.iter().cloned().collect();
                let first = self.new_uids(target, entries.len())?;
                self.relocate(folder, target, &entries, first);
                Ok(())
            }
        }
    }
}

fn check_name(name: &CompactString) -> Result<(), Error> {
    let usable = !name.is_empty()
        && name.len() <= limits::NAME_BYTES
        && !name.contains('/')
        && !name.chars().any(char::is_control)
        && name != "."
        && name != "..";
    if usable {
        Ok(())
    } else {
        Err(Error::InvalidName(name.chars().take(64).collect()))
    }
}

fn check_attributes(attributes: &Bytes) -> Result<(), Error> {
    if attributes.len() > limits::METADATA_BYTES {
        return Err(Error::Limit("bytes of a folder's attributes"));
    }
    Ok(())
}
