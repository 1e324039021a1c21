//! Job scripts, as `sbatch` reads them: of an executor, and of a whole program in cluster mode.

use super::{DIRECTORY_VARIABLE, NAME_VARIABLE};
use crate::agents::{AGENT_VARIABLE, AgentCommand};
use crate::sizes::overhead_of;
use firesteel_conf as conf;
use firesteel_conf::{Conf, ConfError};
use firesteel_lending::Shape;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The wishes of a job, and of Slurm's administrators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobOptions {
    /// The name of the jobs.
    pub name: String,
    /// The partition; empty for Slurm's default. So are the next three.
    pub partition: String,
    /// The account that is charged.
    pub account: String,
    /// The quality of service.
    pub qos: String,
    /// The time limit, in one of Slurm's notations.
    pub time: String,
    /// Further options of `sbatch`, one each.
    pub more: Vec<String>,
    /// False where the site refuses requests for memory.
    pub asks_for_memory: bool,
    /// The memory that a process takes beyond an executor's, in bytes.
    pub overhead: u64,
    /// The time before the time limit at which executors are told.
    pub notice: Duration,
}

impl JobOptions {
    /// Reads the options from an application's settings.
    ///
    /// # Errors
    /// When one has a value that it cannot have.
    pub fn of(conf: &Conf) -> Result<JobOptions, ConfError> {
        Ok(JobOptions {
            name: conf.get(&conf::APP_NAME)?,
            partition: conf.get(&conf::SLURM_PARTITION)?,
            account: conf.get(&conf::SLURM_ACCOUNT)?,
            qos: conf.get(&conf::SLURM_QOS)?,
            time: conf.get(&conf::SLURM_TIME)?,
            more: conf.get(&conf::SLURM_OPTIONS)?.split_whitespace().map(String::from).collect(),
            asks_for_memory: conf.get(&conf::SLURM_REQUEST_MEMORY)?,
            overhead: overhead_of(conf)?,
            notice: Duration::from_millis(conf.get(&conf::SLURM_NOTICE_MS)?),
        })
    }

    /// Returns the nodes on which no job is to start: these, and those that the options themselves exclude.
    pub(super) fn excluded_with(&self, avoided: &BTreeSet<String>) -> String {
        let own = self.more.iter().filter_map(|option| option.strip_prefix("--exclude="));
        own.chain(avoided.iter().map(String::as_str)).collect::<Vec<_>>().join(",")
    }

    /// Returns the lines that begin a script: one `#SBATCH` for each option.
    fn head(&self, tasks: &[String], shape: &Shape, avoided: &BTreeSet<String>) -> String {
        let mut options = vec![format!("--job-name=\"{}\"", plain(&self.name))];
        options.extend(tasks.iter().cloned());
        options.push(format!("--cpus-per-task={}", shape.cores));
        if self.asks_for_memory {
            options.push(format!("--mem={}M", (shape.memory + self.overhead).div_ceil(1 << 20)));
        }
        let named = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("qos", &self.qos),
            ("time", &self.time),
        ];
        let named = named.into_iter().filter(|(_, value)| !value.is_empty());
        options.extend(named.map(|(name, value)| format!("--{name}={value}")));
        // To the steps alone, which are the executors.
        options.push(format!("--signal=TERM@{}", self.notice.as_secs().max(1)));
        options.extend(self.more.iter().cloned());
        if !avoided.is_empty() {
            // The last one counts.
            options.push(format!("--exclude={}", self.excluded_with(avoided)));
        }
        let lines = options.iter().map(|option| format!("#SBATCH {option}\n"));
        format!("#!/bin/bash\n{}", lines.collect::<String>())
    }
}

