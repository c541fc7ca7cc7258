//! A model under its name: the versions that answer for it, and which of them a request means.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::challenger::Challenger;
use crate::completions::Slots;
use crate::failure::{Code, Failure};
use crate::metrics::ModelMetrics;
use crate::request_log::RequestLog;
use crate::version::Version;

/// A model under its name.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Read by every request, changed by the model's watcher alone.
    pub(crate) versions: ArcSwap<Versions>,
    /// Changes whenever the versions do.
    pub(crate) changes: Arc<watch::Sender<u64>>,
    pub(crate) metrics: Arc<ModelMetrics>,
    pub(crate) challenger: Option<Challenger>,
    pub(crate) request_log: Option<RequestLog>,
    /// Who may generate, of a language model.
    pub(crate) slots: Slots,
}

/// The versions of a model at one moment.
#[derive(Default)]
pub(crate) struct Versions {
    /// Those that answer, by ascending numbers.
    pub(crate) serving: Vec<Arc<Version>>,
    /// What is to be said about every version that was seen, newest first.
    pub(crate) states: Vec<VersionState>,
    /// The features that any of them reads.
    pub(crate) features: HashSet<String>,
    /// Names for versions.
    pub(crate) labels: BTreeMap<String, u64>,
}

/// Where a version is in its life, with TensorFlow Serving's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Loading = 20,
    Available = 30,
    Unloading = 40,
    End = 50,
}

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loading => "LOADING",
            Self::Available => "AVAILABLE",
            Self::Unloading => "UNLOADING",
            Self::End => "END",
        }
    }
}

/// What is to be said about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionState {
    pub(crate) number: u64,
    pub(crate) stage: Stage,
    /// Why it is not available, if it should be.
    pub(crate) failure: Option<Failure>,
}

/// The version that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// Whichever is best: the newest.
    Any,
    Number(u64),
    Label(&'a str),
}

/// Who answers a request, and who else is asked.
pub(crate) struct Chosen {
    pub(crate) version: Arc<Version>,
    /// With which version's the answer is compared.
    pub(crate) beside: Option<Arc<Version>>,
}

impl Versions {
    fn newest(&self) -> Option<&Arc<Version>> {
        self.serving.last()
    }

    pub(crate) fn number(&self, number: u64) -> Option<&Arc<Version>> {
        let place = self.serving.binary_search_by_key(&number, |version| version.number);
        place.ok().map(|place| &self.serving[place])
    }

    fn labelled(&self, label: &str) -> Result<u64, Failure> {
        let number = self.labels.get(label).copied();
        number.ok_or_else(|| {
            Failure::invalid(format!("Unrecognized servable version label: {label}"))
        })
    }
}

impl Entry {
    /// Returns the version that is asked for; of the challenger's share, who answers and who is compared.
    pub(crate) fn choose(&self, wanted: Wanted<'_>) -> Result<Chosen, Failure> {
        let versions = self.versions.load();
        if wanted != Wanted::Any {
            let version = Arc::clone(self.find(&versions, wanted)?);
            return Ok(Chosen { version, beside: None });
        }
        let Some(challenger) = &self.challenger else {
            let version = Arc::clone(self.find(&versions, wanted)?);
            return Ok(Chosen { version, beside: None });
        };
        let rival = challenger.find(&versions);
        let others =
            |version: &&Arc<Version>| rival.is_none_or(|rival| rival.number != version.number);
        let champion = versions.serving.iter().rev().find(others);
        let (champion, rival) = match (champion, rival) {
            (Some(champion), Some(rival)) => (champion, rival),
            // Nobody to compare with: whoever is there answers.
            (Some(only), None) | (None, Some(only)) => {
                return Ok(Chosen { version: Arc::clone(only), beside: None });
            }
            (None, None) => return Err(self.nothing(wanted)),
        };
        Ok(match challenger.takes_part() {
            None => Chosen { version: Arc::clone(champion), beside: None },
            Some(answers) => {
                let (version, beside) = if answers { (rival, champion) } else { (champion, rival) };
                Chosen { version: Arc::clone(version), beside: Some(Arc::clone(beside)) }
            }
        })
    }

    /// Returns the version that is asked for, for questions about it.
    pub(crate) fn version(&self, wanted: Wanted<'_>) -> Result<Arc<Version>, Failure> {
        self.find(&self.versions.load(), wanted).map(Arc::clone)
    }

    /// Returns what is to be said about a version, or all of them.
    pub(crate) fn states(&self, wanted: Wanted<'_>) -> Result<Vec<VersionState>, Failure> {
        let versions = self.versions.load();
        let number = match wanted {
            Wanted::Any => return Ok(versions.states.clone()),
            Wanted::Number(number) => number,
            Wanted::Label(label) => versions.labelled(label)?,
        };
        let state = versions.states.iter().find(|state| state.number == number);
        let message = || format!("Could not find version {number} of model {}", self.name);
        Ok(vec![state.ok_or_else(|| Failure::not_found(message()))?.clone()])
    }

    fn find<'v>(
        &self,
        versions: &'v Versions,
        wanted: Wanted<'_>,
    ) -> Result<&'v Arc<Version>, Failure> {
        let found = match wanted {
            Wanted::Any => versions.newest(),
            Wanted::Number(number) => versions.number(number),
            Wanted::Label(label) => versions.number(versions.labelled(label)?),
        };
        found.ok_or_else(|| self.nothing(wanted))
    }

    /// Says that there is no such version: not yet, while one is being loaded, or not at all.
    #[cold]
    fn nothing(&self, wanted: Wanted<'_>) -> Failure {
        let versions = self.versions.load();
        let name = &self.name;
        let is_wanted = |state: &&VersionState| match wanted {
            Wanted::Any => true,
            Wanted::Number(number) => state.number == number,
            Wanted::Label(label) => versions.labels.get(label) == Some(&state.number),
        };
        let mut states = versions.states.iter().filter(is_wanted);
        if states.clone().any(|state| state.stage == Stage::Loading) {
            return Failure::new(Code::Unavailable, format!("model {name} is being loaded"));
        }
        let asked = match wanted {
            Wanted::Any => format!("Latest({name})"),
            Wanted::Number(number) => format!("Specific({name}, {number})"),
            Wanted::Label(label) => format!("Specific({name}, {label})"),
        };
        let failed = states.find_map(|state| Some((state.number, state.failure.as_ref()?)));
        match failed {
            Some((number, failure)) => Failure::not_found(format!(
                "Servable not found for request: {asked}; version {number} could not be loaded: {}",
                failure.message
            )),
            None => Failure::not_found(format!("Servable not found for request: {asked}")),
        }
    }
}
