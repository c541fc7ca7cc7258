//! Taxi trips for trying things out: the columns of Chicago's open taxi data, invented values.
//!
//! Same rows and seed, same bytes on every platform: random numbers are drawn as integers, and floating-point
//! numbers are only added, multiplied and divided. Fares follow from miles and minutes, tips from how the
//! passenger pays; so a model has something to learn, and cannot know everything.

use std::io::{self, Write};

/// The columns, in order.
const HEADER: &str = "pickup_community_area,fare,trip_start_month,trip_start_hour,trip_start_day,\
    trip_start_timestamp,pickup_latitude,pickup_longitude,dropoff_latitude,dropoff_longitude,trip_miles,\
    pickup_census_tract,dropoff_census_tract,payment_type,company,trip_seconds,dropoff_community_area,tips";

/// Seconds since 1970 of 2013-01-01, and how many quarters of an hour the trips are spread over (four years).
const FIRST_SECOND: i64 = 1_356_998_400;
const QUARTERS: u64 = 4 * 365 * 96;

/// (weight, community area, latitude, longitude, census tract): the last two places are the airports.
const PLACES: &[(u64, u32, f64, f64, u64)] = &[
    (160, 8, 41.8810, -87.6327, 17_031_839_100),
    (75, 8, 41.8925, -87.6262, 17_031_081_500),
    (70, 8, 41.8996, -87.6333, 17_031_081_202),
    (60, 8, 41.8920, -87.6319, 17_031_081_700),
    (150, 32, 41.8850, -87.6210, 17_031_320_100),
    (65, 32, 41.8710, -87.6314, 17_031_320_400),
    (85, 28, 41.8853, -87.6572, 17_031_281_900),
    (40, 28, 41.8679, -87.6430, 17_031_841_900),
    (80, 6, 41.9442, -87.6560, 17_031_061_100),
    (35, 6, 41.9363, -87.6516, 17_031_062_600),
    (60, 7, 41.9291, -87.6463, 17_031_070_400),
    (30, 7, 41.9219, -87.6328, 17_031_071_500),
    (45, 24, 41.9012, -87.6764, 17_031_242_200),
    (25, 22, 41.9228, -87.6992, 17_031_222_600),
    (30, 3, 41.9653, -87.6556, 17_031_031_500),
    (20, 77, 41.9867, -87.6634, 17_031_030_800),
    (15, 4, 41.9752, -87.6875, 17_031_040_300),
    (20, 33, 41.8573, -87.6196, 17_031_330_100),
    (12, 41, 41.7947, -87.5929, 17_031_410_900),
    (10, 39, 41.8089, -87.5962, 17_031_390_300),
    (8, 35, 41.8350, -87.6186, 17_031_351_400),
    (6, 61, 41.8093, -87.6557, 17_031_611_000),
    (25, 56, 41.7859, -87.7509, 17_031_980_100),
    (70, 76, 41.9791, -87.9030, 17_031_980_000),
];

/// (weight, company); the first has no name: the driver did not say.
const COMPANIES: &[(u64, &str)] = &[
    (345, ""),
    (340, "Lakeside Taxi Affiliation"),
    (110, "Prairie Dispatch Affiliation"),
    (75, "Red Line Taxi Association Inc."),
    (58, "Selected Taxi Association"),
    (36, "Northside Management LLC"),
    (20, "Windward Cab Corp."),
    (12, "Dearborn Cab Co."),
    (8, "0118 - Old Canal Cab"),
    (6, "3201 - R.V.C. Drivers"),
    (5, "Halsted Transportation, LLC"),
    (3, "2733 - Harbor Cab Company"),
    (2, "4615 - Tunde's Livery"),
];

/// (weight, how it was paid).
const PAYMENTS: &[(u64, &str)] = &[
    (6600, "Cash"),
    (3320, "Credit Card"),
    (54, "No Charge"),
    (20, "Unknown"),
    (4, "Dispute"),
    (2, "Pcard"),
];

/// Trips per hour of the day, relative.
const HOURS: &[u64] = &[
    46, 38, 31, 23, 16, 14, 17, 30, 45, 49, 46, 48, 52, 51, 51, 52, 55, 62, 70, 74, 71, 62, 60, 55,
];

/// Writes a header and `rows` trips as CSV.
///
/// # Errors
///
/// What `out` says when it does not take a line.
pub(crate) fn write_trips(rows: u64, seed: u64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{HEADER}")?;
    let mut random = Random(seed);
    (0..rows).try_for_each(|_| write_trip(&mut random, out))
}

