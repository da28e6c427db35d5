//! The report of a day: who sent and received how much, how the day went, and what was wrong; as JSON,
//! and as a mail.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use roost_kit::figure::{Unit, sparkline, written};
use serde::{Deserialize, Serialize};

use super::database::DatabaseError;
use super::host::float;
use super::overview::{Row, overview};
use super::read::Window;
use super::resolution::Level;
use super::store::Store;
use super::svg::escaped;
use super::volume::{Scope, Volume, Volumes};
use crate::post::Mail;

/// Names of each list of a mail.
const TOP: usize = 10;
/// Days before the day that it is compared with.
const COMPARED: i64 = 7;
/// Seconds of a step of the charts: 48 a day.
const STEP: i64 = 1_800;

/// A volume with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The domain or account.
    pub name: String,
    /// What was counted.
    #[serde(flatten)]
    pub volume: Volume,
}

/// A day's mail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The day, by the node's time zone.
    pub day: String,
    /// All domains together.
    pub total: Volume,
    /// The mean of the seven days before, of those that had mail.
    pub usual: Option<Volume>,
    /// Whether a scanner called anything spam or infected; otherwise those figures say nothing.
    pub is_scanned: bool,
    /// By domain, the most received first.
    pub domains: Vec<Named>,
    /// Accounts that sent most.
    pub senders: Vec<Named>,
    /// Accounts that received most.
    pub recipients: Vec<Named>,
    /// The figures of the day.
    pub figures: Vec<Row>,
}

/// Puts a day together.
pub async fn report(
    volumes: &Volumes,
    store: &Store,
    day: Date,
    top: usize,
) -> Result<Report, DatabaseError> {
    let domains = volumes.of_day(day, Scope::Domain).await?;
    let accounts = volumes.of_day(day, Scope::Account).await?;
    let total = sum(domains.values());
    let mut before = Vec::new();
    for back in 1..=COMPARED {
        let other = day.saturating_sub(jiff::Span::new().days(back));
        let of_day = volumes.of_day(other, Scope::Domain).await?;
        before.extend((!of_day.is_empty()).then(|| sum(of_day.values())));
    }
    Ok(Report {
        day: day.to_string(),
        total,
        usual: mean(&before),
        is_scanned: before
            .iter()
            .chain([&total])
            .any(|one| one.spam + one.virus > 0),
        domains: ranked(&domains, usize::MAX, |volume| volume.received + volume.sent),
        senders: ranked(&accounts, top, |volume| volume.sent),
        recipients: ranked(&accounts, top, |volume| volume.received),
        figures: overview(store, window(day)).await?,
    })
}

/// A whole day, in steps of the charts.
fn window(day: Date) -> Window {
    let zone = TimeZone::system();
    let start = |day: Date| {
        let zoned = day.at(0, 0, 0, 0).to_zoned_datetime(zone.clone());
        zoned.map_or(0, |zoned| zoned.timestamp().as_second())
    };
    let from = start(day).div_euclid(STEP) * STEP;
    let until = start(day.saturating_add(jiff::Span::new().days(1)));
    Window {
        from,
        until: until.max(from.saturating_add(STEP)),
        step: STEP,
        // Of the day before all minutes are there; older days are not charted more finely.
        level: Level::reaching(14 * 86_400),
    }
}

fn sum<'a>(volumes: impl Iterator<Item = &'a Volume>) -> Volume {
    let mut sum = Volume::default();
    for volume in volumes {
        sum.add(volume);
    }
    sum
}

fn mean(days: &[Volume]) -> Option<Volume> {
    let count = u64::try_from(days.len()).ok().filter(|count| *count > 0)?;
    let all = sum(days.iter());
    Some(Volume {
        received: all.received / count,
        received_bytes: all.received_bytes / count,
        sent: all.sent / count,
        sent_bytes: all.sent_bytes / count,
        recipients: all.recipients / count,
        returned: all.returned / count,
        spam: all.spam / count,
        virus: all.virus / count,
    })
}

fn ranked(
    volumes: &BTreeMap<String, Volume>,
    most: usize,
    by: impl Fn(&Volume) -> u64,
) -> Vec<Named> {
    let mut named: Vec<Named> = volumes
        .iter()
        .filter(|(_, volume)| by(volume) > 0)
        .map(|(name, volume)| Named {
            name: name.clone(),
            volume: *volume,
        })
        .collect();
    named.sort_by_key(|named| std::cmp::Reverse(by(&named.volume)));
    named.truncate(most);
    named
}

