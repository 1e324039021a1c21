//! Fuzz targets: the conditions for every decoder of the project, whatever bytes it is given: it does not
//! panic, does not allocate memory for a mere claim of length, and if two ways of reading should agree, they
//! do.
//!
//! Each target is a function of bytes. `fuzz/` runs them with inputs that a fuzzer makes up (`cargo xtask fuzz`); the tests of
//! this crate run them with inputs that once failed (`fuzz/regressions/<target>/`), with seeds, and with seeds broken in
//! simple ways. A new decoder gets a function, a row in [`TARGETS`], and its name in `fuzz/Cargo.toml`.

mod columns;
mod files;
mod journal;
mod messages;
mod records;
mod tables;
mod yarn;

use firesteel_io::Codec;

/// One decoder under test.
pub struct Target {
    /// Its name, which is also that of its binary under `fuzz/` and of its directory of regressions.
    pub name: &'static str,
    /// Decodes, and panics if a condition is violated.
    pub run: fn(&[u8]),
    /// Good inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "codec_snappy",
        run: |data| files::codec(Codec::Snappy, data),
        seeds: || files::packed(Codec::Snappy),
    },
    Target {
        name: "codec_lz4",
        run: |data| files::codec(Codec::Lz4, data),
        seeds: || files::packed(Codec::Lz4),
    },
    Target {
        name: "codec_gzip",
        run: |data| files::codec(Codec::Gzip, data),
        seeds: || files::packed(Codec::Gzip),
    },
    Target {
        name: "codec_bzip2",
        run: |data| files::codec(Codec::Bzip2, data),
        seeds: || files::packed(Codec::Bzip2),
    },
    Target {
        name: "codec_zstd",
        run: |data| files::codec(Codec::Zstd, data),
        seeds: || files::packed(Codec::Zstd),
    },
    Target {
        name: "codec_deflate",
        run: |data| files::codec(Codec::Deflate, data),
        seeds: || files::packed(Codec::Deflate),
    },
    Target { name: "lines", run: files::lines, seeds: files::line_seeds },
    Target { name: "bzip2_parts", run: files::bzip2_parts, seeds: files::bzip2_seeds },
    Target { name: "sequence_file", run: files::sequence_file, seeds: files::sequence_seeds },
    Target { name: "writable_value", run: files::writable_value, seeds: files::value_seeds },
    Target { name: "object_file", run: files::object_file, seeds: files::object_seeds },
    Target { name: "java_objects", run: files::java_objects, seeds: files::java_seeds },
    Target { name: "csv", run: tables::csv, seeds: tables::csv_seeds },
    Target { name: "csv_columns", run: columns::csv, seeds: columns::csv_seeds },
    Target { name: "json_lines", run: tables::json_lines, seeds: tables::json_seeds },
    Target { name: "journal", run: journal::journal, seeds: journal::seeds },
    Target { name: "glob", run: files::glob, seeds: files::glob_seeds },
    Target { name: "blocks", run: records::blocks, seeds: records::block_seeds },
    Target { name: "frames", run: records::frames, seeds: records::block_seeds },
    Target { name: "packed", run: records::packed, seeds: records::packed_seeds },
    Target { name: "stage_plan", run: records::stage_plan, seeds: records::plan_seeds },
    Target { name: "messages", run: messages::messages, seeds: messages::message_seeds },
    Target { name: "code_name", run: records::code_name, seeds: records::name_seeds },
    Target { name: "yarn", run: yarn::answers, seeds: yarn::seeds },
];

/// Runs the target of a name.
///
/// # Panics
/// When there is no such target, and when it finds something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target {name} in TARGETS"));
    (target.run)(data);
}
