//! The schema as the server uses it: the table of `roost-core-directory`, indexed by name and
//! number, with inheritance worked out once.

mod check;

use std::collections::HashMap;

use roost_core_directory::schema::{self as table, AttributeType, ObjectClass};

pub use check::{Violation, check_entry, check_values};

/// An attribute type, by its place in the table of this run. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeId(u16);

/// An object class, by its place in the table of this run. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(u16);

/// An attribute type.
#[derive(Debug)]
pub struct Attribute {
    /// Its place.
    pub id: AttributeId,
    /// The name that is written.
    pub name: &'static str,
    /// Its row in the table.
    pub row: &'static AttributeType,
    /// It and the attributes that derive from it: what a filter on it looks at.
    pub family: Vec<AttributeId>,
}

/// An object class.
#[derive(Debug)]
pub struct Class {
    /// Its place.
    pub id: ClassId,
    /// Its row in the table.
    pub row: &'static ObjectClass,
    /// It and the classes that it derives from, nearest first.
    pub lineage: Vec<ClassId>,
    /// What its entries must have, inherited included.
    pub must: Vec<AttributeId>,
    /// What its entries may have, inherited included.
    pub may: Vec<AttributeId>,
}

/// The attributes that the server itself handles.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names are the attributes' own")]
pub struct WellKnown {
    pub object_class: AttributeId,
    pub user_password: AttributeId,
    pub auth_password: AttributeId,
    pub entry_uuid: AttributeId,
    pub entry_dn: AttributeId,
    pub create_timestamp: AttributeId,
    pub modify_timestamp: AttributeId,
    pub creators_name: AttributeId,
    pub modifiers_name: AttributeId,
    pub structural_object_class: AttributeId,
    pub subschema_subentry: AttributeId,
    pub has_subordinates: AttributeId,
}

/// All attribute types and object classes.
#[derive(Debug)]
pub struct Schema {
    attributes: Vec<Attribute>,
    classes: Vec<Class>,
    attribute_names: HashMap<String, AttributeId>,
    class_names: HashMap<String, ClassId>,
    /// The attributes that the server itself handles.
    pub known: WellKnown,
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

impl Schema {
    /// Indexes the table.
    #[must_use]
    pub fn new() -> Self {
        let rows: Vec<&'static AttributeType> = table::attributes().collect();
        let mut attribute_names = HashMap::new();
        for (index, row) in (0_u16..).zip(&rows) {
            for name in row.names() {
                attribute_names.insert(name.to_ascii_lowercase(), AttributeId(index));
            }
            attribute_names.insert(row.oid.to_string(), AttributeId(index));
        }
        let attributes = attributes(&rows, &attribute_names);
        let class_rows: Vec<&'static ObjectClass> = table::classes().collect();
        let mut class_names = HashMap::new();
        for (index, row) in (0_u16..).zip(&class_rows) {
            class_names.insert(row.name.to_ascii_lowercase(), ClassId(index));
            class_names.insert(row.oid.to_string(), ClassId(index));
        }
        let classes = classes(&class_rows, &attribute_names, &class_names);
        let known = well_known(&attribute_names);
        Self {
            attributes,
            classes,
            attribute_names,
            class_names,
            known,
        }
    }

    /// The attribute type with this name or number.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        let id = match self.attribute_names.get(name) {
            Some(id) => *id,
            None => *self.attribute_names.get(&name.to_ascii_lowercase())?,
        };
        self.attributes.get(usize::from(id.0))
    }

    /// The attribute type at a place. Only this schema makes places, and it never shrinks.
    #[must_use]
    pub fn get(&self, id: AttributeId) -> &Attribute {
        &self.attributes[usize::from(id.0)]
    }

    /// The object class with this name or number.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        let id = *self.class_names.get(&name.to_ascii_lowercase())?;
        self.classes.get(usize::from(id.0))
    }

    /// The object class at a place. Only this schema makes places, and it never shrinks.
    #[must_use]
    pub fn get_class(&self, id: ClassId) -> &Class {
        &self.classes[usize::from(id.0)]
    }

    /// Every attribute type.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }

    /// Every object class.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter()
    }

    /// The number behind a name of an attribute type, object class or matching rule.
    #[must_use]
    pub fn oid_of(&self, name: &str) -> Option<String> {
        if let Some(class) = self.class(name) {
            return Some(class.row.oid.to_string());
        }
        if let Some(attribute) = self.attribute(name) {
            return Some(attribute.row.oid.to_string());
        }
        table::Rule::find(name).map(|rule| rule.oid().to_owned())
    }
}

