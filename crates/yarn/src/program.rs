//! Whole programs in containers: cluster mode, in which the driver's container is the application's master.
//!
//! What the program is sent lies in the staging directory: its file, settings (which may contain secrets, so they are a file
//! that only the user may read), the cluster's configuration, and files that the user names.

use crate::YarnError;
use crate::applications::Applications;
use crate::container::{APPLICATION_VARIABLE, ATTEMPTS_VARIABLE, STAGING_VARIABLE};
use crate::ids::{application_name, application_of};
use crate::launch::{self, LOGS, PROGRAM, for_double_quotes, quoted};
use crate::messages::{
    ApplicationId, ApplicationReport, ApplicationSubmissionContext, ContainerLaunchContext, Resource,
    StringLocalResourceMap, StringStringMap,
};
use crate::settings::Place;
use crate::staging::{self, Staging};
use crate::submission::Labels;
use firesteel_cluster::AgentCommand;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The interval in which an application that is waited for is looked at.
const POLL: Duration = Duration::from_secs(1);

const MIB: u64 = 1 << 20;

/// The least memory beyond its own that is asked for with a driver, in bytes; else it is a tenth.
const OVERHEAD_AT_LEAST: u64 = 384 * MIB;

/// The cluster's limit to the attempts at an application, and its default.
const ATTEMPTS_ALLOWED: &str = "yarn.resourcemanager.am.max-attempts";
const ATTEMPTS_ALLOWED_UNSET: u32 = 2;

/// The names of files in the program's container.
const SETTINGS: &str = "firesteel-settings.json";
const CONFIGURATION: &str = "firesteel-hadoop";

/// The files of the cluster's configuration that are sent, where they are there.
const CONFIGURATIONS: [&str; 3] = ["core-site.xml", "hdfs-site.xml", "yarn-site.xml"];

/// The program of a container: a file or an interpreter.
#[derive(Clone, Debug)]
pub enum Start {
    /// A file of this machine's, which is sent.
    Sent(PathBuf),
    /// An interpreter, as the nodes name it.
    Interpreter(String),
}

/// A program for a container.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file or the interpreter that is run.
    pub start: Start,
    /// Its arguments. They name files that are sent by their bare names: the container's directory is the working directory.
    pub arguments: Vec<String>,
    /// Variables to set for it. Everybody who may see the application's reports may read them.
    pub environment: Vec<(String, String)>,
    /// The settings for its context, as a JSON object.
    pub settings: String,
    /// Files for its directory.
    pub files: Vec<PathBuf>,
    /// The cores that it takes.
    pub cores: u32,
    /// The memory that it takes, in bytes, without what is added for the process itself.
    pub memory: u64,
    /// How often it is run at most, until it ends well. The cluster may allow fewer attempts.
    pub attempts: u32,
}

/// A submitted application.
#[derive(Debug)]
pub struct Submitted {
    client: Applications,
    id: ApplicationId,
    /// The files, if the submitting process removes them.
    files: Option<Staging>,
}

impl Program {
    /// Submits the program.
    ///
    /// # Errors
    /// When the cluster cannot be reached, wants Kerberos, or refuses it: why, and what to do.
    pub fn submit(&self, place: &Place, labels: &Labels) -> Result<Submitted, YarnError> {
        place.configuration.check_authentication()?;
        let mut client = Applications::connect(&place.configuration.resource_managers()?, &place.user)?;
        let (id, largest) = client.new_application()?;
        let size = self.size(&largest)?;
        let files = Staging::make(
            &place.stores,
            &staging::home(place)?,
            &application_name(&id),
            place.keeps_staging,
        )?;
        let launch = self.launch(&id, &files, place)?;
        client.submit(ApplicationSubmissionContext {
            // A program that failed is not run again unasked: it may have written something.
            max_app_attempts: i32::try_from(self.attempts_at(place)).ok(),
            am_container_spec: Some(launch),
            resource: Some(size),
            ..labels.context(&id)
        })?;
        Ok(Submitted { client, id, files: Some(files) })
    }

    /// Returns how often the program is run at most, as far as this machine knows the cluster's limit.
    fn attempts_at(&self, place: &Place) -> u32 {
        let most = place.configuration.get(ATTEMPTS_ALLOWED).and_then(|text| text.parse().ok());
        self.attempts.min(most.unwrap_or(ATTEMPTS_ALLOWED_UNSET))
    }

    /// Returns the memory of its container, in MiB.
    fn whole_mib(&self) -> u64 {
        self.memory.saturating_add((self.memory / 10).max(OVERHEAD_AT_LEAST)).div_ceil(MIB)
    }

