//! Static files: from memory while they are small, compressed once, and only anew when they change.

mod encoding;
mod kind;
mod range;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_util::stream::try_unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;
use moka::sync::Cache;
use roost_kit::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use encoding::{Encoding, Variants};
use range::Wanted;

use super::destination::decoded;
use super::limits::{CACHE_MAX, CACHED_FILE_MAX, FILE_FRESH};
use super::page::{Payload, Trouble, moved, not_allowed, nothing, octets, page};

/// Octets of a large file that are read at a time.
const PIECE: usize = 64 * 1024;

/// The files of one folder; cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    root: Arc<Path>,
    cache: Cache<String, Arc<File>>,
    clock: Clock,
}

/// One file, as it was when it was looked at.
struct File {
    path: PathBuf,
    looked: Instant,
    stamp: Stamp,
    kind: &'static str,
    /// Nothing where it is too large to be kept.
    content: Option<Variants>,
}

/// By what a change is noticed, and an answer is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Timestamp,
}

enum Found {
    File(Arc<File>),
    Folder,
    Nothing,
}

impl Files {
    /// Those below `root`.
    pub(super) fn new(root: &Path, clock: Clock) -> Self {
        let weight = |path: &String, file: &Arc<File>| {
            let content = file.content.as_ref().map_or(0, Variants::octets);
            u32::try_from(path.len() + content + 512).unwrap_or(u32::MAX)
        };
        Self {
            root: Arc::from(root),
            cache: Cache::builder()
                .max_capacity(CACHE_MAX)
                .weigher(weight)
                .build(),
            clock,
        }
    }

    /// Answers a request for a file.
    pub(super) async fn answer(&self, head: &Parts) -> Response<Payload> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return not_allowed("GET, HEAD");
        }
        let path = head.uri.path();
        match self.find(path).await {
            Ok(Found::File(file)) => file.answer(head).await,
            Ok(Found::Folder) => moved(StatusCode::PERMANENT_REDIRECT, &format!("{path}/")),
            Ok(Found::Nothing) => page(StatusCode::NOT_FOUND, "There is no such page."),
            Err(error) => {
                tracing::warn!(path, %error, "a static file cannot be read");
                page(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The page cannot be read.",
                )
            }
        }
    }

    async fn find(&self, path: &str) -> io::Result<Found> {
        let now = self.clock.instant();
        let known = self.cache.get(path);
        if let Some(file) = &known
            && now.saturating_duration_since(file.looked) < FILE_FRESH
        {
            return Ok(Found::File(Arc::clone(file)));
        }
        let Some(relative) = relative(path) else {
            return Ok(Found::Nothing);
        };
        let root = Arc::clone(&self.root);
        let found = tokio::task::spawn_blocking(move || look(&root, &relative, known, now)).await?;
        match &found {
            Ok(Found::File(file)) => self.cache.insert(path.to_owned(), Arc::clone(file)),
            Ok(_) | Err(_) => self.cache.invalidate(path),
        }
        found
    }
}

