//! Which files a URL means.

use std::sync::Arc;

use base::nearest;
use futures::{StreamExt, TryStreamExt};
use glob::MatchOptions;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::fetch::block_on;
use crate::location::{Kind, Location};
use crate::store::{open, translate};
use crate::{Environment, RemoteError};

/// `*` and `?` do not stand for `/`, nor for the dot of a hidden file: as for paths.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// How many files are looked at for a hint, and how many names it lists.
const LOOKED_AT: usize = 1000;
const LISTED: usize = 5;

/// A file of a store, and what the store says about its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    url: String,
    pub(crate) location: Location,
    pub(crate) meta: ObjectMeta,
}

impl RemoteFile {
    /// Returns its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its size in bytes.
    pub fn num_bytes(&self) -> u64 {
        self.meta.size
    }

    /// Returns a text that is another one where the content is: the entity tag, or else the version, or else the time
    /// of the last change, each with the size. `None` where the store tells none of them.
    pub fn identity(&self) -> Option<String> {
        let size = self.meta.size;
        let modified_ms = self.meta.last_modified.timestamp_millis();
        match (&self.meta.e_tag, &self.meta.version) {
            (Some(tag), _) => Some(format!("{size} bytes, entity tag {tag}")),
            (None, Some(version)) => Some(format!("{size} bytes, version {version}")),
            // Web servers that tell no time seem to tell 1970.
            (None, None) if modified_ms != 0 => Some(format!("{size} bytes, of {modified_ms} ms")),
            (None, None) => None,
        }
    }
}

/// Returns the files that a URL means, in the order of their names.
///
/// A name is that of a file, or of a folder: then all files below it are meant but those that have a name, or are in
/// a folder with a name, that begins with `.` or `_`, as unfinished and auxiliary files do. In a pattern `*` and `?`
/// stand for any characters but `/` and any one, `[0-9]` for one of a range, `**` for any folders. A file that has the
/// pattern as its very name is meant before all others.
///
/// # Errors
///
/// [`RemoteError`]; where nothing is found, with a hint at what there is.
pub fn find(url: &str, environment: &Environment) -> Result<Vec<RemoteFile>, RemoteError> {
    let location = Location::parse(url)?;
    let store = open(&location, environment)?;
    let file = |meta: ObjectMeta| RemoteFile {
        url: location.url_of(&name_of(&location, &meta)),
        location: location.clone(),
        meta: ObjectMeta { e_tag: quoted(meta.e_tag), ..meta },
    };
    block_on(async {
        let fail = |error| translate(&error, &location.url(), &location, environment);
        let mut found = if location.is_pattern() {
            matching(&store, &location).await?.map_err(fail)?
        } else {
            named(&store, &location).await?.map_err(fail)?
        };
        if found.is_empty() {
            let hint = hint(&store, &location).await;
            return Err(RemoteError::NoFiles { url: location.url(), hint });
        }
        found.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(found.into_iter().map(file).collect())
    })?
}

/// Returns an entity tag as HTTP has it; Azure's lists have tags without the quotation marks.
pub(crate) fn quoted(tag: Option<String>) -> Option<String> {
    tag.map(|tag| match tag.starts_with('"') || tag.starts_with("W/") {
        true => tag,
        false => format!("\"{tag}\""),
    })
}

/// What a store says, once the question itself is in order.
type Answer = Result<Result<Vec<ObjectMeta>, object_store::Error>, RemoteError>;

/// Returns the name of a file as it stands in a URL.
fn name_of(location: &Location, meta: &ObjectMeta) -> String {
    match location.kind {
        Kind::Http => location.pattern.clone(),
        _ => meta.location.as_ref().to_owned(),
    }
}

fn path_of(location: &Location, name: &str) -> Result<Path, RemoteError> {
    let path = match location.kind {
        Kind::Http => Path::from_url_path(name),
        _ => Path::parse(name),
    };
    path.map_err(|error| RemoteError::Settings { url: location.url(), reason: error.to_string() })
}

/// Finds the files that a pattern matches.
async fn matching(store: &Arc<dyn ObjectStore>, location: &Location) -> Answer {
    let glob = location.glob()?;
    let folder = path_of(location, location.folder())?;
    let mut found = Vec::new();
    let mut all = store.list(Some(&folder));
    loop {
        match all.try_next().await {
            Ok(Some(meta)) if meta.location.as_ref() == location.pattern => {
                return Ok(Ok(vec![meta]));
            }
            Ok(Some(meta)) if glob.matches_with(meta.location.as_ref(), MATCHING) => {
                found.push(meta)
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Ok(found)),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Finds the file with a name, or else the files of the folder with the name.
async fn named(store: &Arc<dyn ObjectStore>, location: &Location) -> Answer {
    let name = location.pattern.trim_end_matches('/');
    let path = path_of(location, name)?;
    if name == location.pattern && !name.is_empty() {
        match store.head(&path).await {
            Ok(meta) => return Ok(Ok(vec![meta])),
            Err(object_store::Error::NotFound { .. }) if location.kind != Kind::Http => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(Ok(Vec::new())),
            Err(error) => return Ok(Err(error)),
        }
    }
    let all: Result<Vec<ObjectMeta>, _> = store.list(Some(&path)).try_collect().await;
    let is_data = |meta: &ObjectMeta| {
        let below = meta.location.as_ref().strip_prefix(name).unwrap_or_default();
        let mut parts = below.split('/').filter(|part| !part.is_empty()).peekable();
        // A folder that was made without any file in it is an empty file with the folder's name.
        parts.peek().is_some() && !parts.any(|part| part.starts_with(['.', '_']))
    };
    Ok(all.map(|mut all| {
        all.retain(is_data);
        all
    }))
}

/// Says what there is where nothing was found; it is no matter if that does not work either.
async fn hint(store: &Arc<dyn ObjectStore>, location: &Location) -> Option<String> {
    if location.kind == Kind::Http {
        return None;
    }
    let mut folder = location.folder();
    loop {
        let path = Path::parse(folder).ok()?;
        let below = store.list(Some(&path)).take(LOOKED_AT);
        let below: Vec<ObjectMeta> = below.try_collect().await.ok()?;
        let names: Vec<&str> = below
            .iter()
            .filter_map(|meta| meta.location.as_ref().strip_prefix(folder))
            .filter_map(|name| name.trim_start_matches('/').split('/').next())
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() {
            // Further up there is something, or the bucket is empty.
            if folder.is_empty() {
                return Some(format!("there are no files in {}", location.base));
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            continue;
        }
        return Some(told(location, folder, names));
    }
}

fn told(location: &Location, folder: &str, mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let behind = location.pattern.strip_prefix(folder).unwrap_or(&location.pattern);
    let wanted = behind.trim_start_matches('/').split('/').next().unwrap_or_default();
    if !wanted.contains(['*', '?', '['])
        && let Some(near) = nearest(wanted, names.iter().copied())
    {
        return format!("did you mean `{near}`?");
    }
    let mut listed: Vec<String> =
        names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        listed.push(format!("{} more", names.len() - LISTED));
    }
    let folder = if folder.is_empty() { location.base.clone() } else { location.url_of(folder) };
    format!("in {folder} there is {}", listed.join(", "))
}
