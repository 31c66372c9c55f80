//! A small graph of the last hour.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::language::Language;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 60.0;
/// Two moments further apart than this are not joined: nobody looked in between.
const GAP_SECONDS: i64 = 60;

/// Draws `series` (oldest first) over the hour before `now`. `title` says what it is, `text` how a value reads.
pub(super) fn hour(
    series: &[(DateTime<Utc>, f64)],
    now: DateTime<Utc>,
    title: &str,
    language: Language,
    text: impl Fn(f64) -> String,
) -> Markup {
    let top = series.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let latest = series.last().map_or_else(|| "–".to_owned(), |(_, value)| text(*value));
    let label = format!("{title}: {latest}, {} {}", language.say("at most", "höchstens"), text(top));
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
            line.base x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            @for piece in pieces(series) {
                @let points = points(piece, now, top);
                polygon.area points=(closed(&points)) {}
                polyline.line points=(joined(&points)) {}
            }
        }
        div.legend {
            span { (language.say("60 min ago", "vor 60 min")) }
            span { (language.say("at most", "höchstens")) " " (text(top)) }
            span { (language.say("now", "jetzt")) }
        }
    }
}

/// Parts without a gap.
fn pieces(series: &[(DateTime<Utc>, f64)]) -> impl Iterator<Item = &[(DateTime<Utc>, f64)]> {
    series.chunk_by(|(earlier, _), (later, _)| *later - *earlier <= TimeDelta::seconds(GAP_SECONDS))
}

#[expect(clippy::cast_precision_loss, reason = "seconds of one hour")]
fn points(piece: &[(DateTime<Utc>, f64)], now: DateTime<Utc>, top: f64) -> Vec<(f64, f64)> {
    let place = |(at, value): &(DateTime<Utc>, f64)| {
        let age_seconds = (now - *at).num_seconds() as f64;
        let share = if top > 0.0 { value / top } else { 0.0 };
        ((1.0 - age_seconds / 3600.0).clamp(0.0, 1.0) * WIDTH, HEIGHT - share * (HEIGHT - 4.0) - 1.0)
    };
    piece.iter().map(place).collect()
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn closed(points: &[(f64, f64)]) -> String {
    match (points.first(), points.last()) {
        (Some((first, _)), Some((last, _))) => format!("{first:.1},{HEIGHT} {} {last:.1},{HEIGHT}", joined(points)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_at_their_time_and_gaps_are_left_open() {
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let at = |minutes| now - TimeDelta::minutes(minutes);
        let series = [(at(60), 0.0), (at(59), 10.0), (at(1), 5.0), (at(0), 5.0)];
        let pieces: Vec<_> = pieces(&series).collect();
        assert_eq!(pieces.len(), 2);
        assert_eq!(joined(&points(pieces[0], now, 10.0)), "0.0,59.0 5.0,3.0");
        assert_eq!(joined(&points(pieces[1], now, 10.0)), "295.0,31.0 300.0,31.0");
        let drawn = hour(&series, now, "Depth", Language::English, |value| format!("{value}")).into_string();
        assert!(drawn.contains("Depth: 5, at most 10") && !drawn.contains("style="), "{drawn}");
    }

    #[test]
    fn nothing_yet_is_drawn_as_nothing() {
        let drawn =
            hour(&[], DateTime::UNIX_EPOCH, "Tiefe", Language::German, |value| format!("{value}")).into_string();
        assert!(drawn.contains("Tiefe: –") && !drawn.contains("polyline"), "{drawn}");
    }
}
