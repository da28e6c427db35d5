//! The law of the planner: whatever it chooses, and wherever a search is taken up again, what is
//! found is what trying the filter on every entry finds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tempfile::TempDir;

use super::cursor::Cursor;
use super::plan::{Reach, Region};
use super::*;
use crate::filter::{Candidate, Prepared, Truth, evaluate, prepare};
use crate::wire::filter::{Assertion, Filter, Substrings};

async fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), Arc::new(Schema::new()))
        .await
        .unwrap();
    (folder, store)
}

fn person(schema: &Schema, dn: &str, attributes: &[(&str, &str)]) -> Entry {
    let mut entry = Entry::new(Dn::parse(dn).unwrap());
    for (name, value) in [("objectClass", "inetOrgPerson")].iter().chain(attributes) {
        entry.push(
            schema.attribute(name).unwrap().id,
            value.as_bytes().to_vec(),
        );
    }
    entry
}

async fn insert(store: &Store, dn: &str, attributes: &[(&str, &str)]) {
    let entry = person(store.schema(), dn, attributes);
    let key = entry.dn.key(store.schema());
    let mut write = store.write().await.unwrap();
    let parent = match key.parent().filter(|parent| !parent.is_root()) {
        Some(parent) => write.find(&parent).await.unwrap().unwrap().id,
        None => 0,
    };
    write.insert(parent, &entry).await.unwrap();
    let _durable = write.commit().await.unwrap();
}

fn key(store: &Store, dn: &str) -> DnKey {
    Dn::parse(dn).unwrap().key(store.schema())
}

fn matches(store: &Store, filter: &Prepared, found: &Found) -> bool {
    let candidate = Candidate {
        entry: &found.entry,
        has_subordinates: None,
    };
    evaluate(store.schema(), filter, candidate, &|_| true) == Truth::True
}

/// What a search finds that stops after every `step` entries and is taken up again.
async fn search(store: &Store, region: &Region, filter: &Prepared, step: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let mut cursor = Cursor::open(store, region.clone(), filter, after.clone())
            .await
            .unwrap();
        let mut taken = 0;
        'page: loop {
            let batch = cursor.next(store).await.unwrap();
            if batch.is_empty() {
                return found;
            }
            for one in batch.iter().filter(|one| matches(store, filter, one)) {
                found.push(one.entry.dn.to_string());
                after = Some(cursor.after(one));
                taken += 1;
                if taken == step {
                    break 'page;
                }
            }
        }
    }
}

async fn check(store: &Store, base: &str, reach: Reach, filter: &Filter, step: usize) {
    let filter = prepare(store.schema(), filter);
    let key = key(store, base);
    let base = store.find(&key).await.unwrap().map_or(0, |found| found.id);
    let region = Region { base, key, reach };
    let everything = Region {
        base: 0,
        key: DnKey::default(),
        reach: Reach::Subtree,
    };
    let scan = Prepared::And(Vec::new());
    let mut cursor = Cursor::open(store, everything, &scan, None).await.unwrap();
    let mut expected = BTreeSet::new();
    loop {
        let batch = cursor.next(store).await.unwrap();
        if batch.is_empty() {
            break;
        }
        let inside = batch
            .iter()
            .filter(|found| region.contains(found.parent, &found.key));
        let holds = inside.filter(|found| matches(store, &filter, found));
        expected.extend(holds.map(|found| found.entry.dn.to_string()));
    }
    let found = search(store, &region, &filter, step).await;
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(
        once.len(),
        found.len(),
        "something is found twice by {filter:?}"
    );
    assert_eq!(once, expected, "{filter:?}");
}

