//! A condition on one row of nested values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, SetExpr, Statement, TableWithJoins,
};

use super::functions::Call;
use super::names::{Names, Root};
use super::rewrite::{Queries, ROW, Uses, column_name, rewrite, table, table_name};
use super::{parse_expression, parse_query, stopped, translate};
use crate::sql::{Limits, block_on, check_plan, new_session};
use crate::{Mistake, QueryError};

/// A condition on nested values, such as `feature.num_stats.max < 100`.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    expression: Expr,
    roots: Vec<Root>,
    uses: Uses,
}

impl Condition {
    /// Reads a condition on values of some names and types. Upper and lower case of names are the same, and
    /// `has_x` of a struct says whether its field `x`, a struct itself, is there.
    ///
    /// # Errors
    ///
    /// [`QueryError::Mistake`] with the place: it does not parse, names what is not there, compares a number with text,
    /// or is not a truth value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Float64Array, StructArray};
    /// # use query::expression::Condition;
    /// let max: ArrayRef = Arc::new(Float64Array::from(vec![90.0]));
    /// let feature: ArrayRef = Arc::new(StructArray::try_from(vec![("max", max)])?);
    /// let condition = Condition::new("feature.max < 100", &[("feature", feature.data_type())])?;
    /// assert_eq!(condition.holds(&[feature])?, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(text: &str, values: &[(&str, &DataType)]) -> Result<Self, QueryError> {
        let roots: Vec<Root> = values
            .iter()
            .map(|(name, data_type)| Root {
                name: (*name).to_owned(),
                data_type: (*data_type).clone(),
                is_open: false,
            })
            .collect();
        let mut expression = parse_expression(text)?;
        let names = Names { query: text, roots: &roots };
        let mut uses = Uses::default();
        rewrite(&mut expression, &names, Queries::Allowed, &mut uses)
            .map_err(QueryError::Mistake)?;
        let condition = Self { text: text.to_owned(), expression, roots, uses };
        let empty: Vec<ArrayRef> =
            condition.roots.iter().map(|root| new_empty_array(&root.data_type)).collect();
        let session = new_session(Limits::default())?;
        let plan = condition.plan(&session, &empty)?;
        match plan.schema().field(0).data_type() {
            DataType::Boolean => Ok(condition),
            DataType::Null => Err(mistake("it is NULL, expected a truth value")),
            other => Err(mistake(&format!(
                "it is {}, expected a truth value",
                super::names::kind(other)
            ))),
        }
    }

    /// Returns whether the condition holds for values, each an array of one; nothing where that is unknown, as a value
    /// that it needs is missing.
    ///
    /// # Errors
    ///
    /// [`QueryError::Stopped`]: a division by 0, an item that a list does not have.
    pub fn holds(&self, values: &[ArrayRef]) -> Result<Option<bool>, QueryError> {
        let session = new_session(Limits::default())?;
        let plan = self.plan(&session, values)?;
        let answer = block_on(async {
            let rows = session.execute_logical_plan(plan).await?;
            rows.collect().await
        })?;
        let answer = answer.map_err(|error| translate(&self.text, &self.uses, &error))?;
        let holds = answer.iter().find(|batch| batch.num_rows() > 0).map(|batch| {
            let column = batch.column(0).as_boolean();
            (!column.is_null(0)).then(|| column.value(0))
        });
        Ok(holds.flatten())
    }

    /// Plans the condition over the values of roots.
    fn plan(
        &self,
        session: &SessionContext,
        roots: &[ArrayRef],
    ) -> Result<LogicalPlan, QueryError> {
        let failed = |error| translate(&self.text, &self.uses, &error);
        for (index, (function, _)) in self.uses.calls.iter().enumerate() {
            session.register_udf(ScalarUDF::from(Call::new(*function, index)));
        }
        let num_rows = roots.first().map_or(0, |root| root.len());
        let mut fields = Vec::new();
        let mut columns = Vec::new();
        for (index, path) in self.uses.columns.iter().enumerate() {
            let values = path.values(roots).map_err(stopped)?;
            fields.push(Field::new(column_name(index), values.data_type().clone(), true));
            columns.push(values);
        }
        let register = |name: &str, batch: RecordBatch| {
            let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(failed)?;
            let name = datafusion::common::TableReference::bare(name);
            session.register_table(name, Arc::new(table)).map_err(failed)?;
            Ok::<(), QueryError>(())
        };
        register(ROW, batch_of(fields, columns, num_rows)?)?;
        for (index, (path, column)) in self.uses.tables.iter().enumerate() {
            let lists = path.values(roots).map_err(stopped)?;
            let items = match lists.data_type() {
                DataType::LargeList(_) => items_of(lists.as_list::<i64>()),
                _ => items_of(lists.as_list::<i32>()),
            };
            let (fields, columns) = match items.as_struct_opt() {
                Some(structs) => (
                    structs.fields().iter().map(|field| field.as_ref().clone()).collect(),
                    structs.columns().to_vec(),
                ),
                None => (
                    vec![Field::new(column, items.data_type().clone(), true)],
                    vec![Arc::clone(&items)],
                ),
            };
            register(&table_name(index), batch_of(fields, columns, items.len())?)?;
        }
        let statement = select(self.expression.clone())?;
        let statement = DataFusionStatement::Statement(Box::new(statement));
        let plan = block_on(session.state().statement_to_plan(statement))?.map_err(failed)?;
        check_plan(&plan).map_err(QueryError::Mistake)?;
        Ok(plan)
    }
}

/// Returns the items of one list.
fn items_of<O: arrow::array::OffsetSizeTrait>(
    lists: &arrow::array::GenericListArray<O>,
) -> ArrayRef {
    match lists.len() {
        0 => lists.values().slice(0, 0),
        _ if lists.is_null(0) => lists.values().slice(0, 0),
        _ => lists.value(0),
    }
}

fn batch_of(
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
    num_rows: usize,
) -> Result<RecordBatch, QueryError> {
    let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| QueryError::Stopped { message: error.to_string() })
}

fn mistake(message: &str) -> QueryError {
    QueryError::Mistake(Mistake {
        place: None,
        message: message.to_owned(),
        hint: None,
        may_be_of_types: true,
    })
}

/// Returns `SELECT expression FROM row`.
fn select(expression: Expr) -> Result<Statement, QueryError> {
    let mut query: Query = parse_query("SELECT 1 FROM `row`")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        let select: &mut Select = select;
        select.projection = vec![SelectItem::UnnamedExpr(expression)];
        select.from = vec![TableWithJoins { relation: table(ROW, None), joins: Vec::new() }];
    }
    Ok(Statement::Query(Box::new(query)))
}
