//! Where passwords come from. Never from an argument: other users would see it.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use roost_kit::secret::Secret;

use crate::failure::Failure;

/// The longest password that is read.
const LENGTH_MAX: u64 = 4096;

/// Reads a password from a file, `-` is standard input; the line end after it does not count.
pub(crate) fn from_file(path: &Path) -> Result<Secret<String>, Failure> {
    let shown = path.display();
    let failed =
        |error: io::Error| Failure::io(format!("cannot read a password from {shown}"), &error);
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => io::stdin().take(LENGTH_MAX).read_to_string(&mut text),
        false => fs::File::open(path)
            .map_err(failed)?
            .take(LENGTH_MAX)
            .read_to_string(&mut text),
    };
    read.map_err(failed)?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage(format!("{shown} holds no password"))),
        password => Ok(Secret::new(password.to_owned())),
    }
}

/// Asks for a new password twice, unseen. None where there is nobody to ask.
pub(crate) fn ask() -> Result<Option<Secret<String>>, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let first = ask_once("New password (empty: make one): ")?;
    if first.is_empty() {
        return Ok(None);
    }
    match ask_once("Again: ")? == first {
        true => Ok(Some(Secret::new(first))),
        false => Err(Failure::failed(
            "passwords_differ",
            "the two differ: nothing was changed",
        )),
    }
}

fn ask_once(prompt: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::io("cannot ask for a password", &error);
    let stdin = io::stdin();
    let seen = tcgetattr(&stdin).map_err(|error| failed(error.into()))?;
    let mut unseen = seen.clone();
    unseen.local_flags.remove(LocalFlags::ECHO);
    write!(io::stderr(), "{prompt}").map_err(failed)?;
    tcsetattr(&stdin, SetArg::TCSANOW, &unseen).map_err(|error| failed(error.into()))?;
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    // The terminal must show what is typed again, whatever happened.
    tcsetattr(&stdin, SetArg::TCSANOW, &seen).map_err(|error| failed(error.into()))?;
    writeln!(io::stderr()).map_err(failed)?;
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A new password from the system's random numbers, some 95 bits.
pub(crate) fn make() -> Secret<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random: [u8; 19] = rand::random();
    let letters = random
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter));
    Secret::new(letters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "two words\n").unwrap();
        assert_eq!(from_file(&path).unwrap().expose(), "two words");
        fs::write(&path, "\n").unwrap();
        assert!(from_file(&path).is_err());
        assert_ne!(make().expose(), make().expose());
    }
}
