//! Content codings (RFC 9110 §8.4.1): made once and kept beside the file's octets, or read from files
//! beside it (`app.js.br`).

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, HeaderMap};

use super::kind;

/// Smaller files are not worth it: the headers cost as much.
const WORTH: usize = 256;
/// Brotli's quality; higher ones cost ten times as much for a few percent.
const BROTLI_QUALITY: i32 = 6;
/// Brotli's window, as a power of two.
const BROTLI_WINDOW: i32 = 22;
/// Zstandard's level.
const ZSTD_LEVEL: i32 = 12;
/// gzip's level.
const GZIP_LEVEL: u32 = 6;

/// A coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Zstd,
    Gzip,
    Identity,
}

/// In the order of preference, with what a file's name ends in.
const CODINGS: [(Encoding, &str); 3] = [
    (Encoding::Brotli, "br"),
    (Encoding::Zstd, "zst"),
    (Encoding::Gzip, "gz"),
];

impl Encoding {
    /// Its name (RFC 9110 §18.6).
    pub(super) const fn token(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    fn encode(self, content: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::Brotli => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*content, &mut out, &params)?;
            }
            Self::Zstd => out = zstd::bulk::compress(content, ZSTD_LEVEL)?,
            Self::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                flate2::read::GzEncoder::new(content, level).read_to_end(&mut out)?;
            }
            Self::Identity => out.extend_from_slice(content),
        }
        Ok(out)
    }
}

/// A file's content in every coding that somebody has asked for.
#[derive(Debug, Clone)]
pub(super) struct Variants(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    plain: Bytes,
    is_compressible: bool,
    encoded: [OnceLock<Option<Bytes>>; CODINGS.len()],
}

impl Variants {
    /// Takes what lies beside the file, if it is not older.
    pub(super) fn new(plain: Bytes, path: &Path, kind: &str) -> io::Result<Self> {
        let inner = Inner {
            is_compressible: kind::is_compressible(kind) && plain.len() >= WORTH,
            plain,
            encoded: Default::default(),
        };
        for ((_, extension), slot) in CODINGS.iter().zip(&inner.encoded) {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{extension}"));
            let beside = PathBuf::from(name);
            let newer = match (beside.metadata(), path.metadata()) {
                (Ok(beside), Ok(own)) => beside.modified()? >= own.modified()?,
                _ => false,
            };
            if newer && let Ok(content) = std::fs::read(&beside) {
                slot.get_or_init(|| Some(Bytes::from(content)));
            }
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Octets in memory at most: what is compressed is smaller than what is not.
    pub(super) fn octets(&self) -> usize {
        let copies = if self.0.is_compressible { 2 } else { 1 };
        self.0.plain.len() * copies
    }

    /// Whether what a client gets is there without work.
    pub(super) fn is_ready(&self, headers: &HeaderMap) -> bool {
        let accepted = Accepted::read(headers);
        let wanted = CODINGS
            .iter()
            .zip(&self.0.encoded)
            .find(|((encoding, _), slot)| {
                accepted.has(encoding.token().unwrap_or_default())
                    && !matches!(slot.get(), Some(None))
            });
        !self.0.is_compressible || wanted.is_none_or(|(_, slot)| slot.get().is_some())
    }

    /// What a client gets.
    pub(super) fn best(&self, headers: &HeaderMap) -> (Encoding, Bytes) {
        let accepted = Accepted::read(headers);
        for ((encoding, _), slot) in CODINGS.iter().zip(&self.0.encoded) {
            let token = encoding.token().unwrap_or_default();
            if !accepted.has(token) || !(self.0.is_compressible || slot.get().is_some()) {
                continue;
            }
            if let Some(content) = slot.get_or_init(|| self.encoded(*encoding)) {
                return (*encoding, content.clone());
            }
        }
        (Encoding::Identity, self.0.plain.clone())
    }

    fn encoded(&self, encoding: Encoding) -> Option<Bytes> {
        match encoding.encode(&self.0.plain) {
            Ok(content) => (content.len() < self.0.plain.len()).then(|| Bytes::from(content)),
            Err(error) => {
                tracing::warn!(?encoding, %error, "cannot compress");
                None
            }
        }
    }
}

/// The codings that a client takes (RFC 9110 §12.5.3).
struct Accepted<'a>(Vec<&'a str>);

impl<'a> Accepted<'a> {
    fn read(headers: &'a HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        let codings = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        let wanted = codings.filter_map(|coding| {
            let (token, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let refused = weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0);
            (!refused).then_some(token.trim())
        });
        Self(wanted.collect())
    }

    fn has(&self, token: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(token))
    }
}
