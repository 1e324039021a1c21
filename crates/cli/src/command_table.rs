//! The command table: commands and their options as data, for the command line of the Python package, which has the
//! same ones and adds its own.

use crate::Cli;
use clap::{Arg, ArgAction, CommandFactory};

/// An option of a subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOption {
    /// Its name, without dashes: `driver-memory`.
    pub long: String,
    /// Its letter, where it has one.
    pub short: Option<char>,
    /// The name of its value; none where it has no value.
    pub value: Option<String>,
    /// Its meaning.
    pub help: String,
    /// The only values that it can have; empty where any is allowed.
    pub choices: Vec<String>,
    /// Its value when it is not given.
    pub default: Option<String>,
    /// The variable of the environment that gives it, too.
    pub variable: Option<String>,
    /// Set where it must be given.
    pub is_required: bool,
    /// Set where it may be given several times.
    pub repeats: bool,
}

/// Returns the names of the subcommands, each with its description.
pub fn commands() -> Vec<(String, String)> {
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    Cli::command().get_subcommands().map(|command| (command.get_name().to_string(), about(command))).collect()
}

/// Returns the options of a subcommand, in the order of its help; none where there is no such command.
///
/// ```
/// let options = firesteel_cli::options_of("submit");
/// assert!(options.iter().any(|option| option.long == "executor-memory" && option.value.as_deref() == Some("MEMORY")));
/// ```
pub fn options_of(command: &str) -> Vec<CommandOption> {
    let all = Cli::command();
    let Some(command) = all.find_subcommand(command) else { return vec![] };
    command.get_arguments().filter_map(described).collect()
}

fn described(argument: &Arg) -> Option<CommandOption> {
    let takes_value = argument.get_action().takes_values();
    let name = || argument.get_value_names()?.first().map(ToString::to_string);
    let choices = argument.get_possible_values();
    Some(CommandOption {
        long: argument.get_long()?.to_string(),
        short: argument.get_short(),
        value: takes_value.then(|| name().unwrap_or_else(|| "VALUE".into())),
        help: argument.get_help().map(ToString::to_string).unwrap_or_default(),
        choices: choices.iter().filter(|_| takes_value).map(|choice| choice.get_name().to_string()).collect(),
        default: argument
            .get_default_values()
            .first()
            .filter(|_| takes_value)
            .map(|value| value.to_string_lossy().into_owned()),
        variable: argument.get_env().map(|variable| variable.to_string_lossy().into_owned()),
        is_required: argument.is_required_set(),
        repeats: matches!(argument.get_action(), ArgAction::Append),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(command: &str, long: &str) -> CommandOption {
        options_of(command).into_iter().find(|option| option.long == long).unwrap()
    }

    #[test]
    fn all_that_help_shows_is_in_the_table() {
        let mut all = Cli::command();
        for (name, about) in commands() {
            assert!(!about.is_empty(), "{name} says what it does");
            let help = all.find_subcommand_mut(&name).unwrap().render_long_help().to_string();
            let shown = help.lines().filter_map(|line| {
                let words = line.trim_start();
                let line =
                    words.strip_prefix("--").or_else(|| words.split_once(", --").map(|(_, long)| long))?;
                words.starts_with('-').then(|| line.split([' ', '\n']).next().unwrap_or_default().to_string())
            });
            let shown: Vec<String> = shown.filter(|long| long != "help").collect();
            let known: Vec<String> = options_of(&name).into_iter().map(|option| option.long).collect();
            assert_eq!(known, shown, "{name}");
        }
        assert_eq!(options_of("no such command"), []);
    }

    #[test]
    fn options_are_told_with_all_that_they_have() {
        let cores = option("executor", "cores");
        assert_eq!((cores.short, cores.value.as_deref(), cores.is_required), (Some('c'), Some("N"), false));
        assert!(option("executor", "driver").is_required);
        assert_eq!(option("executor", "memory").default.as_deref(), Some("1g"));
        let insecure = option("submit", "insecure");
        assert_eq!((insecure.value, insecure.variable.as_deref()), (None, Some("FIRESTEEL_INSECURE")));
        assert!(insecure.choices.is_empty() && insecure.default.is_none(), "it has no value");
        assert!(option("submit", "conf").repeats && !option("submit", "name").repeats);
        assert_eq!(option("submit", "deploy-mode").choices, ["client", "cluster"]);
    }
}
