//! Medians, and the line a point.

/// The middle of some figures; the lower of the two middle ones where their number is even.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.get(middle).copied().unwrap_or(f64::NAN)
}

/// How far apart the figures are: the greatest less the least, by their median.
pub(crate) fn spread(figures: &[f64]) -> f64 {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most - least) / median(figures.iter().copied())
}

/// What a point has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Aim {
    /// So many times as good as the peer.
    Ratio(f64),
    /// Not above this, whatever the peer does.
    AtMost(f64),
}

/// One result.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) roost: f64,
    pub(crate) peer: f64,
    pub(crate) unit: &'static str,
    /// Whether a greater figure is the better one.
    pub(crate) more_is_better: bool,
    pub(crate) bar: Aim,
    pub(crate) goal: Aim,
    /// What else is worth knowing.
    pub(crate) beside: String,
}

impl Line {
    /// How many times as good as the peer: above 1 is better, whatever the unit.
    pub(crate) fn ratio(&self) -> f64 {
        match self.more_is_better {
            true => self.roost / self.peer,
            false => self.peer / self.roost,
        }
    }

    fn reaches(&self, aim: Aim) -> bool {
        match aim {
            Aim::Ratio(ratio) => self.ratio() >= ratio,
            Aim::AtMost(most) => self.roost <= most,
        }
    }

    /// Whether the bar is reached.
    pub(crate) fn reaches_bar(&self) -> bool {
        self.reaches(self.bar)
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        let unit = self.unit;
        let reached = match (self.reaches(self.bar), self.reaches(self.goal)) {
            (_, true) => "goal",
            (true, false) => "bar",
            (false, false) => "nothing",
        };
        println!(
            "bench {} roost={}{unit} peer={}{unit} ratio={:.2} bar={} goal={} reached={reached}{}{}",
            self.name,
            figure(self.roost),
            figure(self.peer),
            self.ratio(),
            aim(self.bar),
            aim(self.goal),
            if self.beside.is_empty() { "" } else { " " },
            self.beside,
        );
    }
}

/// A figure with as many digits as mean something.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn aim(aim: Aim) -> String {
    match aim {
        Aim::Ratio(ratio) => format!("{ratio}"),
        Aim::AtMost(most) => format!("<={most}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.0);
        assert_eq!(spread(&[8.0, 10.0, 12.0]), 0.4);
    }

    #[test]
    fn a_higher_ratio_is_better_for_speed_and_for_cost() {
        let mut line = Line {
            name: "x".to_owned(),
            roost: 30.0,
            peer: 10.0,
            unit: "/s",
            more_is_better: true,
            bar: Aim::Ratio(1.0),
            goal: Aim::Ratio(4.0),
            beside: String::new(),
        };
        assert_eq!(line.ratio(), 3.0);
        assert!(line.reaches_bar());
        line.more_is_better = false;
        assert!(!line.reaches_bar());
        line.bar = Aim::AtMost(30.0);
        assert!(line.reaches_bar());
    }
}
