//! Where a request belongs, by its path and by what it says of the user.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE};
use roost_core_directory::name::AccountId;

/// Zimbra's cookies, whose token names the account.
const COOKIE_USER: &str = "ZM_AUTH_TOKEN";
/// See [`COOKIE_USER`].
const COOKIE_ADMIN: &str = "ZM_ADMIN_AUTH_TOKEN";
/// Longest token that is looked at, in octets.
const TOKEN_MAX: usize = 4096;

/// Where a request belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// Somewhere else on this server.
    Moved(&'static str),
    /// The store of this user.
    Store(User),
    /// A store, but the request does not say whose: the client must say who it is.
    Anonymous,
    /// Any store: nobody has signed in yet.
    AnyStore,
    /// A static file.
    File,
}

/// Who a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum User {
    /// By login or address.
    Name(String),
    /// By the account's id.
    Id(AccountId),
}

/// Where a request belongs. `path` begins with a slash; `query` is without the question mark.
pub(super) fn destination(path: &str, query: &str, headers: &HeaderMap) -> Destination {
    let mut segments = path.split('/').skip(1);
    let first = segments.next().unwrap_or_default();
    let named = |segment: Option<&str>| {
        let name = segment.and_then(decoded).filter(|name| !name.is_empty());
        name.map(User::Name)
    };
    match first {
        ".well-known" => match segments.next() {
            Some("caldav" | "carddav") => Destination::Moved("/dav/"),
            Some("autoconfig") => Destination::AnyStore,
            _ => Destination::File,
        },
        "home" | "dav" => asked(named(segments.next()), path, query, headers),
        "principals" => {
            let user = match segments.next() {
                Some("users") => named(segments.next()),
                _ => None,
            };
            asked(user, path, query, headers)
        }
        "Microsoft-Server-ActiveSync"
        | "ews"
        | "EWS"
        | "autodiscover"
        | "Autodiscover"
        | "AutoDiscover" => asked(None, path, query, headers),
        "service" | "zimbra" | "zimbraAdmin" | "upload" => match caller(path, query, headers) {
            Some(user) => Destination::Store(user),
            None => Destination::AnyStore,
        },
        // Zimbra's other way to write /home/USER.
        tilde if tilde.starts_with('~') => {
            let user = tilde.strip_prefix('~').filter(|user| !user.is_empty());
            asked(named(user), path, query, headers)
        }
        _ => Destination::File,
    }
}

/// A path that concerns somebody: whom it names, or else who is calling.
fn asked(named: Option<User>, path: &str, query: &str, headers: &HeaderMap) -> Destination {
    match named.or_else(|| caller(path, query, headers)) {
        Some(user) => Destination::Store(user),
        None => Destination::Anonymous,
    }
}

/// Who says to be calling. Nothing of it is proven: the store demands the proof.
fn caller(path: &str, query: &str, headers: &HeaderMap) -> Option<User> {
    let is_admin = path.starts_with("/service/admin") || path.starts_with("/zimbraAdmin");
    let wanted = if is_admin { COOKIE_ADMIN } else { COOKIE_USER };
    cookie(headers, wanted)
        .and_then(account_of_token)
        .map(User::Id)
        .or_else(|| credentials(headers))
        .or_else(|| {
            let token = parameter(query, "zauthtoken")?;
            account_of_token(&decoded(token)?).map(User::Id)
        })
        .or_else(|| {
            // [MS-ASHTTP] §2.2.1.1.1.1.5
            let is_sync = path.starts_with("/Microsoft-Server-ActiveSync");
            let user = parameter(query, "User").filter(|_| is_sync)?;
            decoded(user).map(|user| User::Name(without_windows_domain(&user)))
        })
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value)
}

/// The user of `Authorization`: Basic (RFC 7617), or a bearer token that names the account.
fn credentials(headers: &HeaderMap) -> Option<User> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if rest.len() > TOKEN_MAX {
        return None;
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, _) = pair.split_once(':')?;
        let user = without_windows_domain(user);
        return (!user.is_empty()).then_some(User::Name(user));
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    account_of_token(rest)
        .or_else(|| subject_of_jwt(rest))
        .map(User::Id)
}

/// Outlook and old telephones say `DOMAIN\user`.
fn without_windows_domain(user: &str) -> String {
    user.rsplit_once('\\')
        .map_or(user, |(_, user)| user)
        .to_owned()
}