/// The report as a mail. `troubles` are the alerts that fire now, a line each.
#[must_use]
pub fn letter(report: &Report, node: &str, to: Vec<String>, troubles: &[String]) -> Mail {
    let total = &report.total;
    let subject = format!(
        "[{node}] {}: {} received, {} sent{}",
        report.day,
        count(total.received),
        count(total.sent),
        match troubles.len() {
            0 => String::new(),
            1 => ", 1 alert".to_owned(),
            many => format!(", {many} alerts"),
        }
    );
    Mail {
        to,
        subject,
        text: text(report, node, troubles),
        html: html(report, node, troubles),
    }
}

/// Name, count, usual count, octets.
fn lines(report: &Report) -> Vec<(&'static str, u64, Option<u64>, Option<u64>)> {
    let total = &report.total;
    let usual = report.usual.as_ref();
    let mut lines = vec![
        (
            "received",
            total.received,
            usual.map(|usual| usual.received),
            Some(total.received_bytes),
        ),
        (
            "sent",
            total.sent,
            usual.map(|usual| usual.sent),
            Some(total.sent_bytes),
        ),
        (
            "  recipients",
            total.recipients,
            usual.map(|usual| usual.recipients),
            None,
        ),
        (
            "returned",
            total.returned,
            usual.map(|usual| usual.returned),
            None,
        ),
    ];
    if report.is_scanned {
        lines.push(("spam", total.spam, usual.map(|usual| usual.spam), None));
        lines.push(("virus", total.virus, usual.map(|usual| usual.virus), None));
    }
    lines
}

fn text(report: &Report, node: &str, troubles: &[String]) -> String {
    let mut text = format!("Mail of {node} on {}\n\n", report.day);
    for trouble in troubles {
        text.push_str(&format!("! {trouble}\n"));
    }
    if troubles.is_empty() {
        text.push_str("No alert.\n");
    }
    text.push_str(&format!(
        "\n{:14}{:>10}{:>12}{:>10}\n",
        "", "messages", "usually", "size"
    ));
    for (name, figure, usual, octets) in lines(report) {
        text.push_str(&format!(
            "{name:14}{:>10}{:>12}{:>10}\n",
            count(figure),
            usual.map_or("-".to_owned(), count),
            octets.map_or(String::new(), bytes),
        ));
    }
    if !report.is_scanned {
        text.push_str("Spam and viruses: no scanner is part of this node.\n");
    }
    if !report.figures.is_empty() {
        text.push_str("\nThe day, from midnight to midnight (at most):\n");
        for row in &report.figures {
            text.push_str(&format!(
                "{:24}{}  {}\n",
                row.figure,
                sparkline(&row.chart.mean),
                most(row)
            ));
        }
    }
    for (heading, list, is_sent) in lists(report) {
        if list.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{heading}\n"));
        for named in list.iter().take(TOP) {
            let (figure, octets) = shown(named, is_sent);
            text.push_str(&format!(
                "{:>10}{:>10}  {}\n",
                count(figure),
                bytes(octets),
                named.name
            ));
        }
    }
    text.push_str(
        "\nroostctl stats report; [statistics.report] says when and to whom this is sent\n",
    );
    text
}

