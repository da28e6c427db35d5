//! One connection, from its first request to its end.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use roost_kit::limit::{Attempt, Ticket, TooMany};
use roost_kit::net::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::Shared;
use crate::limits::{MESSAGE_SIZE_ANONYMOUS, OPERATIONS_AT_A_TIME};
use crate::operations::bind::Connection;
use crate::outbox::{Outbox, Outgoing, outbox};
use crate::root::extension;
use crate::session::{Manner, Session, Stop, Task, address, manner, unreadable};
use crate::wire::ber::{self, Reader};
use crate::wire::frame::Framer;
use crate::wire::message::{Message, MessageId, Unreadable, decode};
use crate::wire::request::{Authentication, Bind, Extended, Request};
use crate::wire::response::{self, ExtendedAnswer, Outcome, ResultCode, notice_of_disconnection};

/// Octets gathered before they are written.
const WRITE_SIZE: usize = 64 * 1024;

type Running = Pin<Box<dyn Future<Output = MessageId> + Send>>;

/// A connection and what runs on it.
pub(super) struct Conversation {
    shared: Arc<Shared>,
    stream: Option<Stream>,
    framer: Framer,
    session: Session,
    running: FuturesUnordered<Running>,
    stops: HashMap<MessageId, (Stop, Stoppable)>,
    /// Whether a daemon or an administrator has signed in here: what is bound afterwards is bound for
    /// others, whose addresses they know and hold back by.
    fronts: bool,
    /// Whole messages so far.
    taken: u64,
    /// A request that waits until nothing else runs.
    held: Option<Message>,
    sender: Outbox,
    answers: Outgoing,
}

/// Whether a request can be cancelled.
#[derive(Debug, Clone, Copy)]
enum Stoppable {
    /// A search: nothing changes by it.
    Yes,
    /// A change comes to its end.
    No,
}

/// Whether the conversation goes on.
enum Next {
    Go,
    Close,
}

/// What happened.
enum Event {
    Draining,
    Answer(Vec<u8>),
    Done(MessageId),
    Read(io::Result<usize>),
    Idle,
}

impl Conversation {
    pub(super) fn new(shared: Arc<Shared>, stream: Stream) -> Self {
        let (sender, answers) = outbox();
        let session = Session::new(
            Arc::clone(&shared.directory),
            shared.counts.clone(),
            connection(&stream),
        );
        Self {
            shared,
            stream: Some(stream),
            framer: Framer::new(MESSAGE_SIZE_ANONYMOUS),
            session,
            running: FuturesUnordered::new(),
            stops: HashMap::new(),
            fronts: false,
            taken: 0,
            held: None,
            sender,
            answers,
        }
    }

