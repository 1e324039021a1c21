//! The checks between a driver and its executors, one function each.

use crate::stages;
use closure_matrix::Checked;
use closure_matrix::chain::Stage;
use closure_matrix::remote::{Answer, Remote, Request, check_here, encode};
use firesteel_closures::executable_hash;
use firesteel_data::block::encode_value;
use firesteel_plan::{Environment, StagePlan};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Leads to the file that runs, whatever stands at its path by now.
const ITSELF: &str = "/proc/self/exe";

/// How many executors each stage is sent to.
const EXECUTORS: usize = 3;

/// Gives a remark on what was done.
type Check = fn() -> Checked<String>;

/// Makes every check.
pub fn all() -> Checked {
    const CHECKS: &[(&str, Check)] = &[
        ("every closure runs elsewhere", every_closure_runs_elsewhere),
        ("twins are told apart", twins_are_told_apart),
        ("a panic is one task's", a_panic_is_one_tasks),
        ("another program is refused", another_program_is_refused),
        ("garbage is refused", garbage_is_refused),
        ("the program is replaced on disk", the_program_is_replaced_on_disk),
        ("closures of a plugin", closures_of_a_plugin),
        ("a plugin is replaced on disk", a_plugin_is_replaced_on_disk),
    ];
    for (name, check) in CHECKS {
        let note = check().map_err(|why| format!("{name}: {why}"))?;
        println!("  {name}: {note}");
    }
    Ok(())
}

fn executor() -> Checked<Remote> {
    Remote::start(Command::new(ITSELF).arg("executor"))
}

fn every_closure_runs_elsewhere() -> Checked<String> {
    let stages = stages::all();
    let mut executors = (0..EXECUTORS).map(|_| executor()).collect::<Checked<Vec<_>>>()?;
    let own = executable_hash().map_err(|e| e.to_string())?;
    for stage in &stages {
        check_here(stage)?;
        executors.iter_mut().try_for_each(|executor| executor.check(stage))?;
    }
    let addresses: BTreeSet<u64> = executors.iter().map(|executor| executor.address).collect();
    if executors.iter().any(|executor| executor.hash != own) {
        return Err("an executor has another hash".into());
    }
    let layouts = match (addresses.len(), layouts_vary()) {
        (1, true) => return Err("all executors have one address-space layout: nothing was tested".into()),
        (1, false) => {
            "one address-space layout (NOT TESTED with several: this machine does not vary them)".into()
        }
        (several, _) => format!("{several} address-space layouts"),
    };
    Ok(format!("{} stages, {EXECUTORS} executors, {layouts}", stages.len()))
}

/// Whether the kernel gives each process addresses of its own.
fn layouts_vary() -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let no_randomize =
        u64::from_str_radix(read("/proc/self/personality").trim(), 16).unwrap_or(0) & 0x0004_0000 != 0;
    read("/proc/sys/kernel/randomize_va_space").trim() != "0" && !no_randomize
}

fn twins_are_told_apart() -> Checked<String> {
    let twins = stages::twins();
    let mut types = BTreeSet::new();
    for twin in &twins {
        let plan = twin.plan().map_err(|e| e.to_string())?;
        types.insert(plan.nodes[1].code.type_hash);
    }
    let places: BTreeSet<usize> = twins.iter().map(|twin| twin.code_addresses()[1]).collect();
    match types.len() {
        stages::TWINS => Ok(format!("{} types in {} places", types.len(), places.len())),
        fewer => Err(format!("{} closures have {fewer} types", stages::TWINS)),
    }
}

fn a_panic_is_one_tasks() -> Checked<String> {
    if cfg!(panic = "abort") {
        return Ok("NOT TESTED, a panic ends this build".into());
    }
    let mut executor = executor()?;
    let stage = stages::panicking();
    let answer = executor.ask(&Request { partition: Some(0), plan: encode(&stage)? })?;
    match answer {
        Answer::Failed(text) if text.contains("divide by zero") && text.contains("stages.rs:") => {}
        other => return Err(format!("{other:?}")),
    }
    stages::all().iter().take(1).try_for_each(|stage| executor.check(stage))?;
    Ok("and the executor goes on".into())
}

/// Beside this program lies one with the same closures, which was built from nearly the same source.
fn another_program_is_refused() -> Checked<String> {
    let mut stranger = Remote::start(&mut Command::new(beside_this("stranger")?))?;
    let own = executable_hash().map_err(|e| e.to_string())?;
    for stage in closure_matrix::elsewhere::stages() {
        let answer = stranger.ask(&Request { partition: Some(0), plan: encode(&stage)? })?;
        match answer {
            Answer::Refused(text)
                if text.contains(&own.to_string()) && text.contains(&stranger.hash.to_string()) => {}
            other => return Err(format!("{other:?} does not name {own} and {}", stranger.hash)),
        }
    }
    Ok("with both hashes".into())
}