    /// Returns the user's files by the names that they have in the container's directory, which is one for all.
    fn named_files(&self) -> Result<BTreeMap<String, &Path>, YarnError> {
        let mut named = BTreeMap::new();
        for file in &self.files {
            let name = plain_name(file)?;
            let is_own = [SETTINGS, PROGRAM, launch::CONFIGURATION].contains(&name.as_str());
            if is_own || name.starts_with(CONFIGURATION) || named.contains_key(&name) {
                return Err(YarnError::Configuration {
                    what: format!("{} cannot be sent as {name}: another file has that name", file.display()),
                    remedy: "give one of them another name: all lie in one directory".into(),
                });
            }
            named.insert(name, file.as_path());
        }
        Ok(named)
    }

    /// Returns what a submission would ask YARN for, as text, without what is secret. Nobody is asked.
    ///
    /// # Errors
    /// When a file has no plain name.
    pub fn dry_run(&self, place: &Place, labels: &Labels) -> Result<String, YarnError> {
        let mut sent = vec![format!("{SETTINGS}: (not shown)")];
        if let Start::Sent(file) = &self.start {
            sent.push(format!("{PROGRAM}: {}", file.display()));
        }
        for (name, file) in configurations(place) {
            sent.push(format!("{CONFIGURATION}/{name}: {}", file.display()));
        }
        for (name, file) in self.named_files()? {
            sent.push(format!("{name}: {}", file.display()));
        }
        let staging = staging::path(&staging::home(place)?, "APPLICATION");
        let attempts = self.attempts_at(place);
        let context = self.context(vec![], "APPLICATION", &staging, attempts);
        let size = format!("{} MiB, {} cores; {attempts} attempts at most", self.whole_mib(), self.cores);
        Ok(labels.described(&context, "the driver", &size, &sent))
    }

    fn size(&self, largest: &Resource) -> Result<Resource, YarnError> {
        let memory = self.whole_mib();
        let most = largest.memory.unwrap_or(i64::MAX);
        match i64::try_from(memory) {
            Ok(mebibytes) if mebibytes <= most => Ok(Resource {
                memory: Some(mebibytes),
                virtual_cores: i32::try_from(self.cores).ok(),
                ..Resource::default()
            }),
            _ => Err(YarnError::Configuration {
                what: format!("the driver takes {memory} MiB, and YARN's largest container has {most} MiB"),
                remedy:
                    "ask for less with --driver-memory, or have `yarn.scheduler.maximum-allocation-mb` raised"
                        .into(),
            }),
        }
    }

    fn launch(
        &self,
        id: &ApplicationId,
        files: &Staging,
        place: &Place,
    ) -> Result<ContainerLaunchContext, YarnError> {
        let mut resources = vec![files.add_private(SETTINGS, self.settings.clone().into_bytes())?];
        if let Start::Sent(file) = &self.start {
            resources.push(files.add_program(PROGRAM, file)?);
        }
        for (name, file) in configurations(place) {
            let sent = files.add_program(&format!("{CONFIGURATION}-{name}"), &file)?;
            resources.push(StringLocalResourceMap { key: Some(format!("{CONFIGURATION}/{name}")), ..sent });
        }
        for (name, file) in self.named_files()? {
            resources.push(files.add_program(&name, file)?);
        }
        Ok(self.context(resources, &application_name(id), files.path(), self.attempts_at(place)))
    }

    /// Returns what YARN is told to run, with these files, for an application whose staging directory has this path.
    fn context(
        &self,
        local_resources: Vec<StringLocalResourceMap>,
        application: &str,
        staging: &str,
        attempts: u32,
    ) -> ContainerLaunchContext {
        let attempts = attempts.to_string();
        let own = [
            (APPLICATION_VARIABLE, application),
            (STAGING_VARIABLE, staging),
            (ATTEMPTS_VARIABLE, attempts.as_str()),
            ("FIRESTEEL_MASTER", "yarn"),
        ];
        let given = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pair = |(name, value): (&str, &str)| StringStringMap {
            key: Some(name.into()),
            value: Some(for_double_quotes(value)),
        };
        let program = match &self.start {
            Start::Sent(_) => format!("./{PROGRAM}"),
            Start::Interpreter(name) => quoted(name),
        };
        let arguments: String =
            self.arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
        let line = format!(
            "export FIRESTEEL_SETTINGS=\"$(cat {SETTINGS})\" HADOOP_CONF_DIR=\"$PWD/{CONFIGURATION}\"; \
             exec {program}{arguments} 0</dev/null 1>{LOGS}/stdout 2>{LOGS}/stderr"
        );
        ContainerLaunchContext {
            local_resources,
            environment: given.chain(own).map(pair).collect(),
            command: vec![for_double_quotes(&line)],
            ..ContainerLaunchContext::default()
        }
    }
}

/// Returns the files of the cluster's configuration that are there, by their names.
fn configurations(place: &Place) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let files = CONFIGURATIONS.map(|name| (name, place.configuration.directory().join(name)));
    files.into_iter().filter(|(_, file)| file.is_file())
}

