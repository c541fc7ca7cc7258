//! The models that are served, each followed by a thread of its own; and their exchange for others while they answer.
//!
//! A new list of models is taken whole or not at all: models that are new to it are loaded beside those that are there,
//! and only when every one of them answers does the list change, at once for all requests.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use serde_json::json;
use tokio::sync::watch;

use crate::challenger::Challenger;
use crate::completions::Slots;
use crate::config::{ModelConfig, VersionPolicy};
use crate::entry::{Entry, Versions};
use crate::failure::{Code, Failure};
use crate::loader::Loader;
use crate::log::{Level, Log};
use crate::memory;
use crate::metrics::ModelMetrics;
use crate::request_log::RequestLog;
use crate::server::check_names;
use crate::watcher::{Change, Order, Watcher};

/// Models by their names.
pub(crate) type Models = HashMap<String, Arc<Entry>>;

/// How often it is looked whether the wait for a new model is given up.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How long the memory of models that went is waited for.
const WHILE_LEAVING: Duration = Duration::from_secs(5);

/// The models that are served.
pub(crate) struct Registry {
    /// Read by every request.
    models: ArcSwap<Models>,
    /// Changes whenever another version answers, or another model is there.
    changes: Arc<watch::Sender<u64>>,
    followed: Mutex<BTreeMap<String, Followed>>,
    loader: Arc<dyn Loader>,
    log: Arc<Log>,
    poll: Option<Duration>,
}

/// A model, and the thread that looks for its versions.
struct Followed {
    config: ModelConfig,
    entry: Arc<Entry>,
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// A model as a client wants it; what it does not say stays as it is.
pub(crate) struct WantedModel {
    pub(crate) name: String,
    pub(crate) dir: std::path::PathBuf,
    pub(crate) policy: VersionPolicy,
    pub(crate) labels: BTreeMap<String, u64>,
}

impl Registry {
    /// Begins to follow models.
    pub(crate) fn start(
        models: &[ModelConfig],
        loader: Arc<dyn Loader>,
        log: Arc<Log>,
        poll: Option<Duration>,
    ) -> io::Result<Self> {
        let registry = Self {
            models: ArcSwap::default(),
            changes: Arc::new(watch::Sender::new(0)),
            followed: Mutex::default(),
            loader,
            log,
            poll,
        };
        let mut followed = BTreeMap::new();
        for config in models {
            followed.insert(config.name.clone(), registry.follow(config.clone())?);
        }
        registry.publish(&followed);
        *registry.followed.lock().unwrap_or_else(PoisonError::into_inner) = followed;
        Ok(registry)
    }

    /// Returns all models.
    pub(crate) fn load(&self) -> Guard<Arc<Models>> {
        self.models.load()
    }

    /// Returns a model.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.models.load().get(name).map(Arc::clone)
    }

    /// Returns what changes whenever another version answers, or another model is there.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Lets those who wait for changes look.
    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Serves other models, once all that are new answer; until then, and if one does not, those that are there go on.
    /// Blocks. Models that are there already keep their settings but for what is said.
    ///
    /// # Errors
    ///
    /// What is wrong with the list, the version that cannot be loaded, or that the time is over.
    pub(crate) fn replace(
        &self,
        wanted: Vec<WantedModel>,
        deadline: Instant,
        is_given_up: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        check_names(wanted.iter().map(|model| model.name.as_str()).collect())
            .map_err(|error| Failure::invalid(error.to_string()))?;
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: BTreeMap<String, Followed> = BTreeMap::new();
        let mut kept: Vec<&WantedModel> = Vec::new();
        for model in &wanted {
            let before = followed.get(&model.name).map(|followed| &followed.config);
            if before.is_some_and(|before| is_same_dir(&before.dir, &model.dir)) {
                kept.push(model);
                continue;
            }
            let mut config = before.cloned().unwrap_or_else(|| ModelConfig::new("", ""));
            config.name.clone_from(&model.name);
            config.dir.clone_from(&model.dir);
            config.policy = model.policy.clone();
            config.labels = model.labels.clone();
            let started = self.follow(config).map_err(|error| {
                Failure::new(Code::ResourceExhausted, format!("cannot start a thread: {error}"))
            });
            new.insert(model.name.clone(), started?);
        }
        let loaded = new.values().try_for_each(|followed| {
            followed.look(None, deadline, is_given_up)?;
            followed.has_version()
        });
        if let Err(failure) = loaded {
            new.into_values().for_each(Followed::end);
            return Err(failure);
        }

        // From here on, the list is taken.
        let mut left = Vec::new();
        for (name, followed_before) in std::mem::take(&mut *followed) {
            match kept.iter().any(|model| model.name == name) {
                true => drop(followed.insert(name, followed_before)),
                false => left.push(followed_before),
            }
        }
        followed.extend(new);
        self.publish(&followed);
        for model in kept {
            let Some(followed) = followed.get_mut(&model.name) else { continue };
            let (policy, labels) = (model.policy.clone(), model.labels.clone());
            if followed.config.policy != policy || followed.config.labels != labels {
                followed.config.policy = policy.clone();
                followed.config.labels = labels.clone();
                followed.look(Some(Change { policy, labels }), deadline, is_given_up)?;
            }
        }
        let names: Vec<&String> = followed.keys().collect();
        self.log.say(Level::Info, "models_changed", json!({ "models": names }));
        drop(followed);
        let entries: Vec<_> = left.iter().map(|followed| Arc::downgrade(&followed.entry)).collect();
        if !left.is_empty() {
            left.into_iter().for_each(Followed::end);
            let until = Instant::now() + WHILE_LEAVING;
            while entries.iter().any(|entry| entry.strong_count() > 0) && Instant::now() < until {
                thread::sleep(Duration::from_millis(5));
            }
            memory::give_back();
        }
        Ok(())
    }