fn garbage_is_refused() -> Checked<String> {
    let mut executor = executor()?;
    let stage = stages::all().pop().expect("there are stages");
    let good = stage.plan().map_err(|e| e.to_string())?;
    let bytes = good.encode();
    let mut asked = 0;
    let mut ask = |plan: Vec<u8>| {
        asked += 1;
        executor.ask(&Request { partition: None, plan })
    };
    if ask(bytes.clone())? != Answer::Decoded {
        return Err("the good plan was refused".into());
    }
    for garbage in [vec![], vec![0; 64], vec![0xff; 4096], b"FSPL\x01".to_vec(), pseudorandom(4096)] {
        refused(ask(garbage)?, "garbage")?;
    }
    for length in 0..bytes.len() {
        refused(ask(bytes[..length].to_vec())?, "a plan that was cut short")?;
    }
    for plan in wrong_plans(&good) {
        refused(ask(plan.encode())?, "a wrong plan")?;
    }
    // Some changes make another plan that is none the worse (a line number, say): here it only must not crash.
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            ask(changed)?;
        }
    }
    executor.check(&stage)?;
    Ok(format!("{asked} plans"))
}

fn refused(answer: Answer, what: &str) -> Checked {
    match answer {
        Answer::Refused(_) => Ok(()),
        other => Err(format!("{what} was not refused: {other:?}")),
    }
}

/// Plans that are well formed and name the wrong code.
fn wrong_plans(good: &StagePlan) -> Vec<StagePlan> {
    let last = good.nodes.len() - 1;
    let changed = |change: &dyn Fn(&mut StagePlan)| {
        let mut plan = good.clone();
        change(&mut plan);
        plan
    };
    let environment = encode_value(&vec![7u64; 9]).expect("numbers can be encoded");
    let mut wrong: Vec<StagePlan> = [1, 8, 24, 4096, u64::MAX / 2, u64::MAX]
        .iter()
        .map(|by| changed(&|plan| plan.nodes[1].code.offset = plan.nodes[1].code.offset.wrapping_add(*by)))
        .collect();
    wrong.extend([
        changed(&|plan| plan.objects[0][0] ^= 1),
        changed(&|plan| plan.nodes[1].code.type_hash ^= 1),
        changed(&|plan| plan.nodes[1].code = plan.nodes[last].code),
        changed(&|plan| plan.nodes[last].inputs = vec![0]),
        changed(&|plan| plan.nodes[last].inputs = vec![]),
        changed(&|plan| plan.nodes.truncate(last)),
        changed(&|plan| plan.nodes[1].environment = Environment::Inline(environment.as_slice().into())),
    ]);
    wrong
}

/// Bytes without sense, the same each time (xorshift).
fn pseudorandom(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

fn the_program_is_replaced_on_disk() -> Checked<String> {
    let folder = Folder::new("program")?;
    let own = folder.with_copy_of(Path::new(ITSELF), "program")?;
    let other = folder.with_copy_of(&beside_this("stranger")?, "newer")?;
    succeeds(Command::new(&own).arg("replaced").args([&own, &other]))?;
    Ok("executors run the file that the driver runs".into())
}

/// In the program that was copied: has another one put in its place, and goes on.
pub fn replaced_while_it_runs(own: &str, other: &str) -> Checked {
    fs::rename(other, own).map_err(|e| format!("{other} does not take the place of {own}: {e}"))?;
    let mut executor = executor()?;
    stages::all().iter().try_for_each(|stage| executor.check(stage))?;
    // What is at the path now greets with another hash, and refuses.
    let mut stranger = Remote::start(&mut Command::new(own))?;
    let stage: &Stage = &stages::twins()[0];
    refused(stranger.ask(&Request { partition: Some(0), plan: encode(stage)? })?, "a plan for another file")
}

fn closures_of_a_plugin() -> Checked<String> {
    if cfg!(target_env = "musl") {
        return Ok("NOT TESTED, a static program loads no plugin".into());
    }
    let plugin = beside_this("libplugin.so")?;
    succeeds(Command::new(ITSELF).arg("plugin").arg(&plugin).arg("driver"))?;
    Ok("host and plugin in both processes".into())
}

fn a_plugin_is_replaced_on_disk() -> Checked<String> {
    if cfg!(target_env = "musl") {
        return Ok("NOT TESTED, a static program loads no plugin".into());
    }
    let folder = Folder::new("plugin")?;
    for role in ["replaced-unnamed", "replaced-named"] {
        let own = folder.with_copy_of(&beside_this("libplugin.so")?, "libplugin.so")?;
        let newer = folder.with_copy_of(&own, "libplugin-newer.so")?;
        let mut bytes = fs::read(&newer).map_err(|e| e.to_string())?;
        bytes.push(0);
        fs::write(&newer, bytes).map_err(|e| e.to_string())?;
        succeeds(Command::new(ITSELF).arg("plugin").arg(&own).arg(role).arg(&newer))?;
    }
    Ok("refused here if it was not named before, and by executors that load the newer one".into())
}

fn succeeds(command: &mut Command) -> Checked {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

fn beside_this(name: &str) -> Checked<PathBuf> {
    let path = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} was not built", path.display())) }
}

/// A directory that is gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Checked<Self> {
        let path = std::env::temp_dir().join(format!("closure-matrix-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Folder(path))
    }

    fn with_copy_of(&self, file: &Path, name: &str) -> Checked<PathBuf> {
        let copy = self.0.join(name);
        fs::copy(file, &copy).map_err(|e| format!("{} to {}: {e}", file.display(), copy.display()))?;
        Ok(copy)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
