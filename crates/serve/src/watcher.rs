//! The versions of one model, followed on disk by a thread of its own.
//!
//! A new version is loaded and warmed while the old ones answer, then all are exchanged at once. A version is unloaded
//! only when another one that should be there is; so a version that cannot be loaded, or a folder that was emptied,
//! leaves what there is in place. Whoever is being asked still when its version is exchanged keeps it until it has
//! answered; then the memory goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use base::{BoxError, Digest};
use serde_json::json;

use crate::config::{ModelConfig, VersionPolicy};
use crate::entry::{Entry, Stage, VersionState, Versions};
use crate::failure::{Code, Failure};
use crate::inputs::RowLimits;
use crate::loader::Loader;
use crate::log::{Level, Log};
use crate::memory;
use crate::version::Version;
use crate::warm_up;

/// How often a version that cannot be loaded is tried, and how long after the last time.
const MAX_TRIES: u32 = 6;
const BETWEEN_TRIES: Duration = Duration::from_secs(60);

/// How often it is looked whether a version that was exchanged is still in use.
const WHILE_LEAVING: Duration = Duration::from_millis(20);

/// How many rows a request of a warm-up file may have.
const MAX_WARM_UP_ROWS: usize = 1_000_000;

/// How many versions that are gone are still told of.
const MAX_ENDED: usize = 16;

/// What a watcher is told: to look at once, by another configuration if there is one, and to say when it has.
pub(crate) struct Order {
    pub(crate) change: Option<Change>,
    pub(crate) done: Sender<()>,
}

/// What the configuration of a model becomes while it is followed.
pub(crate) struct Change {
    pub(crate) policy: VersionPolicy,
    pub(crate) labels: BTreeMap<String, u64>,
}

/// Follows one model.
pub(crate) struct Watcher {
    pub(crate) entry: Arc<Entry>,
    pub(crate) config: ModelConfig,
    pub(crate) loader: Arc<dyn Loader>,
    pub(crate) log: Arc<Log>,
    pub(crate) poll: Option<Duration>,
    known: BTreeMap<u64, Known>,
    was_readable: bool,
    had_versions: bool,
    /// Names of versions, as they were last read beside them.
    aliases: BTreeMap<String, u64>,
    were_aliases_readable: bool,
}

/// A version that was seen.
enum Known {
    Loading,
    Serving(Arc<Version>),
    /// Exchanged, and maybe still in use.
    Leaving(Arc<Version>),
    Failed {
        failure: Failure,
        tries: u32,
        last_try: Instant,
        looks: Digest,
    },
    Ended,
}

impl Watcher {
    pub(crate) fn new(
        entry: Arc<Entry>,
        config: ModelConfig,
        loader: Arc<dyn Loader>,
        log: Arc<Log>,
        poll: Option<Duration>,
    ) -> Self {
        Self {
            entry,
            config,
            loader,
            log,
            poll,
            known: BTreeMap::new(),
            was_readable: true,
            had_versions: true,
            aliases: BTreeMap::new(),
            were_aliases_readable: true,
        }
    }

