//! Files of object stores: S3, Google Cloud Storage, Azure Blob Storage and web servers. They are found, told apart by
//! what the store says of their content, and brought here whole.
//!
//! Entry points: [`is_url`], [`check`], [`find`], [`fetch`]; and [`Folder`], to which files are written. Whoever reads a file more than once reads it here: type
//! inference does. **Invariants:** credentials come from the environment alone ([`Environment`]), and no error shows
//! one; what is brought here is what was found, or an error says that it changed; a few megabytes of each file are in
//! memory at a time. Not here: what is in the files (`dataset`), and which of them are meant (`ingest`).

mod environment;
mod error;
mod fetch;
mod find;
mod folder;
mod location;
mod store;

pub use environment::Environment;
pub use error::RemoteError;
pub use fetch::{Fetched, fetch};
pub use find::{RemoteFile, find};
pub use folder::{Folder, FolderFile, check_folder};
pub use location::{check, is_url};
