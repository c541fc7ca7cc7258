//! Keys of examples, by a query that sees one example at a time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, GenericListArray, OffsetSizeTrait, RecordBatch,
    RecordBatchOptions, StructArray, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, filter, take};
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Float32Type, Float64Type, Int64Type, Schema,
};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr as LogicalExpr, ExprSchemable, ScalarUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Expr, ExprWithAlias, Ident, JoinOperator, Query, SelectItem, SetExpr, TableFactor,
    TableWithJoins, ValueTableMode,
};

use super::functions::Call;
use super::names::{Names, Path, Root, holds, kind, numbers_for_truth, place_of, truth_as_numbers};
use super::number_text::{double, float};
use super::rewrite::{Queries, Uses, column_name, rewrite};
use super::{begin_of, parse_query, stopped, translate};
use crate::plain::Plain;
use crate::sql::{Limits, new_session, unsteady_function};
use crate::{Mistake, Place, QueryError};

/// The name of an example in a query.
const EXAMPLE: &str = "example";

/// So many combinations of values are looked at together; one example has no more.
const MAX_COMBINATIONS: usize = 1 << 18;

/// A query for keys of examples, as `SELECT STRUCT(a, b > 3 AS c) FROM example.a, example.b WHERE a != 'x'`: read, but
/// not yet compared with columns.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyQuery {
    text: String,
    /// The parts of a key: names and values.
    parts: Vec<(String, Expr)>,
    /// Lists whose items are looked at, and what an item is called.
    lists: Vec<(Option<Ident>, Expr)>,
    condition: Option<Expr>,
}

impl KeyQuery {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// [`QueryError::Mistake`] with the place: it does not parse, or is more than `SELECT STRUCT(…)` or
    /// `SELECT AS STRUCT …`, `FROM` lists of an example, and `WHERE`.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = parse_query(text)?;
        let place = begin_of(text, &query);
        let SetExpr::Select(select) = query.body.as_mut() else {
            return Err(not_the_form(place, "found no SELECT"));
        };
        let projection = std::mem::take(&mut select.projection);
        let from = std::mem::take(&mut select.from);
        let condition = select.selection.take();
        let mode = select.value_table_mode.take();
        if query != bare_select()? {
            return Err(not_the_form(place, "found more than SELECT, FROM and WHERE"));
        }
        let parts = match mode {
            None => parts_of_struct(text, projection)?,
            Some(ValueTableMode::AsStruct) => parts_of_columns(text, projection)?,
            Some(_) => return Err(not_the_form(place, "found SELECT AS VALUE or DISTINCT")),
        };
        if parts.is_empty() {
            return Err(not_the_form(place, "found a STRUCT of nothing"));
        }
        let mut lists = Vec::new();
        for TableWithJoins { relation, joins } in from {
            lists.push(list_of(text, relation)?);
            for join in joins {
                if !matches!(join.join_operator, JoinOperator::CrossJoin(_)) {
                    return Err(not_the_form(place, "found a JOIN"));
                }
                lists.push(list_of(text, join.relation)?);
            }
        }
        Ok(Self { text: text.to_owned(), parts, lists, condition })
    }
}

/// What a query without a projection looks like.
fn bare_select() -> Result<Query, QueryError> {
    let mut query = parse_query("SELECT 1")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection.clear();
    }
    Ok(query)
}

fn not_the_form(place: Option<Place>, found: &str) -> QueryError {
    let message = format!(
        "{found}, expected a query such as SELECT STRUCT(feature) FROM example.feature WHERE feature != 'x'"
    );
    QueryError::Mistake(Mistake { place, message, hint: None, may_be_of_types: false })
}

/// Returns the parts of `STRUCT(a, b AS c)`.
fn parts_of_struct(
    text: &str,
    projection: Vec<SelectItem>,
) -> Result<Vec<(String, Expr)>, QueryError> {
    let mut items = projection.into_iter();
    let (first, second) = (items.next(), items.next());
    let only = match (first, second) {
        (
            Some(SelectItem::UnnamedExpr(only) | SelectItem::ExprWithAlias { expr: only, .. }),
            None,
        ) => only,
        (Some(_), None) => return Err(not_the_form(Place::at(text, 1, 1), "found `*`")),
        _ => return Err(not_the_form(Place::at(text, 1, 1), "found several columns")),
    };
    match only {
        Expr::Struct { values, fields } if fields.is_empty() => {
            Ok(values.into_iter().map(part).collect())
        }
        other => Err(not_the_form(place_of(text, &other), "found a column that is no STRUCT")),
    }
}

