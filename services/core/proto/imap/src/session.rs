//! The states of a session and what each command answers. Generic over [`Backend`]; no socket, file,
//! clock or task.
//!
//! A command is parsed, checked against the state (`allowed`), and handled in the file of its
//! family. A handler writes its untagged data and returns an `Ending`; then `Session::finish`
//! looks whether the selected mailbox has moved on and tells what may be told (`tell`), and the
//! tagged response ends it. What can be long (FETCH, what changed) is a `Job` that goes on as the
//! client takes its octets.

mod allowed;
mod append;
mod auth;
mod capability;
mod copy;
mod fetch;
mod idle;
mod list;
mod mailbox;
mod refuse;
mod reply;
mod search;
mod select;
mod status;
mod store;
mod tell;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_proto_sasl::{Dialogue, Mechanisms};

use crate::backend::{Backend, Claim, Failure, Mailboxes, Snapshot};
use crate::frame::{Raw, Refusal};
use crate::grammar::{self, Access, CommandBody, Names, Response, Tag};
use crate::limits::{self, Limits};
use crate::out::Out;
use allowed::{Needs, needs};
use fetch::Fetching;
use reply::{Ending, Outcome, text};
use tell::{Telling, print};
use view::{Expunges, OwnStore, View};

pub use append::Admission;

/// What a deployment decides about sessions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sizes and times.
    pub limits: Limits,
    /// Whether a connection in the clear can turn to TLS.
    pub starttls: StartTls,
    /// The mechanisms of AUTHENTICATE.
    pub mechanisms: Mechanisms,
    /// What ID says of the server (RFC 2971): name and version.
    pub server: (&'static str, &'static str),
}

/// Whether STARTTLS is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// There is a certificate.
    Offered,
    /// There is none.
    Unavailable,
}

/// Whether others can read along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// They can: passwords are refused.
    Clear,
    /// TLS.
    Tls,
    /// In the clear, but the peer is this machine.
    Loopback,
}

/// What the server does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write what waits in `Out`, then wait for octets, a change, or the deadline.
    Read,
    /// Write what waits in `Out` until it is no longer full, then go on at once.
    Write,
    /// Write what waits in `Out`, wait so long without reading, then go on.
    Wait(Duration),
    /// Write what waits in `Out`, then negotiate TLS and go on in a session that knows it.
    StartTls,
    /// Write what waits in `Out`; from then on the connection is the backend's, and what
    /// [`Connection::buffer`](crate::Connection::buffer) holds goes to where it leads.
    HandOver,
    /// Write what waits in `Out`, then close.
    Close,
}

enum State<M: Mailboxes> {
    Stranger,
    Authenticated(M),
    Selected(M, Box<View<M::Snapshot>>),
    /// Another server has taken over.
    Elsewhere,
    Over,
}

/// What octets from the client mean.
enum Mode<A> {
    Commands,
    /// IDLE waits for DONE.
    Idle {
        tag: Tag,
        since: Instant,
        told: Instant,
    },
    /// AUTHENTICATE waits for a line of the exchange.
    Authenticating {
        tag: Tag,
        dialogue: Box<Dialogue<A>>,
    },
}

/// What is still to be said before the next command.
enum Job {
    Fetch(Box<Fetching>),
    /// Untagged news, then perhaps the end of a command.
    Tell {
        telling: Box<Telling>,
        then: Option<(Tag, Ending)>,
    },
    /// A refusal that has to wait.
    Penance {
        tag: Tag,
        ending: Ending,
    },
}

/// What the client has enabled (RFC 5161), expressly or by use.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "extensions, each enabled for itself"
)]
struct Enabled {
    rev2: bool,
    utf8: bool,
    condstore: bool,
    qresync: bool,
}

/// One session, from greeting to logout.
pub struct Session<B: Backend> {
    backend: B,
    settings: Arc<Settings>,
    security: Security,
    state: State<B::Mailboxes>,
    enabled: Enabled,
    mode: Mode<B::Account>,
    job: Option<Job>,
    mistakes: u32,
    failed_logins: u32,
    started: Instant,
    active: Instant,
}

impl<B: Backend> Session<B> {
    /// A session that has not greeted: what STARTTLS continues with.
    pub fn new(backend: B, settings: Arc<Settings>, security: Security, now: Instant) -> Self {
        Self {
            backend,
            settings,
            security,
            state: State::Stranger,
            enabled: Enabled::default(),
            mode: Mode::Commands,
            job: None,
            mistakes: 0,
            failed_logins: 0,
            started: now,
            active: now,
        }
    }

