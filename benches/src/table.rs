//! The wide table of the `parquet_scan` workload: twenty columns, of which the scan reads three. Each value is
//! a function of its row's index.

use crate::data::{below, mix, unit};
use serde::{Deserialize, Serialize};

/// The number of files of the table.
pub const FILES: usize = 8;

/// A row.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named for what they hold")]
pub struct Sale {
    pub id: i64,
    pub store: i64,
    pub customer: i64,
    pub item: i64,
    pub quantity: i32,
    pub price: f64,
    pub discount: f64,
    pub tax: f64,
    pub weight: f64,
    pub city: firesteel::Str,
    pub channel: firesteel::Str,
    pub coupon: Option<firesteel::Str>,
    pub day: i32,
    pub second: i32,
    pub clerk: i64,
    pub till: i64,
    pub latitude: f64,
    pub longitude: f64,
    pub returned: bool,
    pub checksum: i64,
}

/// Returns the row of an index.
pub fn sale(index: u64) -> Sale {
    let at = |column: u64| index.wrapping_mul(32).wrapping_add(column);
    Sale {
        id: index as i64,
        store: below(at(1), 1_000) as i64,
        customer: below(at(2), 10_000_000) as i64,
        item: below(at(3), 100_000) as i64,
        quantity: below(at(4), 20) as i32,
        price: unit(at(5)) * 500.0,
        discount: below(at(6), 50) as f64 / 100.0,
        tax: unit(at(7)),
        weight: unit(at(8)) * 30.0,
        city: city(below(at(9), 400)),
        channel: ["web", "shop", "phone"][below(at(10), 3) as usize].into(),
        coupon: (below(at(11), 10) == 0).then(|| format!("C{}", below(at(12), 5_000)).into()),
        day: below(at(13), 3_650) as i32,
        second: below(at(14), 86_400) as i32,
        clerk: below(at(15), 50_000) as i64,
        till: below(at(16), 64) as i64,
        latitude: unit(at(17)) * 180.0 - 90.0,
        longitude: unit(at(18)) * 360.0 - 180.0,
        returned: below(at(19), 25) == 0,
        checksum: mix(index) as i64,
    }
}

/// Returns a name of 8 to 22 letters.
fn city(number: u64) -> firesteel::Str {
    let name = format!("city {number:03} upon the water");
    firesteel::Str::from(&name[..8 + (number % 15) as usize])
}

/// The result of a scan: each sum does not depend on the order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The number of rows.
    pub rows: i64,
    /// The sum of `store`.
    pub stores: i64,
    /// The sum of `price`, each in 1024ths cut to whole ones.
    pub prices: i64,
    /// The lengths of `city`.
    pub letters: i64,
}

impl Scan {
    /// Adds a row.
    #[inline]
    pub fn add(&mut self, store: i64, price: f64, city: &str) {
        self.rows += 1;
        self.stores += store;
        self.prices += (price * 1024.0) as i64;
        self.letters += city.len() as i64;
    }

    /// Adds another part of the table.
    #[must_use]
    pub fn and(self, other: Scan) -> Scan {
        Scan {
            rows: self.rows + other.rows,
            stores: self.stores + other.stores,
            prices: self.prices + other.prices,
            letters: self.letters + other.letters,
        }
    }

    /// Returns the line that all peers print.
    pub fn answer(&self) -> String {
        let Scan { rows, stores, prices, letters } = self;
        format!("rows={rows} stores={stores} prices={prices} letters={letters}")
    }
}
