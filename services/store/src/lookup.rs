//! Route lookup: a proxy asks at which store an account is, by the protocol of nginx's mail proxy
//! (`auth_http`) with Zimbra's additions. Stock nginx and Zimbra's can stand in front of our stores.
//!
//! A question is `GET /service/extension/nginx-lookup` with headers, the answer is always 200 with
//! headers. The password is never looked at here: the store checks it when the proxy logs in.

mod question;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::routing::get;
use roost_core_directory::client::{Directory, StoreHost, Unavailable};
use roost_core_directory::model::{Account, Domain, GlobalConfig};
use roost_core_directory::name::{AccountId, DomainName, EmailAddress};
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::net::Networks;

use question::{Login, Question, Service, escaped};

/// Where it is asked, as in Zimbra.
const PATH: &str = "/service/extension/nginx-lookup";
/// How long the addresses of a host may take to be found.
const RESOLVE_TIME_MAX: Duration = Duration::from_secs(5);

/// This node, which need not be asked about.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    /// Its name, in lower case.
    pub(crate) node: String,
    /// Where it listens.
    pub(crate) ports: Ports,
}

/// Ports of this node's services.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ports {
    pub(crate) imap: Option<u16>,
    pub(crate) imaps: Option<u16>,
    pub(crate) pop3: Option<u16>,
    pub(crate) pop3s: Option<u16>,
}

/// The routes.
pub(crate) fn router(directory: Directory, own: Own) -> Router {
    let desk = Arc::new(Desk { directory, own });
    Router::new().route(PATH, get(answer)).with_state(desk)
}

struct Desk {
    directory: Directory,
    own: Own,
}

/// What is answered, as headers.
type Answer = HashMap<&'static str, String>;

