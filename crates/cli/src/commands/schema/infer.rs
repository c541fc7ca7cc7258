//! `cupola schema infer`: a first schema from data files.

use std::sync::Arc;

use base::BoxError;
use engine::LocalEngine;
use schema::{InferConfig, infer_schema, write_schema};
use serde_json::json;

use super::table;
use crate::args::{Global, SchemaInferArgs};
use crate::data::{Files, Progress};
use crate::error::{CliError, print_note};
use crate::output::{print, print_json};

/// Infers a schema; prints it, or writes it and shows what is in it.
pub(super) fn infer(args: &SchemaInferArgs, global: &Global) -> Result<(), BoxError> {
    let output = args.output.as_deref();
    if let Some(path) = output.filter(|path| path.exists() && !args.force) {
        return Err(CliError::Exists { path: path.to_path_buf() }.into());
    }
    let engine = LocalEngine::with_all_cores(Arc::default());
    let progress = Progress::new(global);
    let mut files = Files::guess(&args.files.files, &args.files.read, &engine)?;
    let statistics = files.statistics(&engine, &progress)?;
    progress.finish();
    let config = InferConfig {
        max_string_domain_size: args.max_string_domain_size,
        ..InferConfig::default()
    };
    let schema = infer_schema(&statistics, &config)?;
    if let Some(path) = output {
        write_schema(path, &schema)?;
    }
    if global.json {
        let mut content = table::json(&schema);
        content["files"] = json!(files.name);
        content["num_examples"] = json!(statistics.num_examples);
        return print_json("schema", content);
    }
    let Some(path) = output else { return print(&formats::text::print(&schema)) };
    print(&table::features(&schema))?;
    if !global.quiet {
        print_note(&format!("wrote {}", path.display()));
    }
    Ok(())
}
