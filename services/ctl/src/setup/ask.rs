//! The questions, on a terminal. Each answer is checked as it is given; a wrong one is asked again.

use std::io::{self, BufRead, IsTerminal, Write};

use super::answers::{self, Answers};
use crate::failure::Failure;
use crate::noun::password;
use crate::output::say;

/// Asks everything. Enter takes what stands in brackets.
pub(super) fn ask(suggested: &Answers) -> Result<Answers, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("there is nobody to ask")
            .next("roostctl setup --answers FILE")
            .next("roostctl help setup"));
    }
    say("Sets up this node. Enter takes what stands in brackets; Ctrl-C changes nothing.");
    let mut answers = Answers {
        names: suggested.names.clone(),
        ..Answers::default()
    };
    answers.host = question(
        "Host name, as others look it up",
        &suggested.host,
        answers::check_host,
    )?;
    let parent = answers
        .host
        .split_once('.')
        .map_or("", |(_, parent)| parent);
    let domain = match suggested.domain.as_str() {
        "" => parent,
        domain => domain,
    };
    answers.domain = question("First mail domain", domain, |answer| {
        answers::check_domain(answer).map(drop)
    })?;
    let administrator = Answers {
        domain: answers.domain.clone(),
        ..suggested.clone()
    }
    .administrator();
    let checked = answers.clone();
    answers.administrator = question("Administrator", &administrator, |answer| {
        let whole = Answers {
            administrator: answer.to_owned(),
            ..checked.clone()
        };
        answers::check_administrator(
            &whole.administrator(),
            &answers::check_domain(&checked.domain)?,
        )
    })?;
    answers.password = ask_password()?;
    Ok(answers)
}

fn ask_password() -> Result<Option<String>, Failure> {
    loop {
        say(
            "The administrator's password; empty makes one, or keeps that of an account that exists.",
        );
        match password::ask() {
            Ok(None) => return Ok(None),
            Ok(Some(given)) => match answers::check_password(given.expose()) {
                Ok(()) => return Ok(Some(given.expose().clone())),
                Err(failure) => say(&failure.text()),
            },
            Err(failure) => say(&failure.text()),
        }
    }
}

fn question(
    text: &str,
    suggested: &str,
    check: impl Fn(&str) -> Result<(), Failure>,
) -> Result<String, Failure> {
    loop {
        let mut stderr = io::stderr().lock();
        let asked = match suggested {
            "" => write!(stderr, "{text}: "),
            suggested => write!(stderr, "{text} [{suggested}]: "),
        };
        let mut line = String::new();
        let read = asked
            .and_then(|()| stderr.flush())
            .and_then(|()| io::stdin().lock().read_line(&mut line))
            .map_err(|error| Failure::io("cannot ask", &error))?;
        drop(stderr);
        if read == 0 {
            return Err(Failure::failed(
                "not_answered",
                "the answers ended: nothing was changed",
            ));
        }
        let answer = match line.trim() {
            "" => suggested,
            answer => answer,
        };
        match check(answer) {
            Ok(()) => return Ok(answer.to_owned()),
            Err(failure) => say(&failure.text()),
        }
    }
}