/// Why there is no route.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("missing header field {0}")]
    Missing(&'static str),
    #[error("unsupported auth method")]
    Method,
    #[error("unsupported protocol")]
    Protocol,
    #[error("user not found:{0}")]
    Unknown(String),
    #[error("login failed")]
    Forbidden,
    #[error("the account's server has no such service")]
    NoService,
    #[error("the directory is not available")]
    Unavailable(#[from] Unavailable),
    #[error("the account's server has no address")]
    NoAddress,
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> HeaderMap {
    let answer = match desk.route(&headers).await {
        Ok(answer) => answer,
        Err(refused) => {
            let user = headers
                .get("Auth-User")
                .map_or(&[][..], HeaderValue::as_bytes);
            tracing::info!(
                { fields::ACCOUNT } = %Escaped(user),
                { fields::ERROR } = %Chain(&refused),
                "no route"
            );
            HashMap::from([
                ("auth-status", refused.to_string()),
                ("auth-wait", desk.wait().await.as_secs().to_string()),
            ])
        }
    };
    // RFC 9110 §5.5: what cannot stand in a header is left out; names of accounts can.
    answer
        .into_iter()
        .filter_map(|(name, value)| {
            let value = HeaderValue::try_from(value).ok()?;
            Some((HeaderName::from_static(name), value))
        })
        .collect()
}

impl Desk {
    async fn route(&self, headers: &HeaderMap) -> Result<Answer, Refused> {
        let question = Question::read(headers)?;
        let config = self.directory.config().await?;
        let account = self.account(&question, &config).await?;
        self.admit(&account, &question)?;
        let store = self.directory.store_of(&account).await?;
        let store = store.ok_or(Refused::NoService)?;
        let port = self.port(&store, &question, &config)?;
        let asked_at = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let server = self.server(&store, asked_at, &config).await?;
        let cacheable = config.default_domain().as_ref() == Some(account.name.domain());
        Ok(HashMap::from([
            ("auth-status", "OK".to_owned()),
            ("auth-server", server),
            ("auth-port", port.to_string()),
            ("auth-user", escaped(&account.name.to_string())),
            (
                "auth-cache-alias",
                if cacheable { "TRUE" } else { "FALSE" }.to_owned(),
            ),
        ]))
    }

    async fn account(
        &self,
        question: &Question,
        config: &GlobalConfig,
    ) -> Result<Arc<Account>, Refused> {
        let (shown, found) = match &question.login {
            Login::Id(id) => {
                let parsed = AccountId::parse(id).map_err(|_| Refused::Unknown(id.clone()))?;
                (id, self.directory.account_by_id(parsed).await?)
            }
            Login::Name(name) => {
                let domain = self.domain(question, config).await?;
                let full = match (name.contains('@'), domain) {
                    (false, Some(domain)) => EmailAddress::new(name, domain)
                        .map_err(|_| Refused::Unknown(name.clone()))?
                        .to_string(),
                    _ => name.clone(),
                };
                (name, self.directory.account_of_login(&full).await?)
            }
        };
        found.ok_or_else(|| Refused::Unknown(shown.clone()))
    }

    /// In which domain a login without one is looked for.
    async fn domain(
        &self,
        question: &Question,
        config: &GlobalConfig,
    ) -> Result<Option<DomainName>, Refused> {
        let virtual_domain = match (question.service, &question.proxy_host, question.proxy) {
            (Service::Http | Service::HttpSsl, Some(host), _) => {
                self.directory.domain_by_virtual_host(host).await?
            }
            (_, _, Some(address)) => self.directory.domain_by_virtual_address(address).await?,
            _ => None,
        };
        Ok(virtual_domain.map_or_else(|| config.default_domain(), |one| Some(one.name.clone())))
    }

    fn admit(&self, account: &Account, question: &Question) -> Result<(), Refused> {
        let allowed = match (&account.domain, question.client) {
            (Some(domain), Some(client)) => admits(domain, client),
            _ => true,
        };
        let enabled = match question.service {
            Service::Imap | Service::ImapSsl => account.may_use_imap(),
            Service::Pop3 | Service::Pop3Ssl => account.may_use_pop3(),
            Service::Http | Service::HttpSsl => true,
        };
        match allowed && enabled && (!question.admin || account.is_admin()) {
            true => Ok(()),
            false => Err(Refused::Forbidden),
        }
    }

    fn port(
        &self,
        store: &StoreHost,
        question: &Question,
        config: &GlobalConfig,
    ) -> Result<u16, Refused> {
        let own = match question.service {
            Service::Imap => self.own.ports.imap,
            Service::ImapSsl => self.own.ports.imaps,
            Service::Pop3 => self.own.ports.pop3,
            Service::Pop3Ssl => self.own.ports.pop3s,
            Service::Http | Service::HttpSsl => None,
        };
        if let Some(port) = own.filter(|_| store.name == self.own.node && !question.admin) {
            return Ok(port);
        }
        // Which attribute of the server holds the port is itself a setting.
        let attribute = match question.admin {
            true => "zimbraReverseProxyAdminPortAttribute",
            false => question.service.port_attribute(),
        };
        let attribute = config.setting(attribute);
        let attribute = attribute.text().ok_or(Refused::NoService)?;
        store.port(attribute).ok_or(Refused::NoService)
    }

    /// Where the proxy connects to. It has reached this node already, by the name or address that it
    /// asked at.
    async fn server(
        &self,
        store: &StoreHost,
        asked_at: Option<&str>,
        config: &GlobalConfig,
    ) -> Result<String, Refused> {
        let own = store.name == self.own.node;
        let host = match asked_at.map(without_port).filter(|_| own) {
            Some(host) => host,
            None => store.host.as_str(),
        };
        let as_address = store.server.as_ref().map_or_else(
            || config.setting("zimbraReverseProxyDnsLookupInServerEnabled"),
            |server| server.setting("zimbraReverseProxyDnsLookupInServerEnabled"),
        );
        if host.parse::<IpAddr>().is_ok() || as_address.boolean() == Some(false) {
            return Ok(host.to_owned());
        }
        let looking = tokio::net::lookup_host((host, 0));
        let found = tokio::time::timeout(RESOLVE_TIME_MAX, looking).await;
        match found
            .ok()
            .and_then(Result::ok)
            .and_then(|mut found| found.next())
        {
            Some(address) => Ok(address.ip().to_string()),
            None => Err(Refused::NoAddress),
        }
    }

    /// How long a proxy lets its client wait after a refusal.
    async fn wait(&self) -> Duration {
        let usual = Duration::from_secs(10);
        match self.directory.config().await {
            Ok(config) => config
                .setting("zimbraReverseProxyAuthWaitInterval")
                .duration()
                .unwrap_or(usual),
            Err(_) => usual,
        }
    }
}

/// Whether a domain's users may connect from an address (`zimbraDomainAllowedIPs`).
fn admits(domain: &Domain, client: IpAddr) -> bool {
    let setting = domain.setting("zimbraDomainAllowedIPs");
    let mut networks = setting.texts().peekable();
    if networks.peek().is_none() {
        return true;
    }
    let networks: Networks = networks.filter_map(|text| text.parse().ok()).collect();
    networks.contain(client)
}

/// The host of a `Host` header (RFC 9110 §7.2), without the brackets of an IPv6 address.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_has_a_port_or_not() {
        for (text, host) in [
            ("127.0.0.1:7072", "127.0.0.1"),
            ("store.example.com", "store.example.com"),
            ("[2001:db8::1]:7072", "2001:db8::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(without_port(text), host);
        }
    }
}
