//! Parquet scan by hand: three columns of a table of twenty, with the Parquet library's arrays, a row group at
//! a time on each thread.

use std::fs::File;
use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use firesteel_benches::table::Scan;
use firesteel_benches::{params, report, threads};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (path, threads) = (params::table(), params::threads());
    report::measure(|| {
        let parts = row_groups(&path);
        let scans = threads::parallel(threads, parts.len(), |index| scan(&parts[index].0, parts[index].1));
        scans.into_iter().fold(Scan::default(), Scan::and).answer()
    });
}

fn row_groups(path: &str) -> Vec<(PathBuf, usize)> {
    let names = std::fs::read_dir(path)
        .expect("the table exists")
        .map(|entry| entry.expect("it can be listed").path());
    let files = names.filter(|name| name.extension().is_some_and(|extension| extension == "parquet"));
    let groups = files.flat_map(|file| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).expect("it is there"));
        let count = reader.expect("it is Parquet").metadata().num_row_groups();
        (0..count).map(move |group| (file.clone(), group))
    });
    groups.collect()
}

fn scan(file: &PathBuf, row_group: usize) -> Scan {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("it is there"))
        .expect("it is Parquet");
    let columns = ProjectionMask::columns(builder.parquet_schema(), ["store", "price", "city"]);
    let batches =
        builder.with_projection(columns).with_row_groups(vec![row_group]).with_batch_size(8192).build();
    let mut scan = Scan::default();
    batches.expect("it can be read").for_each(|batch| add(&mut scan, &batch.expect("it is whole")));
    scan
}

fn add(scan: &mut Scan, batch: &RecordBatch) {
    let stores = batch.column_by_name("store").expect("it has stores").as_primitive::<Int64Type>().values();
    let prices = batch.column_by_name("price").expect("it has prices").as_primitive::<Float64Type>().values();
    let cities = batch.column_by_name("city").expect("it has cities").as_string::<i32>();
    for row in 0..batch.num_rows() {
        scan.add(stores[row], prices[row], cities.value(row));
    }
}