/// The account of one of Zimbra's tokens, `VERSION_HMAC_DATA`: the data is hexadecimal and has fields
/// `name=LENGTH:value;`.
fn account_of_token(token: &str) -> Option<AccountId> {
    if token.len() > TOKEN_MAX {
        return None;
    }
    let data = unhex(token.splitn(3, '_').nth(2)?)?;
    let mut rest = std::str::from_utf8(&data).ok()?;
    while let Some((name, tail)) = rest.split_once('=') {
        let (length, tail) = tail.split_once(':')?;
        let (value, tail) = tail.split_at_checked(length.parse().ok()?)?;
        if name == "id" {
            return AccountId::parse(value).ok();
        }
        rest = tail.strip_prefix(';')?;
    }
    None
}

/// The subject of a JSON web token (RFC 7519 §4.1.2).
fn subject_of_jwt(token: &str) -> Option<AccountId> {
    #[derive(serde::Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    AccountId::parse(&claims.sub).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let octets = text.as_bytes().chunks_exact(2);
    if !octets.remainder().is_empty() {
        return None;
    }
    octets
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value)
}

/// Percent-decoded (RFC 3986 §2.1); nothing where it is no text then, or carries control characters.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            octet => octet,
        });
    }
    let text = String::from_utf8(octets).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const ID: &str = "0b3a2c9e-6a1f-4a43-9d5c-3f7ad2c1b001";

    fn token() -> String {
        let data = format!("id=36:{ID};exp=13:1799999999999;type=6:zimbra;");
        let hex: String = data.bytes().map(|octet| format!("{octet:02x}")).collect();
        format!("0_5f4dcc3b5aa765d61d8327deb882cf99_{hex}")
    }

    fn with(name: hyper::header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn by_name(name: &str) -> Destination {
        Destination::Store(User::Name(name.to_owned()))
    }

    fn by_id() -> Destination {
        Destination::Store(User::Id(AccountId::parse(ID).unwrap()))
    }

    #[test]
    fn a_path_names_its_user() {
        let plain = |path: &str| destination(path, "", &HeaderMap::new());
        for (path, user) in [
            ("/home/alice/Calendar", "alice"),
            ("/home/alice%40example.com/", "alice@example.com"),
            ("/~bob/inbox.rss", "bob"),
            ("/dav/alice@example.com/Calendar/", "alice@example.com"),
            ("/principals/users/bob/", "bob"),
        ] {
            assert_eq!(plain(path), by_name(user), "{path}");
        }
        for path in [
            "/home/",
            "/dav",
            "/principals/groups/x",
            "/home/a%00b",
            "/ews/Exchange.asmx",
            "/~/",
        ] {
            assert_eq!(plain(path), Destination::Anonymous, "{path}");
        }
        assert_eq!(plain("/.well-known/caldav"), Destination::Moved("/dav/"));
        assert_eq!(plain("/service/soap"), Destination::AnyStore);
        for path in ["/", "/index.html", "/.well-known/security.txt", "/homes"] {
            assert_eq!(plain(path), Destination::File, "{path}");
        }
    }

    #[test]
    fn a_cookie_or_token_names_the_caller() {
        let cookie = with(COOKIE, &format!("a=b; ZM_AUTH_TOKEN={}; c=d", token()));
        assert_eq!(destination("/service/soap", "", &cookie), by_id());
        assert_eq!(destination("/dav/", "", &cookie), by_id());
        assert_eq!(destination("/home/bob/x", "", &cookie), by_name("bob"));
        // The administration has a cookie of its own.
        assert_eq!(
            destination("/service/admin/soap", "", &cookie),
            Destination::AnyStore
        );
        let query = format!("fmt=ics&zauthtoken={}", token());
        assert_eq!(
            destination("/service/soap", &query, &HeaderMap::new()),
            by_id()
        );
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{ID}\"}}"));
        let bearer = with(AUTHORIZATION, &format!("Bearer e30.{claims}.c2ln"));
        assert_eq!(destination("/service/soap", "", &bearer), by_id());
    }

    #[test]
    fn a_telephone_names_its_user_by_password_or_query() {
        let basic = STANDARD.encode("CORP\\alice@example.com:secret");
        let basic = with(AUTHORIZATION, &format!("Basic {basic}"));
        let path = "/Microsoft-Server-ActiveSync";
        assert_eq!(destination(path, "", &basic), by_name("alice@example.com"));
        let query = "Cmd=Sync&User=bob%40example.com&DeviceId=x";
        assert_eq!(
            destination(path, query, &HeaderMap::new()),
            by_name("bob@example.com")
        );
    }

    #[test]
    fn a_token_that_is_none_names_nobody() {
        for token in [
            "",
            "0_aa",
            "0_aa_zz",
            "0_aa_69643d33363a",
            "0_aa_69643d3939393a61",
            "0_é_é",
        ] {
            assert_eq!(account_of_token(token), None, "{token}");
        }
    }
}