/// Returns the parts of `a, b AS c`.
fn parts_of_columns(
    text: &str,
    projection: Vec<SelectItem>,
) -> Result<Vec<(String, Expr)>, QueryError> {
    let part_of = |item| match item {
        SelectItem::UnnamedExpr(expression) => Ok(part(expression)),
        SelectItem::ExprWithAlias { expr, alias } => Ok((alias.value, expr)),
        _ => Err(not_the_form(Place::at(text, 1, 1), "found `*`")),
    };
    projection.into_iter().map(part_of).collect()
}

/// Returns a part of a key, with the name that it has of itself.
fn part(expression: Expr) -> (String, Expr) {
    match expression {
        Expr::Named { expr, name } => (name.value, *expr),
        Expr::Identifier(name) => (name.value.clone(), Expr::Identifier(name)),
        Expr::CompoundIdentifier(names) => {
            let name = names.last().map_or_else(String::new, |name| name.value.clone());
            (name, Expr::CompoundIdentifier(names))
        }
        other => (String::new(), other),
    }
}

/// Returns the list that is named where a table would be, and what its items are called.
fn list_of(text: &str, relation: TableFactor) -> Result<(Option<Ident>, Expr), QueryError> {
    match relation {
        TableFactor::UNNEST { alias, mut array_exprs, with_offset: false, .. }
            if array_exprs.len() == 1 =>
        {
            Ok((alias.map(|alias| alias.name), array_exprs.remove(0)))
        }
        TableFactor::Table { name, alias, args: None, .. } => {
            let names: Option<Vec<Ident>> =
                name.0.iter().map(|part| part.as_ident().cloned()).collect();
            let names = names.filter(|names| names.len() > 1);
            let Some(names) = names else {
                let place = name.0.first().and_then(|part| part.as_ident());
                let place =
                    place.and_then(|it| Place::at(text, it.span.start.line, it.span.start.column));
                let found = format!("found the table `{name}`");
                return Err(not_the_form(place, &found));
            };
            let item = alias.map(|alias| alias.name).or_else(|| names.last().cloned());
            Ok((item, Expr::CompoundIdentifier(names)))
        }
        other => Err(not_the_form(None, &format!("found `{other}` in FROM"))),
    }
}

/// A query for keys, ready for batches of some columns.
pub struct Keys {
    query: KeyQuery,
    uses: Uses,
    /// The columns of an example that are looked at.
    columns: Vec<FieldRef>,
    lists: Vec<Path>,
    condition: Option<Arc<dyn PhysicalExpr>>,
    parts: Vec<Arc<dyn PhysicalExpr>>,
    /// The schema of what the expressions see.
    schema: Arc<Schema>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("query", &self.query.text).finish_non_exhaustive()
    }
}

impl Keys {
    /// Compares a query with the columns of examples. Upper and lower case of names are the same unless two columns
    /// differ in nothing else. Truth values are the numbers 0 and 1.
    ///
    /// # Errors
    ///
    /// [`QueryError::Mistake`] with the place: it names what is not there, compares a number with text, has a key that
    /// is neither a number nor text, or looks at more than one example.
    pub fn new(query: &KeyQuery, schema: &Schema) -> Result<Self, QueryError> {
        // Columns of other types can be there, but not be named.
        let supported = schema.fields().iter().filter_map(|field| {
            let plain = Plain::of(&Schema::new(vec![Arc::clone(field)])).ok()?.schema();
            let data_type = numbers_for_truth(plain.field(0).data_type());
            Some(Arc::new(Field::new(field.name(), data_type, true)))
        });
        let all = Self::compile(query, supported.collect())?;
        let used: Vec<FieldRef> = all.used_columns();
        Self::compile(query, used)
    }

