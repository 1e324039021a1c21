//! Records of the program's own, and a struct that holds RDDs of them.

use firesteel::{Context, Rdd};
use serde::{Deserialize, Serialize};

/// An enum as key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Genre {
    /// Stories.
    Novel,
    /// Verses.
    Poetry,
}

/// A record with text, an enum and an option inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    pub id: u32,
    pub title: String,
    pub genre: Genre,
    pub price: Option<Cents>,
}

/// A newtype as field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cents(pub u32);

/// A small record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sale {
    pub book: u32,
    pub copies: u32,
}

/// RDDs are values: they live in structs.
pub struct Shop {
    pub books: Rdd<Book>,
    pub sales: Rdd<Sale>,
}

impl Shop {
    /// Four books, and 1000 sales.
    pub fn open(sc: &Context) -> Self {
        let book = |id, title: &str, genre, price: Option<u32>| Book {
            id,
            title: title.into(),
            genre,
            price: price.map(Cents),
        };
        let books = vec![
            book(1, "Dune", Genre::Novel, Some(1999)),
            book(2, "Odes", Genre::Poetry, Some(2450)),
            book(3, "Emma", Genre::Novel, Some(2100)),
            book(4, "Lost", Genre::Poetry, None),
        ];
        let sales =
            sc.range_in(0..1000, 5).map(|n| Sale { book: (n % 4) as u32 + 1, copies: (n % 3) as u32 });
        Shop { books: sc.parallelize(books, 2), sales }
    }

    /// How many copies were sold of each genre.
    pub fn copies_by_genre(&self) -> Rdd<(Genre, u64)> {
        let genres = self.books.map(|book| (book.id, book.genre));
        let copies = self.sales.map(|sale| (sale.book, u64::from(sale.copies))).reduce_by_key(|a, b| a + b);
        genres.join(&copies).values().reduce_by_key(|a, b| a + b)
    }

    /// Prices and titles of what costs more than `cents`.
    pub fn dearer_than(&self, cents: u32) -> Rdd<(Cents, String)> {
        let priced = self.books.flat_map(|book| book.price.map(|price| (price, book.title)));
        priced.filter_with(Cents(cents), |limit, (price, _)| price > limit)
    }

    /// Which books are linked to which.
    pub fn readers_also_bought(&self) -> Rdd<(u32, Vec<u32>)> {
        self.books
            .map(|book| (book.id, (1..=4).filter(|other| *other != book.id && other % 3 != 2).collect()))
    }
}
