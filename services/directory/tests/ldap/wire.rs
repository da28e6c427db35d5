//! LDAP by hand, for what no tool would send.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use roost_directory::wire::ber::{self, Reader, Writer};
use roost_directory::wire::frame::Framer;

/// Far more than any answer here.
const LIMIT: u64 = 1 << 24;

/// A connection that speaks octets.
pub(crate) struct Raw {
    stream: TcpStream,
    framer: Framer,
}

/// An answer, as far as tests look at it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: i64,
    pub(crate) tag: u8,
    /// Of a result; -1 for an entry.
    pub(crate) code: i64,
    /// Of an extended result.
    pub(crate) name: Option<String>,
    pub(crate) value: Option<Vec<u8>>,
}

impl Raw {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            framer: Framer::new(LIMIT),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn hang_up(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next answer; `None` at the end of the connection.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some(message) = self.framer.message().unwrap() {
                return Some(read(&message));
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => self.framer.buffer().extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Binds, and must succeed.
    #[track_caller]
    pub(crate) fn bind(&mut self, id: i64, dn: &str, password: &str) {
        self.send(&bind(id, dn, password));
        let answer = self.answer().unwrap();
        assert_eq!(
            (answer.id, answer.tag, answer.code),
            (id, 0x61, 0),
            "{answer:?}"
        );
    }
}

fn read(message: &[u8]) -> Answer {
    let mut reader = Reader::new(message)
        .enter(ber::SEQUENCE, "message")
        .unwrap();
    let id = reader.integer("id").unwrap();
    let (tag, content) = reader.element().unwrap();
    let mut inner = Reader::new(content);
    let mut answer = Answer {
        id,
        tag,
        code: -1,
        name: None,
        value: None,
    };
    if tag == 0x64 {
        return answer;
    }
    answer.code = inner.enumerated("code").unwrap();
    inner.octets("matched").unwrap();
    inner.octets("message").unwrap();
    while !inner.is_empty() {
        match inner.element().unwrap() {
            (0x8a, name) => answer.name = Some(String::from_utf8(name.to_vec()).unwrap()),
            (0x8b, value) => answer.value = Some(value.to_vec()),
            _ => {}
        }
    }
    answer
}

/// A message with an operation.
pub(crate) fn message(id: i64, operation: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.integer(id);
        operation(writer);
    });
    writer.into_bytes()
}

pub(crate) fn bind(id: i64, dn: &str, password: &str) -> Vec<u8> {
    bind_version(id, 3, dn, password)
}

pub(crate) fn bind_version(id: i64, version: i64, dn: &str, password: &str) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x60, |writer| {
            writer.integer(version);
            writer.octets(dn.as_bytes());
            writer.primitive(ber::context(0), password.as_bytes());
        });
    })
}

pub(crate) fn sasl(id: i64, mechanism: &str, credentials: &[u8]) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x60, |writer| {
            writer.integer(3);
            writer.octets(b"");
            writer.constructed(ber::context_constructed(3), |writer| {
                writer.octets(mechanism.as_bytes());
                writer.octets(credentials);
            });
        });
    })
}

/// A search of the whole tree below `base`; `filter` writes the filter.
pub(crate) fn search(id: i64, base: &str, filter: impl FnOnce(&mut Writer)) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x63, |writer| {
            writer.octets(base.as_bytes());
            writer.enumerated(2);
            writer.enumerated(0);
            writer.integer(0);
            writer.integer(0);
            writer.boolean(false);
            filter(writer);
            writer.constructed(ber::SEQUENCE, |writer| writer.octets(b"1.1"));
        });
    })
}

pub(crate) fn present(writer: &mut Writer, attribute: &str) {
    writer.primitive(ber::context(7), attribute.as_bytes());
}

pub(crate) fn extended(id: i64, oid: &str, value: Option<&[u8]>) -> Vec<u8> {
    message(id, |writer| {
        writer.constructed(0x77, |writer| {
            writer.primitive(ber::context(0), oid.as_bytes());
            if let Some(value) = value {
                writer.primitive(ber::context(1), value);
            }
        });
    })
}