    /// Returns the names of the columns that the query looks at.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|field| field.name().as_str())
    }

    /// Returns the keys of a batch's examples, in the order of the examples: each with its row, and nothing in the
    /// place of one that is no text. A key is `name_value`, several parts joined by underscores, NULL for a missing
    /// value.
    ///
    /// # Errors
    ///
    /// [`QueryError::Stopped`]: a division by 0, an item that a list does not have, too many combinations of values.
    pub fn of(&self, batch: &RecordBatch) -> Result<Vec<(u32, Option<String>)>, QueryError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for field in &self.columns {
            let column = batch.column_by_name(field.name()).ok_or_else(|| QueryError::Stopped {
                message: format!("there is no column `{}` in a batch", field.name()),
            })?;
            columns.push(self.plain(column, field)?);
        }
        let num_rows = batch.num_rows();
        let example: ArrayRef = match columns.is_empty() {
            true => Arc::new(StructArray::new_empty_fields(num_rows, None)),
            false => {
                let fields = Fields::from(self.columns.clone());
                Arc::new(StructArray::try_new(fields, columns, None).map_err(of_arrow)?)
            }
        };
        let mut keys = Vec::new();
        self.keys_of_rows(&example, 0, num_rows, &mut keys)?;
        Ok(keys)
    }

    fn plain(&self, column: &ArrayRef, field: &Field) -> Result<ArrayRef, QueryError> {
        let found = Field::new(field.name(), column.data_type().clone(), true);
        let schema = Arc::new(Schema::new(vec![found]));
        let plain = Plain::of(&schema)?;
        let batch = RecordBatch::try_new(schema, vec![Arc::clone(column)]).map_err(of_arrow)?;
        let plain = truth_as_numbers(plain.batch(&batch)?.column(0)).map_err(of_arrow)?;
        match plain.data_type() == field.data_type() {
            true => Ok(plain),
            // No values, where there are some elsewhere.
            false => cast(&plain, field.data_type()).map_err(of_arrow),
        }
    }

    fn compile(query: &KeyQuery, columns: Vec<FieldRef>) -> Result<Self, QueryError> {
        let example = DataType::Struct(Fields::from(columns.clone()));
        let mut roots = vec![Root { name: EXAMPLE.to_owned(), data_type: example, is_open: true }];
        let text = query.text.as_str();
        let mut lists = Vec::new();
        for (item, list) in &query.lists {
            let names = Names { query: text, roots: &roots };
            let Some(path) = names.path(list).map_err(QueryError::Mistake)? else {
                let message =
                    format!("found `{list}` in FROM, expected a feature such as `example.{list}`");
                let place = place_of(text, list);
                let hint = None;
                return Err(Mistake { place, message, hint, may_be_of_types: false }.into());
            };
            let data_type = match &path.data_type {
                DataType::List(item) | DataType::LargeList(item) => item.data_type().clone(),
                other => other.clone(),
            };
            lists.push(path);
            let name = item.as_ref().map_or_else(String::new, |name| name.value.clone());
            roots.push(Root { name, data_type, is_open: false });
        }
        let mut uses = Uses::default();
        let names = Names { query: text, roots: &roots };
        let refused = Queries::Refused("a query inside of it is not supported");
        let mut rewritten = |expression: &Expr| {
            let mut expression = expression.clone();
            rewrite(&mut expression, &names, refused, &mut uses).map_err(QueryError::Mistake)?;
            Ok::<Expr, QueryError>(expression)
        };
        let condition = query.condition.as_ref().map(&mut rewritten).transpose()?;
        let parts: Vec<Expr> =
            query.parts.iter().map(|(_, value)| rewritten(value)).collect::<Result<_, _>>()?;
        let fields = uses
            .columns
            .iter()
            .enumerate()
            .map(|(index, path)| Field::new(column_name(index), path.data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let planner = Planner::new(text, &uses, &schema)?;
        let condition = match (condition, &query.condition) {
            (Some(condition), Some(written)) => {
                let (condition, data_type) = planner.plan(condition, written)?;
                if !matches!(data_type, DataType::Boolean | DataType::Null) {
                    let message = format!("WHERE is {}, expected a truth value", kind(&data_type));
                    return Err(planner.mistake(written, message, None));
                }
                Some(condition)
            }
            _ => None,
        };
        let mut planned = Vec::with_capacity(parts.len());
        for (part, (_, written)) in parts.into_iter().zip(&query.parts) {
            let (part, data_type) = planner.plan(part, written)?;
            match data_type {
                DataType::Null | DataType::Utf8 | DataType::Binary => {}
                DataType::LargeUtf8 | DataType::Utf8View => {}
                _ if data_type.is_numeric() => {}
                other => {
                    let message =
                        format!("a part of a key is {}, expected a number or text", kind(&other));
                    let hint = match other {
                        DataType::Boolean => Some("such as `IF(condition, 'yes', 'no')`"),
                        DataType::List(_) => {
                            Some("name the list in FROM: each of its values makes a key then")
                        }
                        _ => None,
                    };
                    return Err(planner.mistake(written, message, hint));
                }
            }
            planned.push(part);
        }
        Ok(Self { query: query.clone(), uses, columns, lists, condition, parts: planned, schema })
    }

    fn used_columns(&self) -> Vec<FieldRef> {
        let paths = self.lists.iter().chain(&self.uses.columns);
        let mut places: Vec<usize> =
            paths.filter(|path| path.root == 0).filter_map(Path::first_field).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| Arc::clone(&self.columns[place])).collect()
    }

    fn keys_of_rows(
        &self,
        example: &ArrayRef,
        from: usize,
        to: usize,
        keys: &mut Vec<(u32, Option<String>)>,
    ) -> Result<(), QueryError> {
        if from == to {
            return Ok(());
        }
        match self.combinations(&example.slice(from, to - from), from)? {
            Some((rows, roots)) => self.add_keys(&rows, &roots, keys),
            None if to - from > 1 => {
                let middle = from + (to - from) / 2;
                self.keys_of_rows(example, from, middle, keys)?;
                self.keys_of_rows(example, middle, to, keys)
            }
            None => Err(QueryError::Stopped {
                message: format!(
                    "an example has more than {MAX_COMBINATIONS} combinations of the values in FROM"
                ),
            }),
        }
    }

    /// Returns every combination of the items of the lists: the rows that they are of, the examples and the items.
    /// Nothing, if there are too many.
    #[expect(clippy::type_complexity, reason = "the one caller takes it apart at once")]
    fn combinations(
        &self,
        example: &ArrayRef,
        first_row: usize,
    ) -> Result<Option<(Vec<u32>, Vec<ArrayRef>)>, QueryError> {
        let num_rows = u32::try_from(first_row + example.len()).unwrap_or(u32::MAX);
        let mut rows = UInt32Array::from_iter_values((0..num_rows).skip(first_row));
        let mut roots = vec![Arc::clone(example)];
        for list in &self.lists {
            let lists = list.values(&roots).map_err(stopped)?;
            let found = match lists.data_type() {
                DataType::List(_) => items(lists.as_list::<i32>()),
                DataType::LargeList(_) => items(lists.as_list::<i64>()),
                _ => {
                    let there = (0..lists.len() as u64).filter(|&row| {
                        lists.is_valid(usize::try_from(row).unwrap_or(usize::MAX))
                            && lists.data_type() != &DataType::Null
                    });
                    let there: Vec<u64> = there.collect();
                    Some((there.clone(), there, Arc::clone(&lists)))
                }
            };
            let Some((parents, places, values)) = found else { return Ok(None) };
            let parents = UInt64Array::from(parents);
            rows = take(&rows, &parents, None).map_err(of_arrow)?.as_primitive().clone();
            for root in &mut roots {
                *root = take(root, &parents, None).map_err(of_arrow)?;
            }
            roots.push(take(&values, &UInt64Array::from(places), None).map_err(of_arrow)?);
        }
        Ok(Some((rows.values().to_vec(), roots)))
    }

    fn add_keys(
        &self,
        rows: &[u32],
        roots: &[ArrayRef],
        keys: &mut Vec<(u32, Option<String>)>,
    ) -> Result<(), QueryError> {
        let values = self.uses.columns.iter().map(|path| path.values(roots).map_err(stopped));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), values, &options);
        let mut batch = batch.map_err(of_arrow)?;
        let mut rows = UInt32Array::from(rows.to_vec());
        let evaluate = |expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch| {
            let value = expression.evaluate(batch);
            let value = value.and_then(|value| value.into_array(batch.num_rows()));
            value.map_err(|error| translate(&self.query.text, &self.uses, &error))
        };
        if let Some(condition) = &self.condition {
            let condition = evaluate(condition, &batch)?;
            let kept = match condition.as_boolean_opt() {
                Some(condition) => holds(condition),
                None => BooleanArray::from(vec![false; batch.num_rows()]),
            };
            batch = arrow::compute::filter_record_batch(&batch, &kept).map_err(of_arrow)?;
            rows = filter(&rows, &kept).map_err(of_arrow)?.as_primitive().clone();
        }
        let mut texts: Vec<Option<String>> = vec![Some(String::new()); batch.num_rows()];
        for (index, (part, (name, _))) in self.parts.iter().zip(&self.query.parts).enumerate() {
            let values = evaluate(part, &batch)?;
            let before = if index == 0 { "" } else { "_" };
            for_each_text(&values, |row, value| {
                texts[row] = match (texts[row].take(), value) {
                    (Some(text), Some(value)) => Some(format!("{text}{before}{name}_{value}")),
                    _ => None,
                };
            })?;
        }
        keys.extend(rows.values().iter().copied().zip(texts));
        Ok(())
    }
}

