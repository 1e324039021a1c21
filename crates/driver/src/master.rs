//! The master: the processes on which tasks run, in the notation of users.

use std::num::NonZero;
use std::thread::available_parallelism;

/// A parsed master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Master {
    /// Threads of the driver's process, or worker processes of its own.
    Local {
        /// The number of tasks that run at a time, where each takes one core.
        cores: u32,
        /// The number of failures of one task that fail its job, if the master's name says it.
        max_failures: Option<u32>,
    },
    /// Processes on the driver's machine that are treated as if they were remote.
    LocalCluster {
        /// The number of processes.
        executors: u32,
        /// The number of tasks that each runs at a time.
        cores: u32,
        /// The memory of each, in bytes.
        memory: u64,
    },
    /// A cluster's masters: the leader, and those that stand by.
    Standalone {
        /// Their addresses, `host:port`.
        addresses: Vec<String>,
    },
    /// A cluster manager, which starts executors.
    Managed(ManagerUrl),
    /// Executors that people start, and that connect to the driver.
    Listen {
        /// The address at which the driver listens, `host:port`.
        address: String,
    },
}

/// A cluster manager, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManagerUrl {
    /// Slurm, whose commands are on the path.
    Slurm,
    /// Kubernetes; the whole master, `k8s://https://host:port`.
    Kubernetes(String),
    /// YARN, whose configuration says where it is.
    Yarn,
    /// Ray, which a manager of the program's own language speaks to.
    Ray,
}

impl ManagerUrl {
    fn parse(text: &str) -> Option<ManagerUrl> {
        match text {
            "slurm" => Some(ManagerUrl::Slurm),
            "yarn" => Some(ManagerUrl::Yarn),
            "ray" => Some(ManagerUrl::Ray),
            _ if text.starts_with("k8s://") => Some(ManagerUrl::Kubernetes(text.into())),
            // Where it is concerns the manager alone.
            _ => with_port(text.strip_prefix("ray://")?).map(|_| ManagerUrl::Ray),
        }
    }
}

/// The port of a cluster's master where the address has none.
const MASTER_PORT: &str = "7077";

impl Master {
    pub(crate) fn parse(text: &str) -> Result<Master, String> {
        let text = text.trim();
        let refuse = || {
            format!(
                "the master cannot be `{text}`: write `local` (one thread), `local[4]`, `local[*]` (one thread a core), `local[4,2]` \
                 (a job fails at the second failure of a task), `local-cluster[2,1,1024]` (two processes with one core and 1024 MiB \
                 each), `firesteel://host:7077` (a cluster), `slurm` (jobs of Slurm), `yarn` (containers of Hadoop's YARN), \
                 `k8s://https://host:port` (pods of Kubernetes), `ray` (actors of Ray) or `listen://host:port` (executors that connect)"
            )
        };
        if text == "local" {
            return Ok(Master::Local { cores: 1, max_failures: None });
        }
        if let Some(inside) = within(text, "local[") {
            return local(inside).ok_or_else(refuse);
        }
        if let Some(inside) = within(text, "local-cluster[") {
            return local_cluster(inside).ok_or_else(refuse);
        }
        if let Some(hosts) = text.strip_prefix("firesteel://").or_else(|| text.strip_prefix("spark://")) {
            let addresses = hosts.split(',').map(|host| with_port(host.trim())).collect::<Option<Vec<_>>>();
            return addresses.map(|addresses| Master::Standalone { addresses }).ok_or_else(refuse);
        }
        if let Some(manager) = ManagerUrl::parse(text) {
            return Ok(Master::Managed(manager));
        }
        let address = text.strip_prefix("listen://").filter(|address| address.contains(':'));
        address.map(|address| Master::Listen { address: address.into() }).ok_or_else(refuse)
    }

    /// Returns the master with executors of `cores` cores and `memory` bytes, if the application sets these:
    /// several of them in the place of each process of a local cluster.
    pub(crate) fn with_executors(self, cores: Option<u32>, memory: Option<u64>) -> Result<Master, String> {
        let Master::LocalCluster { executors, cores: all, memory: most } = self else { return Ok(self) };
        let cores = cores.unwrap_or(all);
        if cores > all {
            return Err(format!(
                "executors with {cores} cores (`firesteel.executor.cores`) do not fit into processes with {all}, as the master has them"
            ));
        }
        let each = most / u64::from(all / cores);
        let memory = memory.map_or(each, |memory| memory.min(each));
        Ok(Master::LocalCluster { executors: executors * (all / cores), cores, memory })
    }

    /// Returns the number of cores, if the master's name says it.
    pub(crate) fn cores(&self) -> Option<u32> {
        match self {
            Master::Local { cores, .. } => Some(*cores),
            Master::LocalCluster { executors, cores, .. } => Some(executors * cores),
            Master::Standalone { .. } | Master::Managed(_) | Master::Listen { .. } => None,
        }
    }

    /// Returns the number of tasks that run at a time, each on `cpus` cores, if the master's name says how
    /// many cores there are.
    pub(crate) fn slots(&self, cpus: u32) -> Result<Option<u32>, String> {
        let (executors, cores) = match self {
            Master::Local { cores, .. } => (1, *cores),
            Master::LocalCluster { executors, cores, .. } => (*executors, *cores),
            Master::Standalone { .. } | Master::Managed(_) | Master::Listen { .. } => return Ok(None),
        };
        match cores / cpus.max(1) {
            0 => Err(too_few_cores(cores, cpus)),
            slots => Ok(Some(executors * slots)),
        }
    }