/// Lists of names: heading, names, and whether they are about sent mail.
fn lists(report: &Report) -> [(&'static str, &[Named], bool); 3] {
    [
        ("Domains, by messages received", &report.domains, false),
        ("Who sent most", &report.senders, true),
        ("Who received most", &report.recipients, false),
    ]
}

const fn shown(named: &Named, is_sent: bool) -> (u64, u64) {
    match is_sent {
        true => (named.volume.sent, named.volume.sent_bytes),
        false => (named.volume.received, named.volume.received_bytes),
    }
}

fn html(report: &Report, node: &str, troubles: &[String]) -> String {
    const CELL: &str = "style=\"padding:2px 12px 2px 0;text-align:right\"";
    const NAME: &str = "style=\"padding:2px 12px 2px 0;text-align:left\"";
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><body style=\"font-family:sans-serif;font-size:14px\">\n\
         <h2 style=\"margin-bottom:4px\">Mail of {} on {}</h2>\n",
        escaped(node),
        escaped(&report.day)
    );
    for trouble in troubles {
        html.push_str(&format!(
            "<p style=\"margin:2px 0;color:#b71c1c\"><b>{}</b></p>\n",
            escaped(trouble)
        ));
    }
    if troubles.is_empty() {
        html.push_str("<p style=\"margin:2px 0;color:#2e7d32\">No alert.</p>\n");
    }
    html.push_str(&format!(
        "<table style=\"border-collapse:collapse\"><tr><th {NAME}></th><th {CELL}>messages</th>\
         <th {CELL}>usually</th><th {CELL}>size</th></tr>\n"
    ));
    for (name, figure, usual, octets) in lines(report) {
        html.push_str(&format!(
            "<tr><td {NAME}>{}</td><td {CELL}><b>{}</b></td><td {CELL}>{}</td><td {CELL}>{}</td></tr>\n",
            name.trim(),
            count(figure),
            usual.map_or("–".to_owned(), count),
            octets.map_or(String::new(), bytes),
        ));
    }
    html.push_str("</table>\n");
    if !report.is_scanned {
        html.push_str(
            "<p style=\"color:#666\">Spam and viruses: no scanner is part of this node.</p>\n",
        );
    }
    if !report.figures.is_empty() {
        html.push_str("<h3>The day</h3>\n<table style=\"border-collapse:collapse\">\n");
        for row in &report.figures {
            html.push_str(&format!(
                "<tr><td {NAME}>{}</td><td style=\"font-family:monospace;white-space:pre;color:#2f6fb3\">{}</td>\
                 <td {CELL}>at most {}</td></tr>\n",
                escaped(&row.figure),
                escaped(&sparkline(&row.chart.mean)),
                escaped(&most(row)),
            ));
        }
        html.push_str("</table>\n");
    }
    for (heading, list, is_sent) in lists(report) {
        if list.is_empty() {
            continue;
        }
        let top = list
            .iter()
            .map(|named| shown(named, is_sent).0)
            .max()
            .unwrap_or(1);
        html.push_str(&format!(
            "<h3>{heading}</h3>\n<table style=\"border-collapse:collapse\">\n"
        ));
        for named in list.iter().take(TOP) {
            let (figure, octets) = shown(named, is_sent);
            // A bar that every mail program shows: a cell with a colour.
            let width = figure.saturating_mul(120) / top.max(1);
            html.push_str(&format!(
                "<tr><td {NAME}>{}</td><td style=\"padding:2px 8px 2px 0\"><div style=\"background:#2f6fb3;height:10px;width:{width}px\"></div></td>\
                 <td {CELL}><b>{}</b></td><td {CELL}>{}</td></tr>\n",
                escaped(&named.name),
                count(figure),
                bytes(octets),
            ));
        }
        html.push_str("</table>\n");
    }
    html.push_str("</body></html>\n");
    html
}

fn most(row: &Row) -> String {
    row.chart
        .highest()
        .map_or("-".to_owned(), |most| written(most, row.unit))
}

fn bytes(octets: u64) -> String {
    written(float(octets), Unit::Bytes)
}

/// `1,234,567`
fn count(figure: u64) -> String {
    let digits = figure.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, received: u64, sent: u64) -> Named {
        let volume = Volume {
            received,
            received_bytes: received * 1_000,
            sent,
            sent_bytes: sent * 1_000,
            recipients: sent,
            ..Volume::default()
        };
        Named {
            name: name.to_owned(),
            volume,
        }
    }

    fn sample() -> Report {
        Report {
            day: "2026-11-23".to_owned(),
            total: named("", 1_234, 56).volume,
            usual: Some(named("", 1_000, 50).volume),
            is_scanned: false,
            domains: vec![named("example.test", 1_234, 56)],
            senders: vec![named("<b>bob</b>@example.test", 1, 50)],
            recipients: vec![named("alice@example.test", 1_000, 6)],
            figures: Vec::new(),
        }
    }

    #[test]
    fn a_report_is_read_at_a_glance_in_both_forms() {
        let mail = letter(
            &sample(),
            "mx.test",
            vec!["postmaster".to_owned()],
            &["DISK_FILLING store".to_owned()],
        );
        assert_eq!(
            mail.subject,
            "[mx.test] 2026-11-23: 1,234 received, 56 sent, 1 alert"
        );
        assert!(
            mail.text
                .contains("received           1,234       1,000    1.2 MB"),
            "{}",
            mail.text
        );
        assert!(mail.text.contains("! DISK_FILLING store"), "{}", mail.text);
        assert!(
            mail.text.contains("no scanner is part of this node"),
            "{}",
            mail.text
        );
        assert!(
            mail.html.contains("&lt;b&gt;bob&lt;/b&gt;@example.test"),
            "{}",
            mail.html
        );
        assert!(!mail.html.contains("<b>bob"), "{}", mail.html);
    }

    #[test]
    fn names_are_ranked_and_figures_grouped() {
        let volumes = BTreeMap::from([
            ("a".to_owned(), named("a", 1, 0).volume),
            ("b".to_owned(), named("b", 3, 9).volume),
            ("c".to_owned(), named("c", 2, 0).volume),
        ]);
        let ranked: Vec<String> = ranked(&volumes, 2, |volume| volume.received)
            .into_iter()
            .map(|named| named.name)
            .collect();
        assert_eq!(ranked, ["b", "c"]);
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(mean(&[]), None);
    }
}