/// Returns the place of the list that every item is in, the places of the items, and the items.
fn items<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
) -> Option<(Vec<u64>, Vec<u64>, ArrayRef)> {
    let (mut parents, mut places) = (Vec::new(), Vec::new());
    for (row, ends) in lists.value_offsets().windows(2).enumerate() {
        if lists.is_null(row) {
            continue;
        }
        let (from, to) = (ends[0].as_usize(), ends[1].as_usize());
        if parents.len() + (to - from) > MAX_COMBINATIONS {
            return None;
        }
        parents.extend(std::iter::repeat_n(row as u64, to - from));
        places.extend(from as u64..to as u64);
    }
    Some((parents, places, Arc::clone(lists.values())))
}

/// Hands out every value as text; nothing where it is none.
fn for_each_text(
    values: &ArrayRef,
    mut add: impl FnMut(usize, Option<&str>),
) -> Result<(), QueryError> {
    const NULL: Option<&str> = Some("NULL");
    let rows = 0..values.len();
    match values.data_type() {
        DataType::Null => rows.for_each(|row| add(row, NULL)),
        DataType::Binary => {
            for (row, value) in values.as_binary::<i32>().iter().enumerate() {
                add(row, value.map_or(NULL, |bytes| std::str::from_utf8(bytes).ok()));
            }
        }
        DataType::Float32 => {
            for (row, value) in values.as_primitive::<Float32Type>().iter().enumerate() {
                add(row, value.map(float).as_deref().or(NULL));
            }
        }
        data_type if data_type.is_integer() => {
            let values = cast(values, &DataType::Int64).map_err(of_arrow)?;
            for (row, value) in values.as_primitive::<Int64Type>().iter().enumerate() {
                add(row, value.map(|value| value.to_string()).as_deref().or(NULL));
            }
        }
        data_type if data_type.is_numeric() => {
            let values = cast(values, &DataType::Float64).map_err(of_arrow)?;
            for (row, value) in values.as_primitive::<Float64Type>().iter().enumerate() {
                add(row, value.map(double).as_deref().or(NULL));
            }
        }
        _ => {
            let values = cast(values, &DataType::Utf8).map_err(of_arrow)?;
            for (row, value) in values.as_string::<i32>().iter().enumerate() {
                add(row, value.or(NULL));
            }
        }
    }
    Ok(())
}

