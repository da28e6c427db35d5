//! OpenMetrics as the text format that came before it (version 0.0.4), for programs that do not ask
//! for the newer one.
//!
//! Samples are written alike. A counter's family carries its `_total` in the older format, an info's
//! its `_info`, and there is no `# UNIT` and no `# EOF`.

/// Rewrites what [`Metrics::text`](super::Metrics::text) writes.
#[must_use]
pub(crate) fn classic(text: &str) -> String {
    let mut older = String::with_capacity(text.len());
    let mut put = |line: &str| {
        older.push_str(line);
        older.push('\n');
    };
    let mut help: Option<(&str, &str)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // It comes before the type, which says what the family is called.
            help = rest.split_once(' ');
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let (ending, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            if let Some((of, text)) = help.take()
                && of == name
            {
                put(&format!("# HELP {name}{ending} {text}"));
            }
            put(&format!("# TYPE {name}{ending} {kind}"));
        } else if !line.starts_with('#') {
            put(line);
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn families_have_the_names_of_their_samples() {
        let metrics = Metrics::new("roost-test", "1");
        metrics.counter("things", "Things seen").inc();
        metrics.gauge("level_bytes", "How full").set(3);
        metrics.seconds("wait_seconds", "How long").observe(0.5);
        let text = classic(&metrics.text());
        for line in [
            "# HELP roost_test_things_total Things seen.",
            "# TYPE roost_test_things_total counter",
            "roost_test_things_total 1",
            "# TYPE roost_test_level_bytes gauge",
            "roost_test_level_bytes 3",
            "# TYPE roost_test_wait_seconds histogram",
            "roost_test_wait_seconds_count 1",
            "# TYPE roost_build_info gauge",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("# EOF"), "{text}");
    }
}
