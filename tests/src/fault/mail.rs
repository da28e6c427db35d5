//! Handing messages over by SMTP and LMTP.

use std::time::Duration;

use super::letter::Letter;
use super::line::{Lines, Lost};

/// How a message is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the mta, port 25.
    Smtp,
    /// To the store.
    Lmtp,
}

/// What a server said about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing yet, or the connection was lost before it did.
    Nothing,
    /// 250: the text of the reply.
    Accepted(String),
    /// 4xx or 5xx: the text of the reply.
    Refused(String),
}

impl Said {
    fn of((code, text): (u16, String)) -> Self {
        match code {
            200..300 => Self::Accepted(text),
            _ => Self::Refused(text),
        }
    }
}

/// A session that has said hello.
#[derive(Debug)]
pub struct Sender {
    lines: Lines,
    way: Way,
}

impl Sender {
    /// Connects and says hello.
    pub fn connect(way: Way, port: u16) -> Result<Self, Lost> {
        let mut lines = Lines::connect(port, Duration::from_secs(60))?;
        lines.reply()?;
        lines.command(match way {
            Way::Smtp => "EHLO cut.outside.test",
            Way::Lmtp => "LHLO cut.outside.test",
        })?;
        Ok(Self { lines, way })
    }

    /// Hands one message over. `said` has an entry for each recipient, and is filled as far as the
    /// server came, also when the connection is lost.
    pub fn hand_over(
        &mut self,
        letter: &Letter,
        recipients: &[String],
        said: &mut [Said],
    ) -> Result<(), Lost> {
        let mail = self.lines.command("MAIL FROM:<cut@outside.test>")?;
        if mail.0 >= 300 {
            said.fill(Said::of(mail));
            return Ok(());
        }
        let mut taken = Vec::new();
        for (place, recipient) in recipients.iter().enumerate() {
            let reply = self.lines.command(&format!("RCPT TO:<{recipient}>"))?;
            match Said::of(reply) {
                Said::Accepted(_) => taken.push(place),
                refused => set(said, place, refused),
            }
        }
        if taken.is_empty() {
            self.lines.command("RSET")?;
            return Ok(());
        }
        let go = self.lines.command("DATA")?;
        if go.0 != 354 {
            for place in taken {
                set(said, place, Said::of(go.clone()));
            }
            return Ok(());
        }
        self.lines.send(&letter.stuffed())?;
        match self.way {
            Way::Smtp => {
                let reply = Said::of(self.lines.reply()?);
                for place in taken {
                    set(said, place, reply.clone());
                }
            }
            Way::Lmtp => {
                for place in taken {
                    let reply = Said::of(self.lines.reply()?);
                    set(said, place, reply);
                }
            }
        }
        Ok(())
    }
}

fn set(said: &mut [Said], place: usize, what: Said) {
    if let Some(slot) = said.get_mut(place) {
        *slot = what;
    }
}