/// Makes expressions of the engine.
struct Planner<'a> {
    text: &'a str,
    uses: &'a Uses,
    session: SessionContext,
    schema: DFSchema,
}

impl<'a> Planner<'a> {
    fn new(text: &'a str, uses: &'a Uses, schema: &Schema) -> Result<Self, QueryError> {
        let session = new_session(Limits::default())?;
        for (index, (function, _)) in uses.calls.iter().enumerate() {
            session.register_udf(ScalarUDF::from(Call::new(*function, index)));
        }
        let schema = DFSchema::try_from(schema.clone());
        let schema = schema.map_err(|error| translate(text, uses, &error))?;
        Ok(Self { text, uses, session, schema })
    }

    fn plan(
        &self,
        expression: Expr,
        written: &Expr,
    ) -> Result<(Arc<dyn PhysicalExpr>, DataType), QueryError> {
        let failed = |error| translate(self.text, self.uses, &error);
        let state = self.session.state();
        let expression = ExprWithAlias { expr: expression, alias: None };
        let expression = state.create_logical_expr_from_sql_expr(expression, &self.schema);
        let expression = expression.map_err(failed)?;
        let refused = expression.exists(|it| {
            Ok(matches!(it, LogicalExpr::AggregateFunction(_) | LogicalExpr::WindowFunction(_))
                || unsteady_function(it).is_some())
        });
        if refused.map_err(failed)? {
            let message = match unsteady_function(&expression) {
                Some(name) => format!("function `{name}` gives another result each time"),
                None => {
                    "it sums up several values, expected an expression of single ones".to_owned()
                }
            };
            return Err(self.mistake(written, message, None));
        }
        let data_type = expression.get_type(&self.schema).map_err(failed)?;
        let planned = state.create_physical_expr(expression, &self.schema).map_err(failed)?;
        Ok((planned, data_type))
    }

    fn mistake(&self, written: &Expr, message: String, hint: Option<&str>) -> QueryError {
        QueryError::Mistake(Mistake {
            place: place_of(self.text, written),
            message,
            hint: hint.map(str::to_owned),
            may_be_of_types: true,
        })
    }
}

fn of_arrow(error: arrow::error::ArrowError) -> QueryError {
    QueryError::Stopped { message: error.to_string() }
}