/// Returns the script of a job that is one executor.
///
/// Its shell outlives the executor, whatever ends that, and removes its files.
pub fn executor_script(
    options: &JobOptions,
    shape: &Shape,
    command: &AgentCommand,
    staging: &Path,
    avoided: &BTreeSet<String>,
) -> String {
    let quoted = |path: &Path| quote(&path.to_string_lossy());
    let tasks = [
        "--ntasks=1".to_string(),
        "--no-requeue".to_string(),
        format!("--output={}", staging.join("%j.out").display()),
        format!("--error={}", staging.join("%j.err").display()),
    ];
    let variables =
        command.environment.iter().map(|(name, value)| format!("export {name}={}\n", quote(value)));
    let words = command.arguments.iter().map(|word| format!(" {}", quote(word)));
    format!(
        "{head}\
         export {AGENT_VARIABLE}={config}\n\
         export {NAME_VARIABLE}=slurm-$SLURM_JOB_ID\n\
         export {DIRECTORY_VARIABLE}=\"${{TMPDIR:-/tmp}}/firesteel-slurm-$SLURM_JOB_ID\"\n\
         {variables}\
         # The executor is told, too, and has time to hand over what it holds.\n\
         trap : TERM\n\
         {sweep}\n\
         srun --export=ALL --ntasks=1 --cpus-per-task={cores} {program}{words} &\n\
         wait $!\n\
         code=$?\n\
         while kill -0 $! 2>/dev/null; do wait $!; code=$?; done\n\
         {remove}\n\
         exit $code\n",
        head = options.head(&tasks, shape, avoided),
        config = quoted(&staging.join(super::staging::CONFIG)),
        variables = variables.collect::<String>(),
        cores = shape.cores,
        sweep = super::SWEEP,
        remove = super::REMOVE,
        program = quoted(&command.program),
        words = words.collect::<String>(),
    )
}

/// Returns the script of a job that runs a whole program, with executors on `nodes` nodes of this size.
pub fn driver_script(options: &JobOptions, nodes: u32, shape: &Shape, command: &AgentCommand) -> String {
    let tasks = [format!("--nodes={nodes}"), "--ntasks-per-node=1".to_string()];
    let variables =
        command.environment.iter().map(|(name, value)| format!("export {name}={}\n", quote(value)));
    let words = command.arguments.iter().map(|word| format!(" {}", quote(word)));
    format!(
        "{}{}exec {}{}\n",
        options.head(&tasks, shape, &BTreeSet::new()),
        variables.collect::<String>(),
        quote(&command.program.to_string_lossy()),
        words.collect::<String>()
    )
}

/// Returns a name without what ends a word or a line of options.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || c == '"' || c == '\\' { ' ' } else { c }).collect()
}