fn write_trip(random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let (_, area, latitude, longitude, _) = PLACES[random.weighted(PLACES.iter().map(|p| p.0))];
    let (_, to_area, to_latitude, to_longitude, tract) =
        PLACES[random.weighted(PLACES.iter().map(|p| p.0))];
    let when = When::draw(random);
    let company = COMPANIES[random.weighted(COMPANIES.iter().map(|c| c.0))].1;

    // Streets run north and east: 69 miles to a degree of latitude, 51.5 to one of longitude here.
    let straight = (latitude - to_latitude).abs() * 69.0 + (longitude - to_longitude).abs() * 51.5;
    let miles = straight * random.between(0.85, 1.25) + random.between(0.2, 1.0);
    let rush =
        if (7..10).contains(&when.hour) || (16..19).contains(&when.hour) { 1.35 } else { 1.0 };
    let minutes =
        (miles * random.between(2.0, 4.2) * rush + random.between(1.0, 5.0)).floor().max(1.0);
    let fare = 2.25 + miles * 1.85 + minutes * 0.22 + if random.chance(6) { 1.0 } else { 0.0 };
    let fare = if random.chance(1) { 0.0 } else { (fare * 20.0).round() / 20.0 };
    let payment = PAYMENTS[random.weighted(PAYMENTS.iter().map(|p| p.0))].1;
    let tips = tips(random, payment, fare, &when, company);

    // What the meter and the receiver did not record.
    let odometer = if random.chance(27) { 0.0 } else { (miles * 10.0).round() / 10.0 };
    let seconds = if random.chance(2) { 0.0 } else { minutes * 60.0 };
    let to_known = !random.chance(3);
    let tract_known = to_known && !random.chance(25);
    let optional = |known: bool, text: String| if known { text } else { String::new() };
    writeln!(
        out,
        "{area},{fare},{},{},{},{},{latitude},{longitude},{},{},{odometer:?},,{},{payment},{},{seconds},{},{tips:?}",
        when.month,
        when.hour,
        when.weekday,
        when.second,
        optional(to_known, to_latitude.to_string()),
        optional(to_known, to_longitude.to_string()),
        optional(tract_known, tract.to_string()),
        quoted(company),
        optional(to_known, to_area.to_string()),
    )
}

/// Tips are recorded for cards only. Most passengers press a button for a share of the fare, some round up, some
/// give nothing; late in the evening and with some companies they give a little more often.
fn tips(random: &mut Random, payment: &str, fare: f64, when: &When, company: &str) -> f64 {
    if payment != "Credit Card" && payment != "Pcard" {
        return 0.0;
    }
    let evening = when.hour >= 19 || when.hour < 3;
    let generous = 72 + u64::from(evening) * 8 + u64::from(company.starts_with("Red")) * 8
        - u64::from(fare > 30.0) * 14;
    let tip = if random.chance(generous) {
        let share =
            [0.21, 0.22, 0.25, 0.25, 0.3][random.weighted([30, 25, 20, 15, 10].into_iter())];
        (fare * share).max(2.0)
    } else if random.chance(55) {
        fare * random.between(0.05, 0.19)
    } else {
        0.0
    };
    (tip * 100.0).round() / 100.0
}

/// When a trip began, in several ways.
struct When {
    second: i64,
    month: u64,
    hour: u64,
    /// From Sunday, 1, to Saturday, 7.
    weekday: i64,
}

impl When {
    /// Draws a quarter of an hour; the hour again, by how many trips there are in it.
    fn draw(random: &mut Random) -> Self {
        let day = random.below(QUARTERS) / 96;
        let hour = random.weighted(HOURS.iter().copied()) as u64;
        let second =
            FIRST_SECOND + (day * 86_400 + hour * 3600 + random.below(4) * 900).cast_signed();
        // 2013-01-01 was a Tuesday, the third day of the week.
        let weekday = (day.cast_signed() + 2) % 7 + 1;
        Self { second, month: month_of(day), hour, weekday }
    }
}

/// Returns the month, 1 to 12, of a day counted from 2013-01-01.
fn month_of(mut day: u64) -> u64 {
    for year in 2013.. {
        let leap = u64::from(year % 4 == 0);
        for (month, days) in (1u64..).zip([31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            if day < days {
                return month;
            }
            day -= days;
        }
    }
    12
}

fn quoted(text: &str) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to `bound`, which is not reached.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns whether something happens that happens in `percent` of 100 cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns a number between two others, in steps of a ten-thousandth of the way.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "below 10,000")]
        let step = self.below(10_000) as f64 / 10_000.0;
        low + (high - low) * step
    }

    /// Returns the position of one of the weights, drawn by weight.
    fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trips(rows: u64, seed: u64) -> String {
        let mut out = Vec::new();
        write_trips(rows, seed, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_trips() {
        assert_eq!(trips(100, 1), trips(100, 1));
        assert_ne!(trips(100, 1), trips(100, 2));
        assert!(trips(200, 1).starts_with(&trips(100, 1)));
    }

    #[test]
    fn about_a_quarter_of_the_passengers_tip_well() {
        let text = trips(4000, 7);
        let well = text.lines().skip(1).filter(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |cell: &str| cell.parse::<f64>().unwrap();
            number(cells[cells.len() - 1]) > number(cells[1]) * 0.2
        });
        let share = well.count() * 100 / 4000;
        assert!((18..32).contains(&share), "{share} %");
    }

    #[test]
    fn months_follow_the_calendar() {
        assert_eq!(month_of(0), 1);
        assert_eq!(month_of(31), 2);
        assert_eq!(month_of(364), 12);
        // 2016-02-29 and 2016-03-01.
        assert_eq!(month_of(3 * 365 + 59), 2);
        assert_eq!(month_of(3 * 365 + 60), 3);
    }
}
