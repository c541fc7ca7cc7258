//! Finished trials in a folder, so that a search that was killed does not run them again.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Finished, Score, Trial};

const VERSION: u64 = 1;

/// A folder for the finished trials of one search.
#[derive(Clone, Debug)]
pub struct Kept {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    trial: Trial,
    score: f64,
}

impl Kept {
    /// Returns a folder, which need not be there yet; nothing but trials of this search may be in it.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    fn path(&self, trial: &Trial) -> PathBuf {
        self.dir.join(format!("trial-{:06}.json", trial.number))
    }

    /// Returns how good a trial was, if it is there; what is damaged, or is of another trial, is not.
    pub(crate) fn load(&self, trial: &Trial) -> Option<Score> {
        let text = fs::read(self.path(trial)).ok()?;
        let kept: V1 = serde_json::from_slice(&text).ok()?;
        (kept.version == VERSION && kept.trial == *trial).then_some(Score::Known(kept.score))
    }

    /// Keeps a trial that has a score: one that failed is tried again, since what it lacked may be there then. One that
    /// cannot be kept, such as where the disk is full, is run again after a kill.
    pub(crate) fn save(&self, finished: &Finished) {
        let Some(score) = finished.score.known() else { return };
        let kept = V1 { version: VERSION, trial: finished.trial.clone(), score };
        if let Ok(text) = serde_json::to_vec_pretty(&kept)
            && fs::create_dir_all(&self.dir).is_ok()
        {
            let _ = base::publish::write_file(&self.path(&finished.trial), &text);
        }
    }
}
