//! Signing in with a password: a bind as the user, so that only the server sees the hash.

use std::sync::Arc;

use jiff::Timestamp;
use roost_kit::secret::Secret;

use super::operation::{Operation, code};
use super::unavailable::{Cause, Unavailable};
use super::{Directory, Party};
use crate::dn;
use crate::model::{Account, AccountStatus, Domain, DomainKind, Login};
use crate::name::EmailAddress;
use crate::seed;

/// What the directory's own administrator is called where an account has an address (RFC 2606 §2:
/// nobody's domain).
const ADMINISTRATOR_NAME: &str = "zimbra@directory.invalid";

/// The answer to a login.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// Name and password are right, and the account may be used.
    Granted(Arc<Account>),
    /// It may not.
    Denied(Denied),
}

/// Why a login was denied. Only the first is ever said to a stranger; the second to whoever knows
/// the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no such account, or the password is wrong; or the server itself keeps the account
    /// shut, as roost-directory does, and does not say so.
    Credentials,
    /// The password is right, but the account's status lets nobody in.
    Status(AccountStatus),
}

impl Directory {
    /// Checks a login name and its password.
    ///
    /// The name may be an alias, in a domain that is another name, or lack a domain. What can be
    /// measured from outside is the same whether the account exists or not: there is always one
    /// bind, with one password to be hashed.
    ///
    /// # Errors
    /// When the directory cannot be asked; it says nothing about the password.
    pub async fn authenticate(
        &self,
        login: &str,
        password: &Secret<String>,
    ) -> Result<SignIn, Unavailable> {
        // Asked about the domain, not the account: the answer must not tell which accounts exist.
        if let Some(domain) = self.domain_of_login(login).await? {
            check_mechanism(&domain)?;
        }
        let account = self.account_of_login(login).await?;
        let decoy = || dn::service_account(seed::DECOY);
        let dn = account
            .as_ref()
            .map_or_else(decoy, |account| account.dn().to_owned());
        let right = self.bind(&dn, password.expose()).await?;
        match account {
            Some(account) if right => self.admitted(account).await,
            _ => Ok(SignIn::Denied(Denied::Credentials)),
        }
    }

    /// Lets in whoever knows the password, if the account's status does.
    pub(super) async fn admitted(&self, account: Arc<Account>) -> Result<SignIn, Unavailable> {
        if account.status().login() == Login::Allowed {
            return Ok(SignIn::Granted(account));
        }
        // What we remember may be out of date: the account was opened, or its lockout is over.
        let account = self.account_by_dn(account.dn()).await?.unwrap_or(account);
        match account.status() {
            status if status.login() == Login::Allowed => Ok(SignIn::Granted(account)),
            AccountStatus::Lockout if lockout_is_over(&account, self.clock().now()) => {
                Ok(SignIn::Granted(account))
            }
            status => Ok(SignIn::Denied(Denied::Status(status))),
        }
    }

    /// The account that a login name means. The directory's own administrator, who has no address,
    /// signs in under its distinguished name; so does `roostctl` to act for accounts.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn account_of_login(&self, login: &str) -> Result<Option<Arc<Account>>, Unavailable> {
        if login.eq_ignore_ascii_case(dn::ADMIN) {
            return self.administrator().await;
        }
        let Some(address) = self.login_address(login).await? else {
            return Ok(None);
        };
        if let Some(Party::Account(account)) = self.party(&address).await? {
            return Ok(Some(account));
        }
        let Some(domain) = self.domain(address.domain()).await? else {
            return Ok(None);
        };
        let DomainKind::Alias(Some(target)) = domain.kind else {
            return Ok(None);
        };
        match self.domain_by_id(target).await? {
            Some(target) => self.account(&address.at(&target.name)).await,
            None => Ok(None),
        }
    }

    /// The directory's own administrator, under a name that nobody can have and no mail reaches.
    async fn administrator(&self) -> Result<Option<Arc<Account>>, Unavailable> {
        let Some(entry) = self.entry(dn::ADMIN).await? else {
            return Ok(None);
        };
        let named = entry.with("zimbraMailDeliveryAddress", [ADMINISTRATOR_NAME]);
        let party = self.party_of(Some(named)).await?;
        Ok(party.and_then(Party::into_account))
    }

    /// The domain in which a login name is looked for, aliases of domains resolved.
    async fn domain_of_login(&self, login: &str) -> Result<Option<Arc<Domain>>, Unavailable> {
        let Some(address) = self.login_address(login).await? else {
            return Ok(None);
        };
        let domain = self.domain(address.domain()).await?;
        match domain.as_ref().map(|domain| domain.kind) {
            Some(DomainKind::Alias(Some(target))) => self.domain_by_id(target).await,
            _ => Ok(domain),
        }
    }

    /// The address that a login name means; nothing when it can mean none.
    async fn login_address(&self, login: &str) -> Result<Option<EmailAddress>, Unavailable> {
        if login.contains('@') {
            return Ok(EmailAddress::parse(login).ok());
        }
        let domain = self.config().await?.default_domain();
        Ok(domain.and_then(|domain| EmailAddress::new(login, domain).ok()))
    }

    /// Whether a password is that of an entry.
    async fn bind(&self, dn: &str, password: &str) -> Result<bool, Unavailable> {
        // RFC 4513 §5.1.2: a bind without a password succeeds and proves nothing.
        let (password, empty) = if password.is_empty() {
            ("-", true)
        } else {
            (password, false)
        };
        let answer = self.0.logins.run(&Operation::Bind { dn, password }).await?;
        match answer.code {
            code::SUCCESS => Ok(!empty),
            code::INVALID_CREDENTIALS
            | code::INAPPROPRIATE_AUTHENTICATION
            | code::NO_SUCH_OBJECT
            | code::INSUFFICIENT_ACCESS
            | code::UNWILLING_TO_PERFORM => Ok(false),
            code => Err(Cause::Answer {
                what: "bind",
                code,
                text: answer.text,
            }
            .into()),
        }
    }
}

/// Whether the time is over for which too many wrong passwords shut an account.
fn lockout_is_over(account: &Account, now: Timestamp) -> bool {
    let since = account.setting("zimbraPasswordLockoutLockedTime").time();
    let lasts = account.setting("zimbraPasswordLockoutDuration").duration();
    match (since, lasts) {
        // Nought means: until an administrator opens it.
        (Some(since), Some(lasts)) if !lasts.is_zero() => {
            since.checked_add(lasts).is_ok_and(|until| until <= now)
        }
        _ => false,
    }
}

/// Refuses to guess where a domain keeps its passwords elsewhere.
pub(super) fn check_mechanism(domain: &Domain) -> Result<(), Unavailable> {
    match domain.setting("zimbraAuthMech").text() {
        None | Some("zimbra") => Ok(()),
        Some(mechanism) => Err(Cause::Mechanism {
            domain: domain.name.to_string(),
            mechanism: mechanism.to_owned(),
        }
        .into()),
    }
}
