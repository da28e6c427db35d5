//! Which attributes are indexed, and under which forms their values are found.

use std::collections::{BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::{Row, StoreError, codec, sql};
use crate::entry::Entry;
use crate::limits::INDEX_KEY_SIZE;
use crate::matching;
use crate::schema::{AttributeId, Schema};

/// The attributes by which daemons, address books and administrators look entries up. One that is
/// added here is indexed at the next start.
const INDEXED: &[&str] = &[
    "objectClass",
    "uid",
    "cn",
    "sn",
    "givenName",
    "displayName",
    "dc",
    "ou",
    "mail",
    "member",
    "uniqueMember",
    "entryUUID",
    "zimbraId",
    "zimbraMailDeliveryAddress",
    "zimbraMailAlias",
    "zimbraMailCatchAllAddress",
    "zimbraMailForwardingAddress",
    "zimbraMailHost",
    "zimbraAliasTargetId",
    "zimbraDomainName",
    "zimbraDomainAliasTargetId",
    "zimbraVirtualHostname",
    "zimbraForeignPrincipal",
    "zimbraMemberOf",
    "zimbraCOSId",
    "zimbraIsAdminAccount",
    "zimbraIsDelegatedAdminAccount",
    "zimbraSharedItem",
    "zimbraACE",
    "zimbraServiceHostname",
];

/// A row of the index, without the entry: attribute and form.
pub(super) type Key = (i64, Vec<u8>);

#[derive(Debug)]
pub(super) struct Index {
    ids: HashMap<AttributeId, i64>,
}

impl Index {
    /// Reads which attributes are indexed, and indexes those that are new in this version.
    pub(super) async fn open(
        connection: &mut SqliteConnection,
        schema: &Schema,
    ) -> Result<Self, StoreError> {
        let failed = || StoreError::database("read which attributes are indexed");
        let rows: Vec<(i64, String)> = sqlx::query_as(sql::INDEXED)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed())?;
        let mut ids: HashMap<AttributeId, i64> = HashMap::new();
        sqlx::query(sql::BEGIN)
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
        for (id, name) in rows {
            match schema
                .attribute(&name)
                .filter(|_| INDEXED.contains(&name.as_str()))
            {
                Some(attribute) => drop(ids.insert(attribute.id, id)),
                None => {
                    for statement in [sql::INDEX_DROP, sql::INDEXED_DELETE] {
                        sqlx::query(statement)
                            .bind(id)
                            .execute(&mut *connection)
                            .await
                            .map_err(failed())?;
                    }
                }
            }
        }
        let mut added = HashMap::new();
        for attribute in INDEXED.iter().filter_map(|name| schema.attribute(name)) {
            if !ids.contains_key(&attribute.id) {
                let done = sqlx::query(sql::INDEXED_INSERT)
                    .bind(attribute.name)
                    .execute(&mut *connection)
                    .await
                    .map_err(failed())?;
                added.insert(attribute.id, done.last_insert_rowid());
            }
        }
        let added = Self { ids: added };
        added.fill(connection, schema).await?;
        sqlx::query(sql::COMMIT)
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
        ids.extend(added.ids);
        Ok(Self { ids })
    }

    /// Indexes every entry.
    async fn fill(
        &self,
        connection: &mut SqliteConnection,
        schema: &Schema,
    ) -> Result<(), StoreError> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let failed = || StoreError::database("index entries");
        let mut after = 0;
        loop {
            let rows: Vec<Row> = sqlx::query_as(sql::ALL_AFTER)
                .bind(after)
                .bind(1000_i64)
                .fetch_all(&mut *connection)
                .await
                .map_err(failed())?;
            let Some((last, ..)) = rows.last() else {
                return Ok(());
            };
            after = *last;
            for (id, _, _, content) in rows {
                let entry = codec::decode(schema, &content)
                    .map_err(|what| StoreError::Corrupt { id, what })?;
                for (attribute, form) in self.keys(schema, &entry) {
                    sqlx::query(sql::INDEX_INSERT)
                        .bind(attribute)
                        .bind(form)
                        .bind(id)
                        .execute(&mut *connection)
                        .await
                        .map_err(failed())?;
                }
            }
        }
    }

    /// The number of an attribute in the index, if it is indexed.
    pub(super) fn id(&self, attribute: AttributeId) -> Option<i64> {
        self.ids.get(&attribute).copied()
    }

    /// Where an entry stands in the index.
    pub(super) fn keys(&self, schema: &Schema, entry: &Entry) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        for (attribute, values) in entry.attributes() {
            let Some(&id) = self.ids.get(&attribute) else {
                continue;
            };
            if attribute == schema.known.object_class {
                keys.extend(entry.class_forms(schema).into_iter().map(|form| (id, form)));
                continue;
            }
            let Some(rule) = schema.get(attribute).row.equality() else {
                continue;
            };
            let forms = values
                .iter()
                .filter_map(|value| matching::normalise(schema, rule, value));
            keys.extend(forms.map(|form| (id, cut(form))));
        }
        keys
    }
}

/// The part of a form that the index holds.
pub(super) fn cut(mut form: Vec<u8>) -> Vec<u8> {
    form.truncate(INDEX_KEY_SIZE);
    form
}
