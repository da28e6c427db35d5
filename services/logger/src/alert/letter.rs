//! Alerts as a mail.

use super::event::{Event, What};
use crate::post::Mail;
use crate::stats::svg::escaped;

/// One mail for all that waits to be told, the worst first.
pub(crate) fn letter(events: &[Event], to: Vec<String>) -> Mail {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| {
        (
            event.event == What::Resolved,
            std::cmp::Reverse(event.severity),
        )
    });
    let subject = match events.as_slice() {
        [only] => format!("[{}] {}: {}", only.node, heading(only), only.text),
        [first, rest @ ..] => format!(
            "[{}] {} and {} more",
            first.node,
            heading(first),
            rest.len()
        ),
        [] => String::new(),
    };
    let mut text = String::new();
    let mut html = String::from("<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n");
    for event in events {
        text.push_str(&format!(
            "{}\n  {}\n  since  {}\n{}\n",
            heading(event),
            event.text,
            event.since,
            match event.event {
                What::Resolved => String::new(),
                _ => format!("  do     {}\n", event.action),
            }
        ));
        let colour = match (event.event, event.severity.name()) {
            (What::Resolved, _) => "#2e7d32",
            (_, "critical") => "#b71c1c",
            (_, "warning") => "#b26a00",
            _ => "#455a64",
        };
        html.push_str(&format!(
            "<h3 style=\"color:{colour};margin-bottom:0\">{}</h3>\n<p style=\"margin-top:4px\">{}<br>since {}{}</p>\n",
            escaped(&heading(event)),
            escaped(&event.text),
            escaped(&event.since),
            match event.event {
                What::Resolved => String::new(),
                _ => format!("<br>do: <code>{}</code>", escaped(&event.action)),
            }
        ));
    }
    text.push_str("roostctl alerts list; roostctl alerts acknowledge RULE stops repetitions\n");
    html.push_str("<p><code>roostctl alerts list</code>; <code>roostctl alerts acknowledge RULE</code> stops repetitions</p>\n</body></html>\n");
    Mail {
        to,
        subject,
        text,
        html,
    }
}

/// `CRITICAL SERVICE_DOWN roost-mta`
fn heading(event: &Event) -> String {
    let what = match event.event {
        What::Fired => event.severity.name().to_uppercase(),
        What::Worse => format!("WORSE, {}", event.severity.name().to_uppercase()),
        What::Still => format!("STILL {}", event.severity.name().to_uppercase()),
        What::Resolved => "OVER".to_owned(),
    };
    format!("{what} {} {}", event.rule, event.subject)
}
