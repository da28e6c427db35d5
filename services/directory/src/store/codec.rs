//! An entry ⇄ the octets of a row: a version, the name, then each attribute with its values, every
//! length as a varint. Attributes are stored by name, so that the table may change its order.

use crate::dn::Dn;
use crate::entry::Entry;
use crate::schema::Schema;

const VERSION: u8 = 1;

pub(super) fn encode(schema: &Schema, entry: &Entry) -> Vec<u8> {
    let mut out = vec![VERSION];
    put(&mut out, entry.dn.to_string().as_bytes());
    let known = entry
        .attributes()
        .map(|(id, values)| (schema.get(id).name, values));
    let unknown = entry
        .unknown
        .iter()
        .map(|(name, values)| (name.as_str(), values.as_slice()));
    for (name, values) in known.chain(unknown) {
        put(&mut out, name.as_bytes());
        put_length(&mut out, values.len());
        for value in values {
            put(&mut out, value);
        }
    }
    out
}

pub(super) fn decode(schema: &Schema, bytes: &[u8]) -> Result<Entry, &'static str> {
    let mut rest = match bytes.split_first() {
        Some((&VERSION, rest)) => rest,
        _ => return Err("it has an unknown version"),
    };
    let dn = take_text(&mut rest)?;
    let mut entry = Entry::new(Dn::parse(dn).map_err(|_| "its name is malformed")?);
    while !rest.is_empty() {
        let name = take_text(&mut rest)?;
        let count = take_length(&mut rest)?;
        let mut values = Vec::with_capacity(count.min(rest.len()));
        for _ in 0..count {
            values.push(take(&mut rest)?.to_vec());
        }
        match schema.attribute(name) {
            Some(attribute) => entry.set(attribute.id, values),
            None => entry.unknown.push((name.to_owned(), values)),
        }
    }
    Ok(entry)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut rest = length as u64;
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or_default());
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let length = take_length(rest)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or("it is cut off")?;
    *rest = after;
    Ok(bytes)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, &'static str> {
    std::str::from_utf8(take(rest)?).map_err(|_| "a name is not UTF-8")
}

fn take_length(rest: &mut &[u8]) -> Result<usize, &'static str> {
    let mut length = 0_u64;
    for shift in (0..63).step_by(7) {
        let (octet, after) = rest.split_first().ok_or("it is cut off")?;
        *rest = after;
        length |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return usize::try_from(length).map_err(|_| "a length is too large");
        }
    }
    Err("a length is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was_and_damage_is_noticed() {
        let schema = Schema::new();
        let mut entry = Entry::new(Dn::parse("cn=a\\,b,dc=example").unwrap());
        entry.push(schema.known.object_class, b"person".to_vec());
        entry.push(
            schema.attribute("jpegPhoto").unwrap().id,
            vec![0xff; 70_000],
        );
        entry
            .unknown
            .push(("x-future".into(), vec![b"1".to_vec(), vec![]]));
        let bytes = encode(&schema, &entry);
        assert_eq!(decode(&schema, &bytes), Ok(entry));
        assert!(decode(&schema, &bytes[..bytes.len() - 1]).is_err());
        assert!(decode(&schema, &[9, 1]).is_err());
        assert!(decode(&schema, &[]).is_err());
    }
}
