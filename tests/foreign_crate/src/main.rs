//! A user's program: a plain `main`, records of its own types, helpers that are generic over records and
//! closures, RDDs in a struct, in a loop and in threads. It prints what it finds, for a test that compares.

mod counting;
mod shop;

use counting::{count_by, largest};
use firesteel::{Context, Rdd};
use shop::{Genre, Shop};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

fn main() -> firesteel::Result<()> {
    let sc = Context::builder().master("local[2]").app_name("bookshop").create()?;
    let shop = Shop::open(&sc);
    println!("sold: {}", shop.sales.count()?);
    for (genre, copies) in shop.copies_by_genre().collect_as_map()?.into_iter().collect::<BTreeMap<_, _>>() {
        println!("{genre:?}: {copies}");
    }
    println!("dear: {:?}", largest(&shop.dearer_than(2000), 2)?);
    let genres = count_by(&shop.books, |book| book.genre).collect_as_map()?;
    println!("poetry books: {}", genres[&Genre::Poetry]);
    println!("rank of 3: {}", settle(&shop.readers_also_bought())?);
    println!("in threads: {:?}", at_once(&shop));
    println!("dictionaries loaded: {}", translate(&shop)?);
    if let Err(error) = read_missing(&sc) {
        println!("missing: {}", error.to_string().lines().next().unwrap_or_default());
    }
    Ok(())
}

/// A loop that assigns an RDD again and again, as PageRank does.
fn settle(links: &Rdd<(u32, Vec<u32>)>) -> firesteel::Result<u64> {
    let mut ranks = links.map_values(|_| 1000u64);
    for _ in 0..5 {
        let given = links.join(&ranks).flat_map(|(_, (to, rank))| {
            let share = rank / to.len() as u64;
            to.into_iter().map(|book| (book, share)).collect::<Vec<_>>()
        });
        ranks = given.reduce_by_key(|a, b| a + b).map_values(|rank| rank * 85 / 100 + 150);
    }
    Ok(ranks.lookup(&3)?[0])
}

/// Jobs of several threads, each with its own RDDs of a shared parent.
fn at_once(shop: &Shop) -> Vec<u64> {
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (1..=4u32)
            .map(|book| {
                let sales = shop.sales.clone();
                scope.spawn(move || sales.filter_with(book, |book, sale| sale.book == *book).count())
            })
            .collect();
        jobs.into_iter().map(|job| job.join().expect("no panic").expect("no failure")).collect()
    })
}

/// What is made once in each executor, and not once for each record or task, stands in a static.
fn translate(shop: &Shop) -> firesteel::Result<usize> {
    static LOADED: AtomicUsize = AtomicUsize::new(0);
    static DICTIONARY: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    static SHOUTING: LazyLock<String> = LazyLock::new(|| "!".repeat(3));
    let words = vec![("Dune".to_string(), "Der Wüstenplanet".to_string())];
    let titles = shop.books.repartition(4).map_with(words, |words, book| {
        let dictionary = DICTIONARY.get_or_init(|| {
            LOADED.fetch_add(1, Ordering::Relaxed);
            words.iter().cloned().collect()
        });
        dictionary.get(&book.title).cloned().unwrap_or(book.title) + &SHOUTING
    });
    let titles = titles.collect()?;
    assert!(titles.contains(&"Der Wüstenplanet!!!".to_string()), "{titles:?}");
    assert_eq!(titles.len(), 4);
    // Here driver and executor are one process, so the driver sees the count.
    Ok(LOADED.load(Ordering::Relaxed))
}

/// Firesteel's errors among others.
fn read_missing(sc: &Context) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let limit: u64 = "10".parse()?;
    Ok(sc.text_file("no/such/file.txt", None)?.count()?.min(limit))
}