    /// Ends to look for versions.
    pub(crate) fn end(&self) {
        let followed =
            std::mem::take(&mut *self.followed.lock().unwrap_or_else(PoisonError::into_inner));
        followed.into_values().for_each(Followed::end);
    }

    fn publish(&self, followed: &BTreeMap<String, Followed>) {
        let models = followed.iter().map(|(name, f)| (name.clone(), Arc::clone(&f.entry)));
        self.models.store(Arc::new(models.collect()));
        self.changed();
    }

    fn follow(&self, config: ModelConfig) -> io::Result<Followed> {
        let entry = Arc::new(self.entry(&config)?);
        let (loader, log) = (Arc::clone(&self.loader), Arc::clone(&self.log));
        let watcher = Watcher::new(Arc::clone(&entry), config.clone(), loader, log, self.poll);
        let (orders, given) = channel();
        let thread = thread::Builder::new().name(format!("watch-{}", config.name));
        let thread = thread.spawn(move || watcher.watch(&given))?;
        Ok(Followed { config, entry, orders, thread })
    }

    fn entry(&self, config: &ModelConfig) -> io::Result<Entry> {
        let name = &config.name;
        let metrics = ModelMetrics::new(name);
        let challenger = config.challenger.as_ref().map(|config| {
            Challenger::new(name, config, Arc::clone(&metrics), Arc::clone(&self.log))
        });
        let request_log = config.request_log.as_ref().map(|config| {
            RequestLog::new(name, config, Arc::clone(&metrics), Arc::clone(&self.log))
        });
        Ok(Entry {
            name: name.clone(),
            versions: ArcSwap::from_pointee(Versions {
                labels: config.labels.clone(),
                ..Versions::default()
            }),
            changes: Arc::clone(&self.changes),
            challenger: challenger.transpose()?,
            request_log: request_log.transpose()?,
            slots: Slots::new(&config.completions),
            metrics,
        })
    }
}

impl Followed {
    /// Has the folder looked at, by another configuration if there is one, and waits until what is due is loaded.
    fn look(
        &self,
        change: Option<Change>,
        deadline: Instant,
        is_given_up: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        let name = &self.config.name;
        let ended = || Failure::new(Code::Unavailable, format!("model {name} is not followed"));
        let (done, is_done) = channel();
        self.orders.send(Order { change, done }).map_err(|_| ended())?;
        loop {
            match is_done.recv_timeout(BETWEEN_LOOKS) {
                Ok(()) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= deadline {
                let message = format!("model {name} is still being loaded");
                return Err(Failure::new(Code::DeadlineExceeded, message));
            }
            if is_given_up() {
                return Err(Failure::new(Code::Unavailable, "the server ends"));
            }
        }
    }

    /// Returns nothing where a version answers, otherwise why none does.
    fn has_version(&self) -> Result<(), Failure> {
        let versions = self.entry.versions.load();
        if !versions.serving.is_empty() {
            return Ok(());
        }
        let failed = versions.states.iter().find_map(|s| Some((s.number, s.failure.as_ref()?)));
        let (name, dir) = (&self.config.name, self.config.dir.display());
        let message = match failed {
            Some((number, failure)) => {
                format!("model {name}: version {number} cannot be loaded: {}", failure.message)
            }
            None => format!("model {name}: found no version in {dir}"),
        };
        Err(Failure::new(Code::FailedPrecondition, message))
    }

    fn end(self) {
        drop(self.orders);
        // A watcher does not panic; and if it did, it has ended.
        let _ = self.thread.join();
    }
}

/// Returns whether two paths are of one folder, however they are written.
fn is_same_dir(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    a == b || real(a) == real(b)
}
