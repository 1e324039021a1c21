//! The settings of an application on YARN, as they follow from those of the engine and from the environment.

use crate::YarnError;
use crate::configuration::{self, Configuration};
use crate::container::OwnContainer;
use crate::messages::Resource;
use crate::submission::Labels;
use firesteel_cluster::{AgentCommand, Shape};
use firesteel_conf as conf;
use firesteel_conf::{Conf, ConfError};
use firesteel_io::{StoreSettings, Stores};
use firesteel_protocol::handshake::AgentConfig;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// A cluster, a user of it, and the place for the files of containers.
#[derive(Clone, Debug)]
pub struct Place {
    /// The cluster.
    pub configuration: Configuration,
    /// The user in whose name all is done.
    pub user: String,
    /// The directory set for the files of containers, if one is; else it is the user's home.
    pub staging: Option<String>,
    /// True if the files of containers stay at the end.
    pub keeps_staging: bool,
    /// The stores in which they may be.
    pub stores: Stores,
}

/// The agents in containers.
#[derive(Clone, Debug)]
pub struct Agents {
    /// The command that starts agents.
    pub command: AgentCommand,
    /// The program that containers are sent to run in the place of the command's; none where nodes have that.
    pub program: Option<PathBuf>,
    /// The memory that is asked for beyond an executor's own, in bytes.
    pub overhead: u64,
    /// The configuration of agents, with the size of each, but for what each has for itself.
    pub configuration: AgentConfig,
}

/// The settings of an application on YARN.
#[derive(Clone, Debug)]
pub struct YarnSettings {
    pub(crate) place: Place,
    pub(crate) labels: Labels,
    pub(crate) agents: Agents,
    /// The interval of heartbeats.
    pub(crate) heartbeat: Duration,
    /// The time that YARN may take to accept the application.
    pub(crate) accepted_within: Duration,
    /// The labels of nodes on which executors may run.
    pub(crate) node_labels: Option<String>,
    /// The address of the application's pages, or nothing.
    pub(crate) pages: String,
    /// The container in which the driver runs, in cluster mode.
    pub(crate) own_container: Option<OwnContainer>,
}

impl Place {
    /// Makes a place from settings and the environment.
    ///
    /// # Errors
    /// When nothing says where the cluster's configuration is, or it cannot be read.
    pub fn of(conf: &Conf) -> Result<Place, YarnError> {
        let variable = |name: &str| std::env::var(name).ok();
        let directory = configuration::directory(text(conf, &conf::HDFS_CONF_DIR)?.as_deref(), variable)?;
        Ok(Place {
            configuration: Configuration::load(&directory, variable)?,
            user: user(),
            staging: text(conf, &conf::YARN_STAGING_DIR)?,
            keeps_staging: conf.get(&conf::YARN_PRESERVE_STAGING)?,
            stores: Stores::new(StoreSettings::from_conf(conf)),
        })
    }
}

impl Labels {
    /// Makes the labels that settings say.
    ///
    /// # Errors
    /// When a setting has no value of its kind.
    pub fn of(conf: &Conf) -> Result<Labels, YarnError> {
        let tags = conf.get(&conf::YARN_TAGS)?;
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Ok(Labels {
            name: conf.get(&conf::APP_NAME)?,
            queue: conf.get(&conf::YARN_QUEUE)?,
            tags: tags.map(String::from).collect(),
            application_type: conf.get(&conf::YARN_APPLICATION_TYPE)?,
            priority: conf.get(&conf::YARN_PRIORITY)?,
            rolled_logs: text(conf, &conf::YARN_ROLLED_LOGS)?
                .map(|include| Ok::<_, ConfError>((include, conf.get(&conf::YARN_ROLLED_LOGS_NOT)?)))
                .transpose()?,
        })
    }
}

/// Returns the address of a ResourceManager, if settings and environment lead to one.
pub fn resource_manager(conf: &Conf) -> Option<String> {
    Place::of(conf).ok()?.configuration.resource_managers().ok()?.into_iter().next()
}

fn text(conf: &Conf, setting: &'static conf::Setting<String>) -> Result<Option<String>, YarnError> {
    Ok(Some(conf.get(setting)?).filter(|text| !text.is_empty()))
}

/// Returns the user's name: the one that Hadoop is told, or the one that runs this process.
fn user() -> String {
    let names = ["HADOOP_USER_NAME", "USER", "LOGNAME"];
    let told = names.into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    told.unwrap_or_else(|| {
        let id = std::fs::metadata("/proc/self").map_or(0, |process| process.uid()).to_string();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == id).then(|| name.to_string())
        });
        name.unwrap_or(id)
    })
}

impl From<ConfError> for YarnError {
    fn from(error: ConfError) -> YarnError {
        YarnError::Configuration {
            what: error.to_string(),
            remedy: "docs/configuration.md has all settings".into(),
        }
    }
}

impl YarnSettings {
    /// Makes the settings of an application with such agents and pages, from settings of the engine and the environment.
    ///
    /// # Errors
    /// When nothing says where the cluster's configuration is, or a setting has no value of its kind.
    pub fn of(conf: &Conf, agents: Agents, pages: String) -> Result<YarnSettings, YarnError> {
        let millis = |setting| conf.get(setting).map(Duration::from_millis);
        Ok(YarnSettings {
            place: Place::of(conf)?,
            labels: Labels::of(conf)?,
            agents,
            heartbeat: millis(&conf::YARN_HEARTBEAT_MS)?,
            accepted_within: millis(&conf::YARN_WAIT_MS)?,
            node_labels: text(conf, &conf::YARN_NODE_LABELS)?,
            pages,
            own_container: OwnContainer::of_environment()?,
        })
    }

    /// Returns the driver's host.
    pub(crate) fn host(&self) -> &str {
        self.agents.configuration.driver.rsplit_once(':').map_or("", |(host, _)| host)
    }

    /// Returns the size of a container for an executor.
    pub(crate) fn size(&self, shape: &Shape) -> Resource {
        let mebibytes = shape.memory.saturating_add(self.agents.overhead).div_ceil(MIB);
        Resource {
            memory: i64::try_from(mebibytes).ok(),
            virtual_cores: i32::try_from(shape.cores).ok(),
            ..Resource::default()
        }
    }

    /// Returns the size of executors at the start.
    pub(crate) fn shape(&self) -> Shape {
        Shape { cores: self.agents.configuration.cores, memory: self.agents.configuration.memory }
    }

    /// Refuses executors that fit in no container.
    pub(crate) fn check_size(&self, shape: &Shape, largest: &Resource) -> Result<(), String> {
        let size = self.size(shape);
        let (memory, cores) = (size.memory.unwrap_or(i64::MAX), size.virtual_cores.unwrap_or(i32::MAX));
        let most = (largest.memory.unwrap_or(i64::MAX), largest.virtual_cores.unwrap_or(i32::MAX));
        if memory > most.0 {
            let own = shape.memory / MIB;
            return Err(format!(
                "an executor takes {memory} MiB ({own} of `firesteel.executor.memory`, {} of `firesteel.executor.memory_overhead`), and \
                 YARN's largest container has {} MiB: ask for less, or have `yarn.scheduler.maximum-allocation-mb` and \
                 `yarn.nodemanager.resource.memory-mb` raised",
                memory - own as i64,
                most.0
            ));
        }
        if cores > most.1 {
            return Err(format!(
                "an executor takes {cores} cores (`firesteel.executor.cores`), and YARN's largest container has {}: ask for fewer, or \
                 have `yarn.scheduler.maximum-allocation-vcores` raised",
                most.1
            ));
        }
        Ok(())
    }
}