    /// Returns the number of failures of one task that fail its job, if the master's name says it.
    pub(crate) fn max_failures(&self) -> Option<u32> {
        match self {
            Master::Local { max_failures, .. } => *max_failures,
            Master::LocalCluster { .. }
            | Master::Standalone { .. }
            | Master::Managed(_)
            | Master::Listen { .. } => None,
        }
    }

    /// Returns whether executors are processes that connect to the driver.
    pub(crate) fn is_cluster(&self) -> bool {
        !matches!(self, Master::Local { .. })
    }
}

/// Returns the message for executors that could never run a task.
pub(crate) fn too_few_cores(cores: u32, cpus: u32) -> String {
    format!(
        "the number of cores per executor (={cores}) has to be >= the number of cpus per task = {cpus}: each task takes {cpus} \
         (`firesteel.task.cpus`), so none would ever run; give executors more cores, or tasks fewer"
    )
}

fn within<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?.strip_suffix(']')
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|n| *n > 0)
}

fn local(inside: &str) -> Option<Master> {
    let (cores, failures) = match inside.split_once(',') {
        None => (inside, None),
        Some((slots, failures)) => (slots, Some(number(failures)?)),
    };
    let cores = match cores.trim() {
        "*" => available_parallelism().map_or(1, NonZero::get) as u32,
        cores => number(cores)?,
    };
    Some(Master::Local { cores, max_failures: failures })
}

fn local_cluster(inside: &str) -> Option<Master> {
    let [executors, cores, memory] = inside.split(',').collect::<Vec<_>>().try_into().ok()?;
    let memory = u64::from(number(memory)?) << 20;
    Some(Master::LocalCluster { executors: number(executors)?, cores: number(cores)?, memory })
}

fn with_port(host: &str) -> Option<String> {
    match host.rsplit_once(':') {
        _ if host.is_empty() || host.contains('/') => None,
        Some((_, port)) => port.parse::<u16>().is_ok().then(|| host.into()),
        None => Some(format!("{host}:{MASTER_PORT}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_of_a_local_cluster_are_as_large_as_the_application_says() {
        let master = |text| Master::parse(text).unwrap();
        let cluster =
            |executors, cores, mib: u64| Master::LocalCluster { executors, cores, memory: mib << 20 };
        let of = |cores, mib: Option<u64>| {
            master("local-cluster[2,4,1024]").with_executors(cores, mib.map(|mib| mib << 20))
        };
        assert_eq!(of(None, None), Ok(cluster(2, 4, 1024)));
        assert_eq!(of(Some(2), None), Ok(cluster(4, 2, 512)));
        assert_eq!(of(Some(3), Some(256)), Ok(cluster(2, 3, 256)));
        assert_eq!(of(None, Some(4096)), Ok(cluster(2, 4, 1024)), "no more than there is");
        assert!(of(Some(5), None).unwrap_err().contains("5 cores"));
        assert_eq!(master("local[2]").with_executors(Some(8), None), Ok(master("local[2]")));
    }

    #[test]
    fn tasks_that_take_several_cores_share_those_of_an_executor() {
        let slots = |text, cpus| Master::parse(text).unwrap().slots(cpus);
        assert_eq!(slots("local[4]", 1), Ok(Some(4)));
        assert_eq!(slots("local[4]", 2), Ok(Some(2)));
        assert_eq!(slots("local[5]", 2), Ok(Some(2)), "what is left over is too little for one");
        assert_eq!(slots("local-cluster[3,3,1024]", 2), Ok(Some(3)), "no task takes cores of two executors");
        assert_eq!(slots("firesteel://a", 64), Ok(None));
        for master in ["local", "local[1]", "local-cluster[4,1,1024]"] {
            assert!(slots(master, 2).unwrap_err().contains("cpus per task = 2"));
        }
    }

    #[test]
    fn masters_as_users_write_them() {
        let local = |cores, max_failures| Ok(Master::Local { cores, max_failures });
        assert_eq!(Master::parse("local"), local(1, None));
        assert_eq!(Master::parse("local[3]"), local(3, None));
        assert_eq!(Master::parse("local[ 3 , 2 ]"), local(3, Some(2)));
        assert!(Master::parse("local[*]").unwrap().cores().unwrap() >= 1);
        let cluster = Master::LocalCluster { executors: 2, cores: 1, memory: 1 << 30 };
        assert_eq!(Master::parse("local-cluster[2, 1, 1024]"), Ok(cluster));
        let masters = Master::Standalone { addresses: vec!["a:7077".into(), "b:1234".into()] };
        assert_eq!(Master::parse("firesteel://a,b:1234"), Ok(masters.clone()));
        assert_eq!(Master::parse("spark://a:7077,b:1234"), Ok(masters));
        for ray in ["ray", "ray://a:10001"] {
            assert_eq!(Master::parse(ray), Ok(Master::Managed(ManagerUrl::Ray)), "{ray}");
        }
        assert_eq!(
            Master::parse("listen://0.0.0.0:7000"),
            Ok(Master::Listen { address: "0.0.0.0:7000".into() })
        );
        let wrong = [
            "",
            "local[0]",
            "local[",
            "local[2",
            "local[a]",
            "yarn://host",
            "local[2,0]",
            "local-cluster[2,1]",
            "local-cluster[0,1,1024]",
            "firesteel://",
            "firesteel://a:b",
            "spark://a:7077/x",
            "listen://x",
            "ray://",
            "ray://a:b",
        ];
        for wrong in wrong {
            assert!(Master::parse(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
