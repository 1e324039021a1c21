//! The workloads with their parameters: full size for measuring, quick size to check that all peers work and
//! agree.

/// One workload; its programs have its name.
pub(crate) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) reads_text: bool,
    /// True if it reads a generated table, of `BENCH_N` rows.
    pub(super) reads_table: bool,
    /// The memory that Firesteel and Spark may take.
    pub(super) memory: Option<&'static str>,
    partitions: u64,
    /// True if the whole process is timed, not the job inside.
    pub(super) times_process: bool,
    /// Variable, full value, quick value.
    sizes: &'static [(&'static str, u64, u64)],
}

impl Workload {
    pub(super) fn variables(&self, quick: bool) -> Vec<(&'static str, String)> {
        let value = |full: u64, small: u64| if quick { small } else { full }.to_string();
        let mut variables: Vec<_> =
            self.sizes.iter().map(|&(name, full, small)| (name, value(full, small))).collect();
        variables.push(("BENCH_PARTITIONS", self.partitions.to_string()));
        variables.extend(self.memory.map(|memory| ("BENCH_MEMORY", memory.to_string())));
        variables
    }
}

/// The number of partitions for the peers that have partitions: a few for each thread, so that they end
/// together.
const PARTITIONS: u64 = 8;

const GENERATED: Workload = Workload {
    name: "",
    about: "",
    reads_text: false,
    reads_table: false,
    memory: None,
    partitions: PARTITIONS,
    times_process: false,
    sizes: &[],
};

pub(super) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "word_count",
        about: "word count of the Linux 6.1 sources, the five most frequent words",
        reads_text: true,
        ..GENERATED
    },
    Workload {
        name: "sum",
        about: "100 M whole numbers: map, filter, map, reduce",
        sizes: &[("BENCH_N", 100_000_000, 1_000_000)],
        ..GENERATED
    },
    Workload {
        name: "reduce_by_key",
        about: "reduceByKey of 20 M pairs with 1 M keys",
        sizes: &[("BENCH_N", 20_000_000, 200_000), ("BENCH_KEYS", 1_000_000, 10_000)],
        ..GENERATED
    },
    Workload {
        name: "sort_by_key",
        about: "sortByKey of 5 M pairs, every partition looked at",
        sizes: &[("BENCH_N", 5_000_000, 100_000)],
        ..GENERATED
    },
    Workload {
        name: "join",
        about: "join of 2 M pairs with 2 M",
        sizes: &[("BENCH_N", 2_000_000, 50_000), ("BENCH_KEYS", 2_000_000, 50_000)],
        ..GENERATED
    },
    Workload {
        name: "group_by_key",
        about: "groupByKey of 5 M pairs with 100 k keys",
        sizes: &[("BENCH_N", 5_000_000, 100_000), ("BENCH_KEYS", 100_000, 2_000)],
        ..GENERATED
    },
    Workload {
        name: "pagerank",
        about: "PageRank, 200 k nodes, 2 M edges, 10 iterations",
        sizes: &[("BENCH_N", 2_000_000, 20_000), ("BENCH_KEYS", 200_000, 2_000), ("BENCH_ITERATIONS", 10, 3)],
        ..GENERATED
    },
    Workload {
        name: "kmeans",
        about: "k-means, 2 M points of 8 dimensions, 10 centres, 5 iterations, points cached",
        sizes: &[("BENCH_N", 2_000_000, 20_000), ("BENCH_KEYS", 10, 10), ("BENCH_ITERATIONS", 5, 3)],
        ..GENERATED
    },
    Workload {
        name: "cached_numbers",
        about: "two passes over 100 M cached whole numbers",
        sizes: &[("BENCH_N", 100_000_000, 1_000_000)],
        ..GENERATED
    },
    Workload {
        name: "broadcast",
        about: "a broadcast value of 256 MiB (32 Mi floating-point numbers) that 8 tasks read",
        sizes: &[("BENCH_N", 32 << 20, 1 << 20)],
        ..GENERATED
    },
    Workload {
        name: "terasort",
        about: "sortByKey of 100 M records of 100 bytes in 1 GiB of memory (by hand: all in memory)",
        memory: Some("1g"),
        partitions: 64,
        sizes: &[("BENCH_N", 100_000_000, 100_000)],
        ..GENERATED
    },
    Workload {
        name: "parquet_scan",
        about: "three columns of a Parquet table of 20 columns and 6 M rows",
        reads_table: true,
        sizes: &[("BENCH_N", 6_000_000, 60_000)],
        ..GENERATED
    },
    Workload {
        name: "empty_tasks",
        about: "10,000 tasks that do nothing",
        sizes: &[("BENCH_N", 10_000, 200)],
        ..GENERATED
    },
    Workload {
        name: "startup",
        about: "from nothing to the first result, the whole process",
        times_process: true,
        sizes: &[("BENCH_N", 10, 10)],
        ..GENERATED
    },
];