fn filters() -> impl Strategy<Value = Filter> {
    let value = "[abc]{1,3}|[0-9]{1,2}";
    let name = "uid|cn|mail|sn|title|name|zimbraMailQuota|nothing";
    let assertion = (name, value).prop_map(|(attribute, value)| Assertion {
        attribute,
        value: value.into_bytes(),
    });
    let leaf = prop_oneof![
        4 => assertion.clone().prop_map(Filter::Equality),
        1 => assertion.clone().prop_map(Filter::GreaterOrEqual),
        1 => assertion.prop_map(Filter::LessOrEqual),
        1 => name.prop_map(Filter::Present),
        2 => (name, value).prop_map(|(attribute, value)| Filter::Substrings(Substrings {
            attribute,
            initial: Some(value.into_bytes()),
            any: Vec::new(),
            last: None,
        })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_plan_finds_the_same(
        people in proptest::collection::vec(("[abc]{1,3}", "[abc]{1,3}", 0..30_u32), 1..40),
        searches in proptest::collection::vec((filters(), 0..3_usize, 1..9_usize), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = store().await;
            insert(&store, "dc=x", &[]).await;
            insert(&store, "ou=a,dc=x", &[]).await;
            for (index, (cn, sn, quota)) in people.iter().enumerate() {
                let above = if index % 3 == 0 { "dc=x" } else { "ou=a,dc=x" };
                let uid = format!("u{index}");
                let quota = quota.to_string();
                insert(&store, &format!("uid={uid},{above}"), &[
                    ("uid", &uid), ("cn", cn), ("sn", sn), ("zimbraMailQuota", &quota),
                ]).await;
            }
            for (filter, reach, step) in &searches {
                let reach = [Reach::Children, Reach::Subtree, Reach::Below][*reach];
                for base in ["", "dc=x", "ou=a,dc=x"] {
                    check(&store, base, reach, filter, *step).await;
                }
            }
            store.close().await;
        });
    }
}

fn by_mail(mail: &str) -> Filter {
    Filter::Equality(Assertion {
        attribute: "mail".into(),
        value: mail.into(),
    })
}

#[tokio::test]
async fn the_cache_never_holds_what_has_changed() {
    let (_folder, store) = store().await;
    let region = || Region {
        base: 0,
        key: DnKey::default(),
        reach: Reach::Subtree,
    };
    let find = async |mail: &str| {
        search(
            &store,
            &region(),
            &prepare(store.schema(), &by_mail(mail)),
            9,
        )
        .await
    };
    insert(&store, "dc=x", &[]).await;
    assert_eq!(find("a@x").await, [""; 0]);
    insert(&store, "uid=a,dc=x", &[("mail", "a@x")]).await;
    for _ in 0..2 {
        assert_eq!(find("A@X").await, ["uid=a,dc=x"]);
    }
    // Changed, moved, deleted.
    let mut write = store.write().await.unwrap();
    let old = write
        .find(&key(&store, "uid=a,dc=x"))
        .await
        .unwrap()
        .unwrap();
    let new = person(store.schema(), "uid=a,dc=x", &[("mail", "b@x")]);
    write.replace(&old, &new).await.unwrap();
    assert_eq!(find("a@x").await, ["uid=a,dc=x"], "not yet committed");
    let _durable = write.commit().await.unwrap();
    assert_eq!(find("a@x").await, [""; 0]);
    assert_eq!(find("b@x").await, ["uid=a,dc=x"]);
    let mut write = store.write().await.unwrap();
    let above = write.find(&key(&store, "dc=x")).await.unwrap().unwrap();
    let moved = person(store.schema(), "dc=y", &[]);
    write.rename(&above, 0, &moved).await.unwrap();
    let _durable = write.commit().await.unwrap();
    assert_eq!(find("b@x").await, ["uid=a,dc=y"]);
    assert!(
        store
            .find(&key(&store, "uid=a,dc=x"))
            .await
            .unwrap()
            .is_none()
    );
    let mut write = store.write().await.unwrap();
    let old = write
        .find(&key(&store, "uid=a,dc=y"))
        .await
        .unwrap()
        .unwrap();
    write.remove(&old).await.unwrap();
    let _durable = write.commit().await.unwrap();
    assert_eq!(find("b@x").await, [""; 0]);
}

#[tokio::test]
async fn a_change_that_is_dropped_never_was() {
    let (_folder, store) = store().await;
    insert(&store, "dc=x", &[]).await;
    let mut write = store.write().await.unwrap();
    write
        .insert(0, &person(store.schema(), "dc=y", &[]))
        .await
        .unwrap();
    drop(write);
    insert(&store, "dc=z", &[]).await;
    assert!(store.find(&key(&store, "dc=y")).await.unwrap().is_none());
    assert_eq!(store.count().await.unwrap(), 2);
}

#[tokio::test]
async fn a_copy_can_be_opened_and_a_newer_format_cannot() {
    let (folder, store) = store().await;
    insert(&store, "dc=x", &[]).await;
    let copy = TempDir::new().unwrap();
    store
        .backup(&copy.path().join("directory.db"))
        .await
        .unwrap();
    let kept = store.kept("key", || vec![1]).await.unwrap();
    assert_eq!(store.kept("key", || vec![2]).await.unwrap(), kept);
    store.close().await;
    let opened = Store::open(copy.path(), Arc::new(Schema::new()))
        .await
        .unwrap();
    assert_eq!(opened.count().await.unwrap(), 1);
    opened.close().await;

    let options = options(folder.path().join("directory.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("PRAGMA user_version = 99")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = Store::open(folder.path(), Arc::new(Schema::new()))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99 }), "{error}");
}