    /// The session behind STARTTLS: nothing is remembered from before (RFC 9051 §6.2.1).
    #[must_use]
    pub fn after_tls(self, now: Instant) -> Self {
        Self::new(self.backend, self.settings, Security::Tls, now)
    }

    /// Greets.
    pub fn greet(&self, out: &mut Out) {
        let ending = Ending::ok(text::GREETING).with(self.capability_code());
        print(out, &ending.untagged());
    }

    /// Takes a complete command, or a line of the exchange that is going on.
    pub async fn command(&mut self, now: Instant, raw: Raw, out: &mut Out) -> Next {
        self.active = now;
        match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Idle { tag, .. } => self.idle_line(tag, &raw).await,
            Mode::Authenticating { tag, dialogue } => {
                self.sasl_line(tag, dialogue, &raw, out).await;
            }
            Mode::Commands => {
                if let Some(next) = self.parsed(now, &raw, out).await {
                    return next;
                }
            }
        }
        if let Some(delay) = self.delay() {
            return Next::Wait(delay);
        }
        self.resume(out).await
    }

    /// Goes on with what [`Next::Write`] or [`Next::Wait`] interrupted.
    pub async fn resume(&mut self, out: &mut Out) -> Next {
        while let Some(job) = self.job.take() {
            match job {
                Job::Fetch(fetching) => {
                    if let Some(next) = self.fetch_on(fetching, out).await {
                        return next;
                    }
                }
                Job::Tell { mut telling, then } => {
                    let done = match &self.state {
                        State::Selected(_, view) => telling.tell(view, &self.enabled, out),
                        _ => true,
                    };
                    if !done {
                        self.job = Some(Job::Tell { telling, then });
                        return Next::Write;
                    }
                    if let State::Over = self.state {
                        print(
                            out,
                            &Response::untagged(grammar::Condition::Bye, None, text::DELETED),
                        );
                    }
                    if let Some((tag, ending)) = then {
                        print(out, &ending.tagged(tag));
                    }
                }
                Job::Penance { tag, ending } => {
                    print(out, &ending.tagged(tag));
                    if self.failed_logins >= limits::FAILED_LOGINS {
                        return self.bye(text::FAILED_LOGINS, out);
                    }
                }
            }
            if let State::Over = self.state {
                return Next::Close;
            }
        }
        match self.state {
            State::Over => Next::Close,
            State::Elsewhere => Next::HandOver,
            State::Stranger | State::Authenticated(_) | State::Selected(..) => Next::Read,
        }
    }

    /// Whether [`Session::resume`] has something to do.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// Answers a command that the frame refused.
    pub fn refused(&mut self, refusal: &Refusal, out: &mut Out) -> Next {
        let tag = grammar::tag_of(&refusal.start);
        self.mistake(tag, refuse::beyond(refusal.reason), out)
    }

    /// The client sent something whose end cannot be found.
    pub fn lost(&mut self, refusal: &Refusal, out: &mut Out) -> Next {
        // Nothing is known of a command that has been refused before: it has had its answer.
        if !refusal.start.is_empty() && self.refused(refusal, out) == Next::Close {
            return Next::Close;
        }
        self.too_large(out)
    }

    /// The client sends more than is worth skipping (RFC 7888 §4).
    pub(crate) fn too_large(&mut self, out: &mut Out) -> Next {
        self.bye(text::TOO_LARGE, out)
    }

    /// Says goodbye because the server stops.
    pub fn shut_down(&mut self, out: &mut Out) -> Next {
        self.bye(text::SHUTDOWN, out)
    }

    /// Octets have arrived: the client is not silent.
    pub fn heard(&mut self, now: Instant) {
        self.active = now;
    }

    /// How many octets of a refused command may be skipped.
    pub(crate) fn skip_max(&self) -> u64 {
        match self.state {
            State::Stranger | State::Elsewhere | State::Over => limits::SKIP_OCTETS_STRANGER,
            State::Authenticated(_) | State::Selected(..) => limits::SKIP_OCTETS,
        }
    }

    /// Parses and handles; `None` means: go on with the job.
    async fn parsed(&mut self, now: Instant, raw: &Raw, out: &mut Out) -> Option<Next> {
        let command = match grammar::parse(raw, self.names()) {
            Ok(command) => command,
            Err(error) => {
                let tag = grammar::tag_of(&raw.text);
                return Some(self.mistake(tag, error.into(), out));
            }
        };
        self.mistakes = 0;
        let (tag, body) = (command.tag, command.body);
        if let Err(ending) = self.may(needs(&body)) {
            print(out, &ending.tagged(tag));
            return None;
        }
        self.handle(now, tag, body, out).await
    }

    /// Whether the state allows a command.
    fn may(&self, needs: Needs) -> Result<(), Ending> {
        let read_only = |view: &View<_>| view.access == Access::ReadOnly;
        match (needs, &self.state) {
            (Needs::Nothing, _)
            | (Needs::Stranger, State::Stranger)
            | (Needs::Login, State::Authenticated(_) | State::Selected(..))
            | (Needs::Mailbox, State::Selected(..)) => Ok(()),
            (Needs::WritableMailbox, State::Selected(_, view)) if read_only(view) => {
                Err(Ending::no(text::READ_ONLY))
            }
            (Needs::WritableMailbox, State::Selected(..)) => Ok(()),
            (Needs::Stranger, _) => Err(Ending::bad(text::LOGGED_IN_ALREADY)),
            (_, State::Stranger | State::Elsewhere | State::Over) => {
                Err(Ending::bad(text::LOGIN_FIRST))
            }
            (Needs::Mailbox | Needs::WritableMailbox, State::Authenticated(_)) => {
                Err(Ending::bad(text::SELECT_FIRST))
            }
        }
    }

    async fn handle(
        &mut self,
        now: Instant,
        tag: Tag,
        body: CommandBody,
        out: &mut Out,
    ) -> Option<Next> {
        let expunges = expunges(&body);
        let outcome = match body {
            CommandBody::Capability => self.capability(out),
            CommandBody::Noop | CommandBody::Check => Ok(Ending::ok(text::DONE)),
            CommandBody::Logout => return Some(self.logout(tag, out)),
            CommandBody::Id(fields) => {
                self.backend.identified(&fields);
                self.id(out)
            }
            CommandBody::StartTls => return self.starttls(tag, out),
            CommandBody::Authenticate { mechanism, initial } => {
                self.authenticate(tag, &mechanism, initial.as_deref(), out)
                    .await;
                return None;
            }
            CommandBody::Login { name, password } => {
                self.login(tag, &name, &password, out).await;
                return None;
            }
            CommandBody::Enable(extensions) => self.enable(&extensions, out),
            CommandBody::Select(select) => {
                // What the selected mailbox says has just been said.
                let selected = self.select(select, out).await;
                let (flags, ending) = selected.unwrap_or_else(|no| (Vec::new(), no));
                let telling = Telling {
                    flags,
                    ..Telling::default()
                };
                self.tell(telling, Some((tag, ending)));
                return None;
            }
            CommandBody::Create {
                mailbox,
                special_use,
            } => self.create(&mailbox, &special_use).await,
            CommandBody::Delete(mailbox) => self.delete(&mailbox, out).await,
            CommandBody::Rename { from, to } => self.rename(&from, &to).await,
            CommandBody::Subscribe(mailbox) => self.subscribe(&mailbox).await,
            CommandBody::Unsubscribe(mailbox) => self.unsubscribe(&mailbox).await,
            CommandBody::List(list) => self.list(&list, out).await,
            CommandBody::Lsub { reference, pattern } => self.lsub(&reference, &pattern, out).await,
            CommandBody::Namespace => {
                print(out, &Response::Namespace);
                Ok(Ending::ok(text::DONE))
            }
            CommandBody::Status { mailbox, items } => self.status(&mailbox, &items, out).await,
            CommandBody::Append { mailbox, messages } => self.append(&mailbox, messages).await,
            CommandBody::Idle => {
                self.idle(now, tag, out);
                return None;
            }
            CommandBody::Close => self.close().await,
            CommandBody::Unselect => self.unselect(),
            CommandBody::Expunge(uids) => self.expunge(uids.as_ref()).await,
            CommandBody::Search(by, search) => self.search(by, &tag, &search, out).await,
            CommandBody::Fetch(by, fetch) => match self.fetch(by, tag.clone(), fetch, out).await {
                Ok(()) => return None,
                Err(no) => Err(no),
            },
            CommandBody::Store(by, store) => return self.store(by, tag, store).await,
            CommandBody::Copy(by, sequence, to) => self.copy(by, &sequence, &to).await,
            CommandBody::Move(by, sequence, to) => self.relocate(by, &sequence, &to, out).await,
        };
        self.finish(tag, outcome, expunges).await;
        None
    }

    /// Ends a command: first what has happened in the mailbox meanwhile, then the tagged response.
    async fn finish(&mut self, tag: Tag, outcome: Outcome, expunges: Expunges) {
        let ending = outcome.unwrap_or_else(|no| no);
        let telling = self.news(expunges, None).await;
        self.tell(telling, Some((tag, ending)));
    }

    fn tell(&mut self, telling: Telling, then: Option<(Tag, Ending)>) {
        self.job = Some(Job::Tell {
            telling: Box::new(telling),
            then,
        });
    }

    /// Moves the view on to the newest snapshot. A mailbox that cannot be looked at now has no news;
    /// one that is gone ends the session (its sequence numbers mean nothing any more).
    async fn news(&mut self, expunges: Expunges, own: Option<&OwnStore>) -> Telling {
        let State::Selected(mailboxes, view) = &mut self.state else {
            return Telling::default();
        };
        let newer = match mailboxes.snapshot(view.current.mailbox()).await {
            Ok(newer) if newer.uid_validity() == view.current.uid_validity() => newer,
            Ok(_) | Err(Failure::NonExistent) => {
                self.state = State::Over;
                return Telling::default();
            }
            Err(_) => return Telling::default(),
        };
        let telling = view.refresh(newer, expunges, own);
        if telling.appended > 0 && !self.enabled.rev2 {
            claim_recent(mailboxes, view);
        }
        telling
    }

    /// Counts and answers what is no command.
    fn mistake(&mut self, tag: Option<Tag>, ending: Ending, out: &mut Out) -> Next {
        match tag {
            Some(tag) => print(out, &ending.tagged(tag)),
            None => print(out, &ending.untagged()),
        }
        self.mistakes += 1;
        if self.mistakes >= limits::MISTAKES {
            return self.bye(text::MISTAKES, out);
        }
        Next::Read
    }

    fn bye(&mut self, why: &'static str, out: &mut Out) -> Next {
        self.state = State::Over;
        self.job = None;
        print(out, &Response::untagged(grammar::Condition::Bye, None, why));
        Next::Close
    }

    fn logout(&mut self, tag: Tag, out: &mut Out) -> Next {
        let next = self.bye(text::BYE, out);
        print(out, &Ending::ok(text::DONE).tagged(tag));
        next
    }

    /// The account's mailboxes; the table of what is allowed has made sure that there are some.
    fn home(&self) -> Result<&B::Mailboxes, Ending> {
        match &self.state {
            State::Authenticated(mailboxes) | State::Selected(mailboxes, _) => Ok(mailboxes),
            State::Stranger | State::Elsewhere | State::Over => Err(Ending::bad(text::LOGIN_FIRST)),
        }
    }

    /// The selected mailbox, likewise.
    fn selected(&self) -> Result<Selected<'_, B::Mailboxes>, Ending> {
        match &self.state {
            State::Selected(mailboxes, view) => Ok((mailboxes, view)),
            _ => Err(Ending::bad(text::SELECT_FIRST)),
        }
    }

    /// How mailbox names are encoded for this client.
    fn names(&self) -> Names {
        if self.enabled.rev2 || self.enabled.utf8 {
            Names::Utf8
        } else {
            Names::Utf7
        }
    }
}

type Selected<'a, M> = (&'a M, &'a View<<M as Mailboxes>::Snapshot>);

/// RFC 9051 §7.5.1: no EXPUNGE while the client may be counting on sequence numbers.
fn expunges(body: &CommandBody) -> Expunges {
    use grammar::By;
    match body {
        CommandBody::Fetch(By::Sequence, _)
        | CommandBody::Store(By::Sequence, _)
        | CommandBody::Search(By::Sequence, _) => Expunges::Held,
        _ => Expunges::Told,
    }
}

/// Claims what is new as \Recent (RFC 3501 §2.3.2).
fn claim_recent<M: Mailboxes>(mailboxes: &M, view: &mut View<M::Snapshot>) {
    let claim = match view.access {
        Access::ReadWrite => Claim::Take,
        Access::ReadOnly => Claim::Look,
    };
    let below = view.current.uid_next();
    view.claim(
        mailboxes.claim_recent(view.current.mailbox(), below, claim),
        below,
    );
}