fn attributes(
    rows: &[&'static AttributeType],
    names: &HashMap<String, AttributeId>,
) -> Vec<Attribute> {
    let superior = |row: &AttributeType| {
        row.superior
            .and_then(|name| names.get(&name.to_ascii_lowercase()))
            .copied()
    };
    let mut attributes: Vec<Attribute> = (0_u16..)
        .zip(rows)
        .map(|(index, row)| Attribute {
            id: AttributeId(index),
            name: row.name,
            row,
            family: vec![AttributeId(index)],
        })
        .collect();
    for (index, row) in (0_u16..).zip(rows) {
        let mut above = superior(row);
        while let Some(id) = above {
            if let Some(ancestor) = attributes.get_mut(usize::from(id.0)) {
                ancestor.family.push(AttributeId(index));
                above = superior(ancestor.row);
            }
        }
    }
    attributes
}

fn classes(
    rows: &[&'static ObjectClass],
    attribute_names: &HashMap<String, AttributeId>,
    class_names: &HashMap<String, ClassId>,
) -> Vec<Class> {
    let attribute = |name: &str| attribute_names.get(&name.to_ascii_lowercase()).copied();
    (0_u16..)
        .zip(rows)
        .map(|(index, row)| {
            let lineage: Vec<&'static ObjectClass> = row.lineage().collect();
            Class {
                id: ClassId(index),
                row,
                must: lineage
                    .iter()
                    .flat_map(|class| class.must())
                    .filter_map(attribute)
                    .collect(),
                may: lineage
                    .iter()
                    .flat_map(|class| class.may())
                    .filter_map(attribute)
                    .collect(),
                lineage: lineage
                    .iter()
                    .filter_map(|class| class_names.get(&class.name.to_ascii_lowercase()).copied())
                    .collect(),
            }
        })
        .collect()
}

fn well_known(names: &HashMap<String, AttributeId>) -> WellKnown {
    // A test below holds the table to having each of them.
    let find = |name: &str| names.get(name).copied().unwrap_or(AttributeId(0));
    WellKnown {
        object_class: find("objectclass"),
        user_password: find("userpassword"),
        auth_password: find("authpassword"),
        entry_uuid: find("entryuuid"),
        entry_dn: find("entrydn"),
        create_timestamp: find("createtimestamp"),
        modify_timestamp: find("modifytimestamp"),
        creators_name: find("creatorsname"),
        modifiers_name: find("modifiersname"),
        structural_object_class: find("structuralobjectclass"),
        subschema_subentry: find("subschemasubentry"),
        has_subordinates: find("hassubordinates"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_attribute_that_the_server_handles() {
        let schema = Schema::new();
        for name in [
            "objectClass",
            "userPassword",
            "authPassword",
            "entryUUID",
            "entryDN",
            "createTimestamp",
            "modifyTimestamp",
            "creatorsName",
            "modifiersName",
            "structuralObjectClass",
            "subschemaSubentry",
            "hasSubordinates",
        ] {
            assert!(schema.attribute(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_numbers_and_subtypes_are_found() {
        let schema = Schema::new();
        let name = schema.attribute("NAME").unwrap();
        assert!(name.family.contains(&schema.attribute("cn").unwrap().id));
        assert!(
            name.family
                .contains(&schema.attribute("2.5.4.4").unwrap().id)
        );
        assert_eq!(schema.attribute("commonName").unwrap().name, "cn");
        let person = schema.class("inetOrgPerson").unwrap();
        assert!(person.must.contains(&schema.attribute("sn").unwrap().id));
        assert!(person.may.contains(&schema.attribute("mail").unwrap().id));
    }
}
