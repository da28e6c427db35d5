//! A chart as SVG: for the console, for a browser, for a report. It stands alone (no style, script or
//! font from elsewhere), has a title and a description for who does not see it, and takes the colour of
//! the text around it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use roost_kit::figure::{Unit, written};

use super::read::Chart;

/// The picture, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
/// Room for the figures at the left, and for the times below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 28.0;
const RIGHT: f64 = 12.0;

/// Draws the mean of each step as a line, and least to greatest as a band. `title` is a text, not XML.
#[must_use]
pub fn svg(title: &str, unit: Unit, chart: &Chart, zone: &TimeZone) -> String {
    let top = chart.highest().unwrap_or(0.0).max(0.0);
    let top = if top > 0.0 { nice(top) } else { 1.0 };
    let area = Area {
        steps: u32::try_from(chart.mean.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX),
        top,
    };
    let last = chart.last().map_or("nothing was seen".to_owned(), |last| {
        format!(
            "now {}, at most {}",
            written(last, unit),
            written(chart.highest().unwrap_or(last), unit)
        )
    });
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\">\n\
         <title>{0}</title>\n<desc>{1}</desc>\n\
         <text x=\"{LEFT}\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{0}</text>\n\
         <text x=\"{2}\" y=\"16\" text-anchor=\"end\">{1}</text>\n",
        escaped(title),
        escaped(&last),
        WIDTH - RIGHT
    );
    for part in [0.0, 0.5, 1.0] {
        let y = area.y(top * part);
        out.push_str(&format!(
            "<line x1=\"{LEFT}\" x2=\"{0}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" stroke-opacity=\"0.2\"/>\n\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>\n",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            escaped(&written(top * part, unit)),
        ));
    }
    times(&mut out, chart, area, zone);
    for run in runs(chart) {
        let band: Vec<String> = run
            .iter()
            .map(|step| area.point(step.at, step.high))
            .chain(run.iter().rev().map(|step| area.point(step.at, step.low)))
            .collect();
        out.push_str(&format!(
            "<polygon points=\"{}\" fill=\"#2f6fb3\" fill-opacity=\"0.2\"/>\n",
            band.join(" ")
        ));
        let line: Vec<String> = run
            .iter()
            .map(|step| area.point(step.at, step.mean))
            .collect();
        out.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#2f6fb3\" stroke-width=\"1.5\"/>\n",
            line.join(" ")
        ));
    }
    out.push_str("</svg>\n");
    out
}

#[derive(Clone, Copy)]
struct Area {
    steps: u32,
    top: f64,
}

impl Area {
    fn x(self, step: u32) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from(step) / f64::from(self.steps)
    }

    fn y(self, value: f64) -> f64 {
        let part = (value / self.top).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * part
    }

    fn point(self, step: u32, value: f64) -> String {
        format!("{:.1},{:.1}", self.x(step), self.y(value))
    }
}

#[derive(Clone, Copy)]
struct Step {
    at: u32,
    mean: f64,
    low: f64,
    high: f64,
}

/// Steps that were seen without a gap between them. A lone one becomes a short line.
fn runs(chart: &Chart) -> Vec<Vec<Step>> {
    let mut runs: Vec<Vec<Step>> = Vec::new();
    let mut open = false;
    let values = chart.mean.iter().zip(&chart.low).zip(&chart.high);
    for (at, ((mean, low), high)) in (0_u32..).zip(values) {
        let (Some(mean), Some(low), Some(high)) = (*mean, *low, *high) else {
            open = false;
            continue;
        };
        if !open {
            runs.push(Vec::new());
        }
        open = true;
        if let Some(run) = runs.last_mut() {
            run.push(Step {
                at,
                mean,
                low,
                high,
            });
        }
    }
    for run in &mut runs {
        if let [only] = run.as_slice() {
            let again = *only;
            run.push(again);
        }
    }
    runs
}

fn times(out: &mut String, chart: &Chart, area: Area, zone: &TimeZone) {
    let length = chart.step.saturating_mul(i64::from(area.steps));
    let form = match length {
        ..=172_800 => "%H:%M",
        _ => "%d %b",
    };
    for part in 0..=4_u32 {
        let step = area.steps.saturating_mul(part) / 4;
        let at = chart
            .from
            .saturating_add(chart.step.saturating_mul(i64::from(step)));
        let Ok(at) = Timestamp::from_second(at) else {
            continue;
        };
        let anchor = match part {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let text = at
            .to_zoned_datetime(zone.clone())
            .strftime(form)
            .to_string();
        out.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
            area.x(step),
            HEIGHT - 10.0,
            escaped(&text)
        ));
    }
}

/// The next of 1, 2, 5, 10, … that is not less.
fn nice(value: f64) -> f64 {
    let power = 10.0_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let found = steps.into_iter().find(|step| *step >= value * 0.999_999);
    found.unwrap_or(value)
}

/// A text in XML or HTML.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::series::Kind;

    fn chart(values: &[Option<f64>]) -> Chart {
        Chart {
            node: String::new(),
            name: "q".to_owned(),
            labels: String::new(),
            kind: Kind::Level,
            from: 1_790_000_000,
            step: 60,
            mean: values.to_vec(),
            low: values.to_vec(),
            high: values.to_vec(),
        }
    }

    #[test]
    fn a_gap_parts_the_line_and_a_title_forges_no_markup() {
        let values = [
            Some(1.0),
            Some(2.0),
            None,
            Some(4.0),
            None,
            Some(3.0),
            Some(3.0),
        ];
        let text = svg(
            "<script>&\"x\"",
            Unit::Count,
            &chart(&values),
            &TimeZone::UTC,
        );
        assert_eq!(text.matches("<polyline").count(), 3);
        assert!(text.contains("&lt;script&gt;&amp;&quot;x&quot;"), "{text}");
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("<desc>now 3, at most 4</desc>"), "{text}");
        assert_eq!(text.matches('<').count(), text.matches('>').count());
        let empty = svg(
            "nothing",
            Unit::Bytes,
            &chart(&[None, None]),
            &TimeZone::UTC,
        );
        assert!(empty.contains("nothing was seen"), "{empty}");
    }

    #[test]
    fn an_axis_ends_at_a_round_figure() {
        assert_eq!(
            (nice(7.0), nice(100.0), nice(130.0), nice(0.3)),
            (10.0, 100.0, 200.0, 0.5)
        );
    }
}
