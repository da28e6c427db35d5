//! The points, with what they have to reach.

/// One point.
#[derive(Debug)]
pub(super) struct Point {
    /// Its name.
    pub(super) name: &'static str,
    /// What is done.
    pub(super) work: Work,
    /// By how many connections.
    pub(super) connections: usize,
    /// How many times as fast as the peer Roost has to be.
    pub(super) bar: f64,
    /// How many times as fast as the peer Roost wants to be.
    pub(super) goal: f64,
}

/// What is done. Messages have 4 KiB where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// LMTP into mailboxes; `large` messages have 64 KiB.
    Lmtp { to: To, large: bool },
    /// IMAP APPEND.
    Append,
    /// SMTP into the queue.
    Accept,
    /// SMTP into the queue and out of it again.
    Relay,
}

/// Who gets the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Many users in turn.
    Users,
    /// One folder of one user.
    Folder,
    /// Fifty users each message.
    Fifty,
}

/// The point whose costs have lines of their own.
pub(super) const COSTS_OF: &str = "lmtp-4k-10";

const USERS: Work = Work::Lmtp {
    to: To::Users,
    large: false,
};

const fn point(name: &'static str, work: Work, connections: usize, bar: f64, goal: f64) -> Point {
    Point {
        name,
        work,
        connections,
        bar,
        goal,
    }
}

/// All points, in the order in which they are run.
pub(super) const POINTS: [Point; 10] = [
    point("lmtp-4k-1", USERS, 1, 1.0, 2.5),
    point("lmtp-4k-10", USERS, 10, 1.5, 4.0),
    point("lmtp-4k-50", USERS, 50, 1.5, 4.0),
    point(
        "lmtp-64k-10",
        Work::Lmtp {
            to: To::Users,
            large: true,
        },
        10,
        1.0,
        3.0,
    ),
    point(
        "lmtp-one-folder-10",
        Work::Lmtp {
            to: To::Folder,
            large: false,
        },
        10,
        2.0,
        10.0,
    ),
    point(
        "lmtp-50-recipients",
        Work::Lmtp {
            to: To::Fifty,
            large: false,
        },
        1,
        2.0,
        10.0,
    ),
    point("smtp-accept-1", Work::Accept, 1, 1.0, 1.3),
    point("smtp-accept-10", Work::Accept, 10, 1.0, 2.5),
    point("smtp-deliver-on-10", Work::Relay, 10, 1.5, 4.0),
    point("imap-append-4k-10", Work::Append, 10, 1.0, 1.5),
];