/// Returns a word as a shell reads it, whatever is in it.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { cores: 4, memory: 2 << 30 };

    fn command() -> AgentCommand {
        AgentCommand {
            program: "/opt/my app/count".into(),
            arguments: vec!["it's".into()],
            environment: vec![("A".into(), "$HOME `x`".into())],
        }
    }

    #[test]
    fn an_executors_script_asks_for_its_size_and_quotes_all_that_is_not_its_own() {
        let options = JobOptions {
            name: "word\n\"count\"".into(),
            account: "physics".into(),
            time: "1:00:00".into(),
            more: vec!["--constraint=avx2".into()],
            asks_for_memory: true,
            overhead: 384 << 20,
            notice: Duration::from_secs(60),
            ..JobOptions::default()
        };
        let script = executor_script(
            &options,
            &SHAPE,
            &command(),
            Path::new("/home/a/.firesteel/7"),
            &BTreeSet::new(),
        );
        let lines: Vec<&str> = script.lines().collect();
        assert_eq!(lines[0], "#!/bin/bash");
        let wanted = [
            "#SBATCH --job-name=\"word  count \"",
            "#SBATCH --cpus-per-task=4",
            "#SBATCH --mem=2432M",
            "#SBATCH --account=physics",
            "#SBATCH --time=1:00:00",
            "#SBATCH --signal=TERM@60",
            "#SBATCH --constraint=avx2",
            "#SBATCH --output=/home/a/.firesteel/7/%j.out",
            "export FIRESTEEL_AGENT='/home/a/.firesteel/7/agent.json'",
            "export A='$HOME `x`'",
            "srun --export=ALL --ntasks=1 --cpus-per-task=4 '/opt/my app/count' 'it'\\''s' &",
        ];
        for line in wanted {
            assert!(lines.contains(&line), "{line} is not in\n{script}");
        }
        assert!(!script.contains("partition") && !script.contains("qos"), "what is not set is left to Slurm");
        let last_option = lines.iter().rposition(|line| line.starts_with("#SBATCH")).unwrap();
        assert!(
            lines[1..last_option].iter().all(|line| line.starts_with("#SBATCH")),
            "sbatch stops reading there"
        );
        let plain =
            executor_script(&JobOptions::default(), &SHAPE, &command(), Path::new("/s"), &BTreeSet::new());
        assert!(!plain.contains("--mem"), "some sites refuse it");
        assert!(!plain.contains("--exclude"));
    }

    #[test]
    fn a_job_removes_what_killed_ones_have_left_and_nothing_of_the_living() {
        let place = tempfile::tempdir().unwrap();
        let made = |name: &str| place.path().join(format!("firesteel-slurm-{name}"));
        for name in ["1", "2", "other"] {
            std::fs::create_dir(made(name)).unwrap();
        }
        for name in ["1.lock", "2.lock"] {
            std::fs::write(made(name), "").unwrap();
        }
        let shell = |script: &str, own: &str| {
            let mut command = std::process::Command::new("bash");
            command.args(["-c", script]).env("FIRESTEEL_DIRECTORY", made(own));
            command
        };
        // The second one's shell lives until its input ends.
        let living = format!("exec 9<{}; flock -n 9; echo; cat", made("2.lock").display());
        let mut living = shell(&living, "2")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut began = [0];
        std::io::Read::read_exact(living.stdout.as_mut().unwrap(), &mut began).unwrap();
        let sweep = format!("{}\ntest -e \"$FIRESTEEL_DIRECTORY.lock\"", crate::slurm::SWEEP);
        assert!(shell(&sweep, "3").status().unwrap().success(), "it announces its own");
        assert!(!made("1").exists() && !made("1.lock").exists());
        assert!(made("2").exists() && made("2.lock").exists(), "its job runs");
        assert!(made("other").exists(), "nothing says that it is nobody's");
        drop(living.stdin.take());
        living.wait().unwrap();
        assert!(
            shell(&format!("{}\n{}", crate::slurm::SWEEP, crate::slurm::REMOVE), "4")
                .status()
                .unwrap()
                .success()
        );
        assert!(!made("2").exists() && !made("3.lock").exists() && !made("4.lock").exists());
    }

    #[test]
    fn nodes_to_avoid_are_excluded_beside_those_of_the_options() {
        let options = JobOptions { more: vec!["--exclude=n[7-9]".into()], ..JobOptions::default() };
        let avoided = ["n1".to_string(), "n2".to_string()].into();
        let script = executor_script(&options, &SHAPE, &command(), Path::new("/s"), &avoided);
        let excluded: Vec<&str> = script.lines().filter(|line| line.contains("--exclude")).collect();
        assert_eq!(excluded.last(), Some(&"#SBATCH --exclude=n[7-9],n1,n2"), "the last one counts");
    }

    #[test]
    fn a_programs_script_runs_it_in_an_allocation_of_all_its_executors() {
        let options = JobOptions { name: "count".into(), ..JobOptions::default() };
        let script = driver_script(&options, 3, &SHAPE, &command());
        assert!(script.contains("#SBATCH --nodes=3\n") && script.contains("#SBATCH --ntasks-per-node=1\n"));
        assert!(script.ends_with("export A='$HOME `x`'\nexec '/opt/my app/count' 'it'\\''s'\n"), "{script}");
    }
}