    /// Reads, runs and writes until one side has had enough.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let now = |this: &Self| Instant::from_std(this.shared.directory.clock.instant());
        let mut last_heard = now(&self);
        loop {
            // Octets of a request that never becomes whole do not count: one a second would hold a
            // connection for ever.
            let taken = self.taken;
            if let Next::Close = self.start_what_can().await? {
                return self.end().await;
            }
            if self.taken != taken {
                last_heard = now(&self);
            }
            match self.event(last_heard + self.shared.idle_timeout).await {
                Event::Draining => {
                    self.finish().await?;
                    return self
                        .say_goodbye(ResultCode::Unavailable, "the directory stops")
                        .await;
                }
                Event::Answer(answer) => self.write_answers(answer).await?,
                Event::Done(id) => {
                    self.stops.remove(&id);
                    last_heard = now(&self);
                }
                Event::Read(Ok(0)) => return self.end().await,
                Event::Read(Ok(_)) => {}
                Event::Read(Err(error)) => {
                    drop(error);
                    return self.end().await;
                }
                Event::Idle => {
                    return self
                        .say_goodbye(ResultCode::Unavailable, "the connection was idle")
                        .await;
                }
            }
        }
    }

    async fn event(&mut self, idle_at: Instant) -> Event {
        let draining = self.shared.draining.clone();
        let can_read = self.can_start();
        let is_running = !self.running.is_empty();
        let Some(stream) = self.stream.as_mut() else {
            return Event::Read(Ok(0));
        };
        // Cancel-safe: the receiver and `read_buf` take nothing before they are ready, the running
        // requests stay where they are, and the timers have no state.
        tokio::select! {
            biased;
            Some(answer) = self.answers.next() => Event::Answer(answer),
            Some(id) = self.running.next(), if is_running => Event::Done(id),
            () = draining.cancelled() => Event::Draining,
            read = stream.read_buf(self.framer.buffer()), if can_read => Event::Read(read),
            () = tokio::time::sleep_until(idle_at), if !is_running => Event::Idle,
        }
    }

    fn can_start(&self) -> bool {
        self.held.is_none() && self.running.len() < OPERATIONS_AT_A_TIME
    }

    /// Starts the requests that are here, as far as there is room.
    async fn start_what_can(&mut self) -> io::Result<Next> {
        loop {
            if self.running.is_empty()
                && let Some(message) = self.held.take()
            {
                // What ran before has put its last words into the channel.
                self.flush().await?;
                if let Next::Close = self.alone(message).await? {
                    return Ok(Next::Close);
                }
            }
            if !self.can_start() {
                return Ok(Next::Go);
            }
            let bytes = match self.framer.message() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(Next::Go),
                Err(error) => return self.refuse(&error.to_string()).await,
            };
            self.taken += 1;
            match decode(&bytes) {
                // RFC 4511 §4.1.1.1: the id of a request that still runs is taken, and 0 is ours.
                Ok(message) if message.id.0 == 0 || self.stops.contains_key(&message.id) => {
                    return self.refuse("the message id is not free").await;
                }
                Ok(message) => self.take(message).await?,
                Err(Unreadable::Fatal(error)) => return self.refuse(&error.to_string()).await,
                Err(Unreadable::Operation { id, tag, cause }) => match unreadable(id, tag, cause) {
                    Some(answer) => self.write(&answer).await?,
                    None => return self.refuse(&cause.to_string()).await,
                },
            }
        }
    }

    async fn take(&mut self, message: Message) -> io::Result<()> {
        match (&message.request, manner(&message.request)) {
            (_, Manner::Alone) => self.held = Some(message),
            (Request::Abandon(id), _) => self.abandon(*id),
            (Request::Extended(extended), _) if extended.name == extension::CANCEL => {
                let answer = self.cancel(message.id, extended);
                self.write(&answer).await?;
            }
            (_, Manner::Together) => self.start(message),
        }
        Ok(())
    }

    fn start(&mut self, message: Message) {
        let (id, stop) = (message.id, Stop::default());
        let stoppable = match message.request {
            Request::Search(_) => Stoppable::Yes,
            _ => Stoppable::No,
        };
        self.stops.insert(id, (stop.clone(), stoppable));
        let task = Task {
            message,
            out: self.sender.clone(),
            stop,
        };
        let session = self.session.clone();
        self.running.push(Box::pin(async move {
            session.run(task).await;
            id
        }));
    }

    /// RFC 4511 §4.11: the request ends without an answer, as far as that can still be.
    fn abandon(&mut self, id: MessageId) {
        if let Some((stop, _)) = self.stops.get(&id) {
            stop.abandon();
        }
    }

    /// RFC 3909: as abandon, but both requests are answered, and changes are not undone.
    fn cancel(&mut self, id: MessageId, request: &Extended) -> Vec<u8> {
        let named = || {
            let mut value = Reader::new(request.value.as_deref()?);
            let mut inner = value.enter(ber::SEQUENCE, "a cancel request").ok()?;
            let id = inner.integer("a message id").ok()?;
            i32::try_from(id).ok().map(MessageId)
        };
        let outcome = match named() {
            None => Outcome::new(ResultCode::ProtocolError, "not a cancel request"),
            Some(target) => match self.stops.get(&target) {
                None => Outcome::of(ResultCode::NoSuchOperation),
                Some((_, Stoppable::No)) => Outcome::of(ResultCode::CannotCancel),
                Some((stop, Stoppable::Yes)) => {
                    stop.cancel();
                    Outcome::of(ResultCode::Success)
                }
            },
        };
        response::extended(id, &outcome, &ExtendedAnswer::default(), &[])
    }

    /// A request that changes the session.
    async fn alone(&mut self, message: Message) -> io::Result<Next> {
        match &message.request {
            Request::Bind(bind) => {
                let turn = self.wait_for_turn(bind).await;
                let answer = match &turn {
                    Ok(_) => self.session.bind(message.id, bind, &message.controls).await,
                    Err(_) => self.session.bind_refused(message.id, bind),
                };
                self.after_bind(bind, turn).await;
                self.write(&answer).await?;
                Ok(Next::Go)
            }
            Request::Extended(_) => self.start_tls(message.id).await,
            _ => Ok(Next::Close),
        }
    }

    /// Waits until a bind may be looked at. Where too many have failed, it is not.
    async fn wait_for_turn(&mut self, bind: &Bind) -> Result<Option<Ticket>, TooMany> {
        let Some(name) = named(bind).filter(|_| !self.fronts) else {
            return Ok(None);
        };
        let (shared, attempt) = (Arc::clone(&self.shared), self.attempt(&name));
        // Cancel-safe: a turn that is not waited for is nobody's. A stop does not wait for it.
        tokio::select! {
            turn = shared.guard.turn(attempt) => turn.map(Some),
            () = shared.draining.cancelled() => Err(TooMany(Duration::ZERO)),
        }
    }

    /// A failed bind costs a stranger time, more each time; a known client may send more.
    async fn after_bind(&mut self, bind: &Bind, turn: Result<Option<Ticket>, TooMany>) {
        let known = self.session.is_known();
        let limit = if known {
            self.shared.message_size_max
        } else {
            MESSAGE_SIZE_ANONYMOUS
        };
        self.framer.set_limit(limit);
        let fronted = self.fronts;
        self.fronts |= self.session.acts_for_others();
        let ticket = match turn {
            Ok(ticket) => ticket,
            Err(TooMany(wait)) => return self.pause(wait).await,
        };
        let Some(name) = named(bind).filter(|_| !fronted) else {
            return;
        };
        if known {
            self.shared.guard.succeeded(self.attempt(&name));
        } else {
            let delay = self.shared.guard.failed(self.attempt(&name));
            drop(ticket);
            self.pause(delay).await;
        }
    }

    fn attempt<'n>(&self, name: &'n str) -> Attempt<'n> {
        Attempt {
            address: self.session.connection.address,
            name,
        }
    }

    async fn pause(&mut self, time: Duration) {
        // Cancel-safe: timers have no state. A stop of the daemon does not wait for it.
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.shared.draining.cancelled() => {}
        }
    }

    /// RFC 4511 §4.14.
    async fn start_tls(&mut self, id: MessageId) -> io::Result<Next> {
        let is_tls = self.stream.as_ref().is_some_and(Stream::is_tls);
        let refusal = if is_tls {
            Some((ResultCode::OperationsError, "TLS is spoken already"))
        } else if !self.shared.tls.available() {
            Some((ResultCode::Unavailable, "no certificate is configured"))
        } else if !self.framer.is_empty() {
            // What came in clear must not be taken for protected.
            return self
                .refuse("nothing may follow StartTLS before it is answered")
                .await;
        } else {
            None
        };
        let named = |outcome: &Outcome| {
            let answer = ExtendedAnswer {
                name: Some(extension::START_TLS),
                value: None,
            };
            response::extended(id, outcome, &answer, &[])
        };
        if let Some((code, why)) = refusal {
            self.write(&named(&Outcome::new(code, why))).await?;
            return Ok(Next::Go);
        }
        self.write(&named(&Outcome::of(ResultCode::Success)))
            .await?;
        let Some(stream) = self.stream.take() else {
            return Ok(Next::Close);
        };
        match stream.upgrade(&self.shared.tls).await {
            Ok(stream) => {
                let shared = &self.shared;
                let directory = Arc::clone(&shared.directory);
                self.session = Session::new(directory, shared.counts.clone(), connection(&stream));
                self.fronts = false;
                self.framer = Framer::new(MESSAGE_SIZE_ANONYMOUS);
                self.stream = Some(stream);
                Ok(Next::Go)
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// The stream of requests cannot be followed any further (RFC 4511 §4.1.1, §4.4.1).
    async fn refuse(&mut self, why: &str) -> io::Result<Next> {
        let peer = self.stream.as_ref().map(|stream| stream.peer().to_string());
        tracing::info!(peer, why, "not LDAP, or not as it must be");
        self.finish().await?;
        let outcome = Outcome::new(ResultCode::ProtocolError, why);
        self.write(&notice_of_disconnection(&outcome)).await?;
        Ok(Next::Close)
    }

    /// Lets everything that runs come to its end.
    async fn finish(&mut self) -> io::Result<()> {
        loop {
            // Cancel-safe: see `event`.
            tokio::select! {
                biased;
                Some(answer) = self.answers.next() => self.write_answers(answer).await?,
                done = self.running.next() => if done.is_none() {
                    return self.flush().await;
                }
            }
        }
    }

    /// Nobody listens any more: searches stop, changes come to their end.
    async fn end(mut self) -> io::Result<()> {
        self.answers.close();
        for (stop, _) in self.stops.values() {
            stop.abandon();
        }
        while self.running.next().await.is_some() {}
        match self.stream.as_mut() {
            Some(stream) => stream.shutdown().await,
            None => Ok(()),
        }
    }

    async fn say_goodbye(mut self, code: ResultCode, why: &str) -> io::Result<()> {
        self.write(&notice_of_disconnection(&Outcome::new(code, why)))
            .await?;
        self.end().await
    }

    /// Writes what is in the channel.
    async fn flush(&mut self) -> io::Result<()> {
        match self.answers.try_next() {
            Ok(answer) => self.write_answers(answer).await,
            Err(_) => Ok(()),
        }
    }

    /// Writes an answer and those that wait behind it.
    async fn write_answers(&mut self, first: Vec<u8>) -> io::Result<()> {
        let mut bytes = first;
        loop {
            while bytes.len() < WRITE_SIZE {
                match self.answers.try_next() {
                    Ok(more) => bytes.extend_from_slice(&more),
                    Err(_) => return self.write(&bytes).await,
                }
            }
            self.write(&bytes).await?;
            bytes.clear();
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(stream) = self.stream.as_mut() else {
            return Ok(());
        };
        let writing = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        timeout(self.shared.write_timeout, writing)
            .await
            .unwrap_or_else(|_| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not read",
                ))
            })
    }
}

/// As whom a bind tries to sign in; none where it is anonymous, or proves nothing by a password.
fn named(bind: &Bind) -> Option<String> {
    match &bind.authentication {
        Authentication::Simple(_) => (!bind.name.is_empty()).then(|| bind.name.clone()),
        // RFC 4616 §2: authzid NUL authcid NUL password.
        Authentication::Sasl { credentials, .. } => {
            let message = &credentials.as_ref()?.0;
            let name = message.split(|octet| *octet == 0).nth(1)?;
            Some(String::from_utf8_lossy(name).into_owned())
        }
        Authentication::Unknown => None,
    }
}

fn connection(stream: &Stream) -> Connection {
    Connection {
        secure: stream.is_secure(),
        trusted_process: stream.is_own_user_or_root(),
        address: address(stream.peer()),
    }
}