    /// Follows the model until nobody can give orders any more.
    pub(crate) fn watch(mut self, orders: &Receiver<Order>) {
        let mut next_look = Some(Instant::now());
        loop {
            if next_look.is_some_and(|look| look <= Instant::now()) {
                self.look();
                next_look = self.poll.map(|poll| Instant::now() + poll);
            }
            let is_leaving = self.let_go();
            let mut wait = next_look.map_or(Duration::from_secs(3600), |look| {
                look.saturating_duration_since(Instant::now())
            });
            if is_leaving {
                wait = wait.min(WHILE_LEAVING);
            }
            match orders.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(Order { change, done }) => {
                    if let Some(Change { policy, labels }) = change {
                        self.config.policy = policy;
                        self.config.labels = labels;
                        self.publish();
                    }
                    self.look();
                    next_look = self.poll.map(|poll| Instant::now() + poll);
                    // Who no longer waits need not know.
                    let _ = done.send(());
                }
            }
        }
    }

    /// Looks at the folder once, and loads and exchanges what has to be.
    fn look(&mut self) {
        self.read_aliases();
        let found = match versions(&self.config.dir, self.loader.as_ref()) {
            Ok(found) => found,
            Err(error) => {
                // What is there goes on; it is said once until it can be read again.
                if std::mem::take(&mut self.was_readable) {
                    self.log.failed("folder_unreadable", &self.entry.name, &BoxError::from(error));
                }
                return;
            }
        };
        self.was_readable = true;
        let had_versions = std::mem::replace(&mut self.had_versions, !found.is_empty());
        if found.is_empty() && had_versions {
            // It may be the wrong folder, or one that is filled later: whoever reads the log can tell.
            let about = json!({
                "model": self.entry.name,
                "dir": self.config.dir,
                "error": "found no version, expected folders named by numbers, each with the file `READY` that a push ends with",
            });
            self.log.say(Level::Warning, "no_versions", about);
        }
        let mut found: Vec<(u64, PathBuf)> = found;
        found.dedup_by_key(|(number, _)| *number);
        let numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
        let mut wanted: BTreeSet<u64> = self.config.policy.select(&numbers).into_iter().collect();
        if !matches!(self.config.policy, VersionPolicy::Specific(_)) {
            // Whoever asks for a version by its name is answered by it, however old it is.
            wanted.extend(self.aliases.values().filter(|number| numbers.contains(number)));
        }

        // The newest first: it is the one that clients wait for.
        for (number, dir) in found.iter().rev().filter(|(number, _)| wanted.contains(number)) {
            if self.is_due(*number, dir) {
                self.load(*number, dir);
            }
        }

        let is_serving = |number: &&u64| matches!(self.known.get(number), Some(Known::Serving(_)));
        let num_serving = wanted.iter().filter(is_serving).count();
        if num_serving > 0 {
            let unwanted = |number: &&u64| is_serving(number) && !wanted.contains(number);
            let unwanted = self.known.keys().rev().filter(unwanted).copied();
            // In the place of one that cannot be loaded, the newest of those before it goes on.
            let leaving: Vec<u64> = unwanted.skip(wanted.len() - num_serving).collect();
            for number in leaving {
                if let Some(Known::Serving(version)) = self.known.remove(&number) {
                    self.known.insert(number, Known::Leaving(version));
                }
            }
        }
        // What failed and was taken away is not told of any more.
        self.known.retain(|number, known| {
            numbers.contains(number) || !matches!(known, Known::Failed { .. })
        });
        self.publish();
    }

    /// Reads the names of versions; what cannot be read is said once, and stays as it was.
    fn read_aliases(&mut self) {
        match push::aliases(&self.config.dir) {
            Ok(aliases) => {
                self.aliases = aliases;
                self.were_aliases_readable = true;
            }
            Err(error) => {
                if std::mem::take(&mut self.were_aliases_readable) {
                    self.log.failed("aliases_unreadable", &self.entry.name, &BoxError::from(error));
                }
            }
        }
    }

    fn is_due(&self, number: u64, dir: &Path) -> bool {
        match self.known.get(&number) {
            None | Some(Known::Ended) => true,
            Some(Known::Loading | Known::Serving(_) | Known::Leaving(_)) => false,
            Some(Known::Failed { tries, last_try, looks: seen, .. }) => {
                let is_changed = looks(dir) != *seen;
                is_changed || (*tries < MAX_TRIES && last_try.elapsed() >= BETWEEN_TRIES)
            }
        }
    }

    fn load(&mut self, number: u64, dir: &Path) {
        let seen = looks(dir);
        let tries = match self.known.insert(number, Known::Loading) {
            Some(Known::Failed { tries, looks: before, .. }) if before == seen => tries,
            _ => 0,
        };
        self.publish();
        let start = Instant::now();
        let model = &self.entry.name;
        match self.try_load(number, dir) {
            Ok((version, num_requests)) => {
                let took = start.elapsed();
                self.entry.metrics.loading.observe(took);
                let about = json!({
                    "model": model,
                    "version": number,
                    "seconds": took.as_secs_f64(),
                    "row_microseconds": version.row_cost().as_secs_f64() * 1e6,
                    "warm_up_requests": num_requests,
                });
                self.log.say(Level::Info, "version_available", about);
                self.known.insert(number, Known::Serving(Arc::new(version)));
            }
            Err(failure) => {
                self.entry.metrics.load_failures.fetch_add(1, Ordering::Relaxed);
                let about = json!({ "model": model, "version": number, "error": failure.message });
                self.log.say(Level::Error, "version_failed", about);
                let last_try = Instant::now();
                let failed = Known::Failed { failure, tries: tries + 1, last_try, looks: seen };
                self.known.insert(number, failed);
            }
        }
        // Before the next is loaded, which may take its time.
        self.publish();
    }

    /// Returns a version that may answer, and how many requests of its own it has answered.
    fn try_load(&self, number: u64, dir: &Path) -> Result<(Version, u64), Failure> {
        // A copy that is not finished yet has files that its marker says otherwise of.
        let failed = |error: BoxError| Failure::new(Code::FailedPrecondition, error.to_string());
        // What was never pushed has no marker.
        if dir != self.config.dir || !self.loader.is_bare(dir) || dir.join(push::READY).is_file() {
            push::verify(dir).map_err(|error| failed(error.into()))?;
        }
        let load = || self.loader.load(dir);
        let loaded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(load));
        let panicked = |_| Failure::new(Code::Internal, "loading panicked; please report it");
        let loaded = loaded.map_err(panicked)?.map_err(failed)?;
        let metrics = Arc::clone(&self.entry.metrics);
        let version = Version::warm(number, loaded, &self.config.batching, metrics)?;
        // What comes with a version is its owner's; only what requests cost in memory is bounded.
        let num_requests =
            warm_up::replay(dir, &version, &RowLimits { max_rows: MAX_WARM_UP_ROWS })?;
        Ok((version, num_requests))
    }

    /// Lets go of versions that nobody uses any more; returns whether some are left.
    fn let_go(&mut self) -> bool {
        let free = |known: &Known| match known {
            // Nobody can get hold of it any more: it is not among the versions that are published.
            Known::Leaving(version) => Arc::strong_count(version) == 1,
            _ => false,
        };
        let free: Vec<u64> =
            self.known.iter().filter(|(_, known)| free(known)).map(|(number, _)| *number).collect();
        if !free.is_empty() {
            for number in free {
                self.known.insert(number, Known::Ended);
                let about = json!({ "model": self.entry.name, "version": number });
                self.log.say(Level::Info, "version_unloaded", about);
            }
            memory::give_back();
            self.publish();
        }
        self.known.values().any(|known| matches!(known, Known::Leaving(_)))
    }

    /// Makes what is known here what requests see.
    fn publish(&mut self) {
        let is_ended = |known: &Known| matches!(known, Known::Ended);
        while self.known.values().filter(|known| is_ended(known)).count() > MAX_ENDED {
            let oldest = self.known.iter().find(|(_, known)| is_ended(known));
            let Some(oldest) = oldest.map(|(number, _)| *number) else { break };
            self.known.remove(&oldest);
        }
        // What the configuration says comes before what is found.
        let labels = self.aliases.iter().chain(&self.config.labels);
        let labels = labels.map(|(name, number)| (name.clone(), *number)).collect();
        let mut versions = Versions { labels, ..Versions::default() };
        for (&number, known) in &self.known {
            let (stage, failure) = match known {
                Known::Loading => (Stage::Loading, None),
                Known::Serving(version) => {
                    let features = version.inputs.features().iter();
                    versions.features.extend(features.map(|feature| feature.name.clone()));
                    versions.serving.push(Arc::clone(version));
                    (Stage::Available, None)
                }
                Known::Leaving(_) => (Stage::Unloading, None),
                Known::Failed { failure, .. } => (Stage::End, Some(failure.clone())),
                Known::Ended => (Stage::End, None),
            };
            versions.states.push(VersionState { number, stage, failure });
        }
        versions.states.reverse();
        self.entry.versions.store(Arc::new(versions));
        self.entry.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Returns the versions of a folder; of one that is a version itself, that one, as version 1.
fn versions(dir: &Path, loader: &dyn Loader) -> Result<Vec<(u64, PathBuf)>, push::PushError> {
    match dir.join(push::READY).is_file() || loader.is_bare(dir) {
        true => Ok(vec![(1, dir.to_path_buf())]),
        false => push::versions(dir),
    }
}

/// Returns what a folder looks like from outside: the names, sizes and times of all that is in it. A copy that is not
/// finished looks different a moment later.
fn looks(dir: &Path) -> Digest {
    fn add(dir: &Path, seen: &mut Vec<u8>) {
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            seen.extend_from_slice(path.as_os_str().as_encoded_bytes());
            let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
            seen.extend_from_slice(&metadata.len().to_le_bytes());
            seen.extend_from_slice(format!("{:?}", metadata.modified().ok()).as_bytes());
            if metadata.is_dir() {
                add(&path, seen);
            }
        }
    }
    let mut seen = Vec::new();
    add(dir, &mut seen);
    Digest::of(&seen)
}
