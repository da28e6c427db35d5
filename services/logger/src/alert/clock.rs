//! Whether the clock is right, by NTP (RFC 5905, as a client that only asks: RFC 4330).

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use roost_kit::clock::Clock;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::judge::ClockState;

/// How long a server may take.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Octets of a message without extensions.
const LENGTH: usize = 48;
/// Seconds from 1900, where NTP's time begins, to 1970.
const EPOCH: u64 = 2_208_988_800;
/// Version 4, mode 3: a client.
const CLIENT: u8 = 0b00_100_011;

/// Asks one server after the other until one answers.
pub(crate) async fn ask(servers: &[SocketAddr], clock: &Clock) -> ClockState {
    let mut why = "no server answered".to_owned();
    for server in servers {
        match timeout(ANSWER_MAX, offset(*server, clock)).await {
            Ok(Ok(offset)) => return ClockState::Off(offset),
            Ok(Err(error)) => why = format!("{server}: {error}"),
            Err(_) => why = format!("{server}: no answer within {} s", ANSWER_MAX.as_secs()),
        }
    }
    ClockState::Unanswered(why)
}

/// By how many seconds our clock is ahead of a server's.
async fn offset(server: SocketAddr, clock: &Clock) -> std::io::Result<f64> {
    let own: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(server).await?;
    let sent = clock.now();
    let mut question = [0_u8; LENGTH];
    let [first, ..] = &mut question;
    *first = CLIENT;
    let stamp = stamp(sent).to_be_bytes();
    if let Some(place) = question.get_mut(40..48) {
        place.copy_from_slice(&stamp);
    }
    socket.send(&question).await?;
    let mut answer = [0_u8; 512];
    let length = socket.recv(&mut answer).await?;
    let received = clock.now();
    let answer = answer.get(..length).unwrap_or_default();
    read(answer, stamp, sent, received)
        .ok_or_else(|| std::io::Error::other("its answer cannot be understood, or it has no time"))
}

/// RFC 5905 §8: the mean of both ways, since the way there may take as long as the way back.
fn read(answer: &[u8], asked: [u8; 8], sent: Timestamp, received: Timestamp) -> Option<f64> {
    let &[flags, stratum, ..] = answer else {
        return None;
    };
    // Not a server's answer, one without time, or one to somebody else.
    if flags & 0b111 != 4
        || flags >> 6 == 3
        || !(1..=15).contains(&stratum)
        || answer.get(24..32)? != asked
    {
        return None;
    }
    let came = seconds(answer.get(32..40)?)?;
    let went = seconds(answer.get(40..48)?)?;
    let own = |at: Timestamp| at.as_duration().as_secs_f64();
    let offset = f64::midpoint(came - own(sent), went - own(received));
    Some(-offset)
}

/// NTP's 32.32 bits since 1900.
fn stamp(at: Timestamp) -> u64 {
    let seconds = u64::try_from(at.as_second())
        .unwrap_or_default()
        .wrapping_add(EPOCH);
    let nanoseconds = u64::try_from(at.subsec_nanosecond()).unwrap_or_default();
    let fraction = (nanoseconds << 32) / 1_000_000_000;
    (seconds << 32) | (fraction & 0xffff_ffff)
}

/// Seconds since 1970. RFC 4330 §3: without the highest bit it is of the era that begins in 2036.
fn seconds(octets: &[u8]) -> Option<f64> {
    let whole = u32::from_be_bytes(octets.get(..4)?.try_into().ok()?);
    let fraction = u32::from_be_bytes(octets.get(4..8)?.try_into().ok()?);
    if whole == 0 && fraction == 0 {
        return None;
    }
    let era = if whole >> 31 == 1 {
        0.0
    } else {
        4_294_967_296.0
    };
    let since = f64::from(whole) + era - 2_208_988_800.0;
    Some(since + f64::from(fraction) / 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server whose clock is `ahead` seconds ahead of ours.
    async fn answered(ahead: i64, spoil: fn(&mut [u8; LENGTH])) -> ClockState {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let place = server.local_addr().unwrap();
        let clock = Clock::manual(Timestamp::from_second(1_790_000_000).unwrap());
        let answering = async {
            let mut question = [0; LENGTH];
            let (_, client) = server.recv_from(&mut question).await.unwrap();
            let mut answer = [0; LENGTH];
            answer[0] = 0b00_100_100;
            answer[1] = 2;
            let asked: [u8; 8] = question[40..48].try_into().unwrap();
            answer[24..32].copy_from_slice(&asked);
            let time = stamp(Timestamp::from_second(1_790_000_000 + ahead).unwrap());
            answer[32..40].copy_from_slice(&time.to_be_bytes());
            answer[40..48].copy_from_slice(&time.to_be_bytes());
            spoil(&mut answer);
            server.send_to(&answer, client).await.unwrap();
        };
        let servers = [place];
        let (state, ()) = tokio::join!(ask(&servers, &clock), answering);
        state
    }

    #[tokio::test]
    async fn a_server_says_by_how_much_the_clock_is_off() {
        for ahead in [0, 5, -3] {
            match answered(ahead, |_| {}).await {
                ClockState::Off(off) => assert!(
                    (off + f64::from(i32::try_from(ahead).unwrap())).abs() < 0.001,
                    "{off}"
                ),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn an_answer_without_time_or_to_somebody_else_says_nothing() {
        let spoils: [fn(&mut [u8; LENGTH]); 4] = [
            |answer| answer[1] = 0,
            |answer| answer[0] |= 0b11_000_000,
            |answer| answer[24] ^= 1,
            |answer| answer[40..48].fill(0),
        ];
        for spoil in spoils {
            let state = answered(0, spoil).await;
            assert!(matches!(state, ClockState::Unanswered(_)), "{state:?}");
        }
    }
}
