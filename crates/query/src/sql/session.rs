//! The engine of SQL, set up so that it does one thing at a time, and nothing but read.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::DFParserBuilder;

use super::Limits;
use super::guard::check;
use crate::{Mistake, QueryError};

/// Rows of a batch on its way.
const BATCH_ROWS: usize = 8192;

/// Returns a session without any table.
pub(crate) fn new_session(limits: Limits) -> Result<SessionContext, QueryError> {
    let mut config = SessionConfig::new()
        // Several partitions would come together in the order in which they are ready.
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let parser = &mut config.options_mut().sql_parser;
    parser.collect_spans = true;
    parser.enable_ident_normalization = false;
    let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(limits.memory_bytes));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_temp_file_path(std::env::temp_dir())
        .build_arc()
        .map_err(|error| QueryError::Unavailable {
            action: "use the folder for temporary files",
            message: error.strip_backtrace(),
        })?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// Why there is no plan.
pub(super) enum PlanError {
    Mistake(Box<Mistake>),
    DataFusion(DataFusionError),
}

impl From<DataFusionError> for PlanError {
    fn from(error: DataFusionError) -> Self {
        Self::DataFusion(error)
    }
}

/// Plans the one SELECT that a query is.
pub(super) async fn plan(session: &SessionContext, query: &str) -> Result<LogicalPlan, PlanError> {
    let mistake = |message: String| {
        PlanError::Mistake(Box::new(Mistake {
            place: None,
            message,
            hint: None,
            may_be_of_types: false,
        }))
    };
    let mut statements = DFParserBuilder::new(query).build()?.parse_statements()?;
    if statements.len() > 1 {
        return Err(mistake(format!("found {} statements, expected one SELECT", statements.len())));
    }
    let statement = statements.pop_front();
    let statement =
        statement.ok_or_else(|| mistake("it is empty, expected a SELECT".to_owned()))?;
    let plan = session.state().statement_to_plan(statement).await?;
    check(&plan).map_err(|found| PlanError::Mistake(Box::new(found)))?;
    Ok(plan)
}

/// Waits for a future, on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, QueryError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| QueryError::Unavailable {
        action: "start what runs queries",
        message: error.to_string(),
    })?;
    Ok(runtime.block_on(future))
}