/// The path below the root; nothing where it would leave it or names what is hidden.
fn relative(path: &str) -> Option<PathBuf> {
    let text = decoded(path)?;
    let mut relative = PathBuf::new();
    for part in Path::new(text.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => {
                let name = name.to_str()?;
                if (name.starts_with('.') && name != ".well-known") || name.contains('\\') {
                    return None;
                }
                relative.push(name);
            }
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    if text.ends_with('/') {
        relative.push("index.html");
    }
    Some(relative)
}

fn look(root: &Path, relative: &Path, known: Option<Arc<File>>, now: Instant) -> io::Result<Found> {
    let absent = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    let path = match root.join(relative).canonicalize() {
        Ok(path) => path,
        Err(error) if absent(&error) => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    // A link that leads out of the folder leads nowhere.
    if !path.starts_with(root.canonicalize()?) {
        return Ok(Found::Nothing);
    }
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        return Ok(Found::Folder);
    }
    let modified = Timestamp::try_from(metadata.modified()?).unwrap_or(Timestamp::UNIX_EPOCH);
    let stamp = Stamp {
        size: metadata.len(),
        modified,
    };
    let kind = kind::of(&path);
    let content = match known.filter(|known| known.stamp == stamp && known.path == path) {
        Some(known) => known.content.clone(),
        None if stamp.size <= CACHED_FILE_MAX => Some(Variants::new(
            Bytes::from(std::fs::read(&path)?),
            &path,
            kind,
        )?),
        None => None,
    };
    Ok(Found::File(Arc::new(File {
        path,
        looked: now,
        stamp,
        kind,
        content,
    })))
}

impl File {
    async fn answer(&self, head: &Parts) -> Response<Payload> {
        let (encoding, content) = match &self.content {
            Some(variants) => {
                if !variants.is_ready(&head.headers) {
                    let (variants, headers) = (variants.clone(), head.headers.clone());
                    // Work for a thread that may be busy; whoever comes meanwhile waits for it too.
                    let compressing = move || drop(variants.best(&headers));
                    if let Err(error) = tokio::task::spawn_blocking(compressing).await {
                        tracing::warn!(%error, "cannot compress");
                    }
                }
                let (encoding, content) = variants.best(&head.headers);
                (encoding, Some(content))
            }
            None => (Encoding::Identity, None),
        };
        let tag = self.tag(encoding);
        let mut response = Response::new(nothing());
        let headers = response.headers_mut();
        self.describe(headers, &tag, encoding);
        if is_known(&head.headers, &tag, self.stamp.modified) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let size = content
            .as_ref()
            .map_or(self.stamp.size, |content| content.len() as u64);
        let (from, length) = match range::wanted(&head.headers, size, &tag) {
            Wanted::Whole => (0, size),
            Wanted::Part { from, length } => {
                let last = from + length.saturating_sub(1);
                set(
                    headers,
                    CONTENT_RANGE,
                    &format!("bytes {from}-{last}/{size}"),
                );
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                (from, length)
            }
            Wanted::Beyond => {
                let mut response = page(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "The file is not that long.",
                );
                set(
                    response.headers_mut(),
                    CONTENT_RANGE,
                    &format!("bytes */{size}"),
                );
                return response;
            }
        };
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        if head.method == Method::HEAD {
            return response;
        }
        *response.body_mut() = match content {
            Some(content) => {
                let range = usize::try_from(from).unwrap_or(usize::MAX);
                let end = range.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
                octets(content.slice(range.min(content.len())..end.min(content.len())))
            }
            None => match self.stream(from, length).await {
                Ok(payload) => payload,
                Err(error) => {
                    tracing::warn!(path = %self.path.display(), %error, "a static file cannot be read");
                    return page(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "The page cannot be read.",
                    );
                }
            },
        };
        response
    }

    /// RFC 9110 §8.8.3: other octets, another tag.
    fn tag(&self, encoding: Encoding) -> String {
        let (size, modified) = (self.stamp.size, self.stamp.modified.as_microsecond());
        let suffix = encoding
            .token()
            .map(|token| format!("-{token}"))
            .unwrap_or_default();
        format!("\"{size:x}-{modified:x}{suffix}\"")
    }

    fn describe(&self, headers: &mut HeaderMap, tag: &str, encoding: Encoding) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        set(headers, ETAG, tag);
        set(headers, LAST_MODIFIED, &http_date(self.stamp.modified));
        let is_page = self.kind.starts_with("text/html");
        let keep = if is_page {
            "no-cache"
        } else {
            "public, max-age=3600"
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        if kind::is_compressible(self.kind) {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if let Some(token) = encoding.token() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(token));
        }
    }

    async fn stream(&self, from: u64, length: u64) -> io::Result<Payload> {
        let mut file = tokio::fs::File::open(&self.path).await?;
        file.seek(io::SeekFrom::Start(from)).await?;
        let pieces = try_unfold(file.take(length), |mut rest| async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            match rest.read_buf(&mut piece).await {
                Ok(0) if rest.limit() > 0 => Err(Trouble::from("the file became shorter")),
                Ok(0) => Ok(None),
                Ok(_) => Ok(Some((Frame::data(piece.freeze()), rest))),
                Err(error) => Err(error.into()),
            }
        });
        Ok(StreamBody::new(pieces).boxed_unsync())
    }
}

/// Whether the client has it (RFC 9110 §13.2.2).
fn is_known(headers: &HeaderMap, tag: &str, modified: Timestamp) -> bool {
    if let Some(tags) = headers.get(IF_NONE_MATCH) {
        let tags = tags.to_str().unwrap_or_default();
        let same = |own: &str| own == "*" || own.strip_prefix("W/").unwrap_or(own) == tag;
        return tags.split(',').map(str::trim).any(same);
    }
    let since = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|date| date.to_str().ok());
    since
        .and_then(parse_date)
        .is_some_and(|since| modified.as_second() <= since.as_second())
}

/// RFC 9110 §5.6.7
const DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

fn http_date(time: Timestamp) -> String {
    time.strftime(DATE).to_string()
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime(DATE, text).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
}

fn set(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