/// Returns what a program of this machine would ask YARN for, with executors that a command starts, as text without what is
/// secret; `program` is the file that is sent, if one is, and `size` each executor's memory, in bytes, and cores. Nobody is asked.
///
/// # Errors
/// When there is no place for the files of containers.
pub fn client_dry_run(
    place: &Place,
    labels: &Labels,
    command: &AgentCommand,
    program: Option<&Path>,
    size: (u64, u32),
) -> Result<String, YarnError> {
    let staging = staging::path(&staging::home(place)?, "APPLICATION");
    let mut files = vec![format!("{}: (not shown)", launch::CONFIGURATION)];
    files.extend(program.map(|program| format!("{PROGRAM}: {}", program.display())));
    files.push(format!("(they are put into {staging})"));
    let sent = StringLocalResourceMap { key: Some(PROGRAM.into()), value: None };
    let context = launch::context(command, program.map(|_| sent).into_iter().collect());
    let size = format!("{} MiB, {} cores", size.0.div_ceil(MIB), size.1);
    Ok(labels.described(&context, "each executor", &size, &files))
}

fn plain_name(file: &Path) -> Result<String, YarnError> {
    let name = file.file_name().and_then(|name| name.to_str());
    name.map(String::from).ok_or_else(|| YarnError::Configuration {
        what: format!("{} has no plain name", file.display()),
        remedy: "name files, and not directories".into(),
    })
}

impl Submitted {
    /// Returns the application's name.
    pub fn name(&self) -> String {
        application_name(&self.id)
    }

    /// Leaves the application to itself: its program removes its files.
    pub fn leave(mut self) {
        if let Some(files) = self.files.take() {
            files.keep();
        }
    }

    /// Waits until the application is over, and tells of each state that it comes to; returns the last report. Its files are
    /// removed then.
    ///
    /// # Errors
    /// When the conversation fails.
    pub fn wait(mut self, mut tell: impl FnMut(&ApplicationReport)) -> Result<ApplicationReport, YarnError> {
        let mut last = "";
        loop {
            let report = match self.client.report(&self.id) {
                Ok(report) => report,
                Err(error) => {
                    // It goes on, and needs its files.
                    self.leave();
                    return Err(error);
                }
            };
            if report.state() != last {
                last = report.state();
                tell(&report);
            }
            if report.is_over() {
                return Ok(report);
            }
            thread::sleep(POLL);
        }
    }
}

/// Returns what YARN knows of an application, by its name.
///
/// # Errors
/// When the cluster cannot be reached, or knows no such application.
pub fn report(place: &Place, name: &str) -> Result<ApplicationReport, YarnError> {
    Applications::connect(&place.configuration.resource_managers()?, &place.user)?
        .report(&application_of(name)?)
}

/// Kills an application, by its name. Returns the report of one that had ended before; it stays as it is.
///
/// # Errors
/// When the cluster cannot be reached, knows no such application, or the user may not.
pub fn kill(place: &Place, name: &str) -> Result<Option<ApplicationReport>, YarnError> {
    let id = application_of(name)?;
    let mut client = Applications::connect(&place.configuration.resource_managers()?, &place.user)?;
    let report = client.report(&id)?;
    if report.is_over() {
        return Ok(Some(report));
    }
    client.kill(&id, "killed by `firesteel submit --kill`").map(|()| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(files: &[&str]) -> Program {
        Program {
            start: Start::Interpreter("python3".into()),
            arguments: vec!["it's.py".into()],
            environment: vec![("A".into(), "$b".into())],
            settings: "{}".into(),
            files: files.iter().map(PathBuf::from).collect(),
            cores: 1,
            memory: 300 * MIB,
            attempts: 1,
        }
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let named = program(&["/a/core-site.xml", "/a/x.json"]);
        let named: Vec<String> = named.named_files().unwrap().into_keys().collect();
        assert_eq!(named, ["core-site.xml", "x.json"]);
        for files in [["/a/x.json", "/b/x.json"], ["/a/x.json", "/a/firesteel-settings.json"]] {
            let error = program(&files).named_files().unwrap_err().to_string();
            assert!(error.contains(files[1]) && error.contains("another name"), "{error}");
        }
    }

    #[test]
    fn an_interpreter_is_run_with_arguments_as_they_are() {
        let context = program(&[]).context(vec![], "application_1_2", "/staging", 3);
        assert!(
            context.command[0].contains(r"exec 'python3' 'it'\\''s.py' 0</dev/null"),
            "{}",
            context.command[0]
        );
        let value = |name: &str| {
            context.environment.iter().find(|pair| pair.key.as_deref() == Some(name)).unwrap().value.clone()
        };
        assert_eq!(value("A").as_deref(), Some("\\$b"));
        assert_eq!(value("FIRESTEEL_MASTER").as_deref(), Some("yarn"));
        assert_eq!(value("FIRESTEEL_YARN_ATTEMPTS").as_deref(), Some("3"));
    }
}
