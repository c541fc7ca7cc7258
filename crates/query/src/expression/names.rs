//! What names in an expression stand for: paths into nested values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, GenericListArray, OffsetSizeTrait, UInt64Array,
    make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, is_not_null, take};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;
use base::nearest;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Subscript, Value,
};
use datafusion::sql::sqlparser::tokenizer::Location;

use crate::{Mistake, Place};

/// How many names a hint lists.
const LISTED: usize = 5;

/// A value that an expression sees, under a name.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// Whether its fields can be named without it.
    pub(super) is_open: bool,
}

/// A step into a nested value.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(usize),
    /// Whether a field is there.
    Has(usize),
    /// An item of a list; one that is not there is missing, or an error.
    Item {
        index: u64,
        may_be_missing: bool,
        place: Option<Place>,
    },
}

/// Where a value is: in which root, and how to get there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) root: usize,
    steps: Vec<Step>,
    pub(super) data_type: DataType,
}

impl Path {
    /// Returns the root as a whole.
    pub(super) fn of_root(root: usize, data_type: DataType) -> Self {
        Self { root, steps: Vec::new(), data_type }
    }

    /// Returns the place of the field that the path begins with.
    pub(super) fn first_field(&self) -> Option<usize> {
        match self.steps.first() {
            Some(Step::Field(field) | Step::Has(field)) => Some(*field),
            _ => None,
        }
    }

    /// Returns the values of every row.
    ///
    /// # Errors
    ///
    /// The message and the place, where a list has no such item.
    pub(super) fn values(&self, roots: &[ArrayRef]) -> Result<ArrayRef, (String, Option<Place>)> {
        let mut values = Arc::clone(&roots[self.root]);
        for step in &self.steps {
            values = match step {
                Step::Field(field) => field_of(&values, *field),
                Step::Has(field) => {
                    let field = field_of(&values, *field);
                    let has = field.and_then(|field| is_not_null(&field));
                    has.and_then(|has| with_nulls(&(Arc::new(has) as ArrayRef), values.nulls()))
                }
                Step::Item { index, may_be_missing, place } => match values.data_type() {
                    DataType::LargeList(_) => {
                        item(values.as_list::<i64>(), *index, *may_be_missing)
                    }
                    _ => item(values.as_list::<i32>(), *index, *may_be_missing),
                }
                .map_err(|message| (message, place.clone()))?,
            }
            .map_err(|error| (error.to_string(), None))?;
        }
        Ok(values)
    }
}

fn field_of(structs: &ArrayRef, field: usize) -> Result<ArrayRef, ArrowError> {
    with_nulls(structs.as_struct().column(field), structs.nulls())
}

fn with_nulls(values: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let Some(nulls) = nulls else { return Ok(Arc::clone(values)) };
    if values.data_type() == &DataType::Null {
        return Ok(Arc::clone(values));
    }
    let nulls = NullBuffer::union(values.nulls(), Some(nulls));
    Ok(make_array(values.to_data().into_builder().nulls(nulls).build()?))
}

/// Returns an item of every list. The outer error is the value's, the inner one never happens.
fn item<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    index: u64,
    may_be_missing: bool,
) -> Result<Result<ArrayRef, ArrowError>, String> {
    let mut places = Vec::with_capacity(lists.len());
    for (row, ends) in lists.value_offsets().windows(2).enumerate() {
        let (from, to) = (ends[0].as_usize() as u64, ends[1].as_usize() as u64);
        let found = from.checked_add(index).filter(|&place| place < to && !lists.is_null(row));
        if found.is_none() && !may_be_missing && !lists.is_null(row) {
            return Err(format!("there is no item {index} in a list of {}", to - from));
        }
        places.push(found);
    }
    Ok(take(lists.values(), &UInt64Array::from(places), None))
}

/// What resolves names, and reports those that mean nothing.
pub(super) struct Names<'a> {
    pub(super) query: &'a str,
    pub(super) roots: &'a [Root],
}

impl Names<'_> {
    /// Returns what an expression of names, dots and items of lists stands for; nothing where it does not begin with
    /// a name that is known here.
    ///
    /// # Errors
    ///
    /// A name that is not where it is looked for.
    pub(super) fn path(&self, expression: &Expr) -> Result<Option<Path>, Mistake> {
        let (first, rest): (&Ident, Vec<Link<'_>>) = match expression {
            Expr::Identifier(name) => (name, Vec::new()),
            Expr::CompoundIdentifier(names) => match names.split_first() {
                Some((first, rest)) => (first, rest.iter().map(Link::Name).collect()),
                None => return Ok(None),
            },
            Expr::CompoundFieldAccess { root, access_chain } => {
                let (first, mut links): (&Ident, Vec<Link<'_>>) = match root.as_ref() {
                    Expr::Identifier(name) => (name, Vec::new()),
                    Expr::CompoundIdentifier(names) => match names.split_first() {
                        Some((first, rest)) => (first, rest.iter().map(Link::Name).collect()),
                        None => return Ok(None),
                    },
                    _ => return Ok(None),
                };
                for access in access_chain {
                    links.push(match access {
                        AccessExpr::Dot(Expr::Identifier(name)) => Link::Name(name),
                        AccessExpr::Subscript(Subscript::Index { index }) => Link::Item(index),
                        _ => return Ok(None),
                    });
                }
                (first, links)
            }
            _ => return Ok(None),
        };
        let Some(mut path) = self.first(first)? else { return Ok(None) };
        let mut so_far = first.value.clone();
        for link in rest {
            match link {
                Link::Name(name) => {
                    self.enter(&mut path, &so_far, name)?;
                    so_far = format!("{so_far}.{}", name.value);
                }
                Link::Item(index) => {
                    self.pick(&mut path, &so_far, index, first)?;
                    so_far.push_str("[…]");
                }
            }
        }
        Ok(Some(path))
    }

    /// Returns all that can stand at the beginning of a path.
    fn first(&self, name: &Ident) -> Result<Option<Path>, Mistake> {
        let is = |root: &&(usize, &Root)| root.1.name.eq_ignore_ascii_case(&name.value);
        let roots: Vec<(usize, &Root)> = self.roots.iter().enumerate().collect();
        if let Some((index, root)) = roots.iter().find(is) {
            return Ok(Some(Path::of_root(*index, root.data_type.clone())));
        }
        for (index, root) in roots.into_iter().filter(|(_, root)| root.is_open) {
            let DataType::Struct(fields) = &root.data_type else { continue };
            if let Some(field) = find(fields, &name.value) {
                let data_type = fields[field].data_type().clone();
                return Ok(Some(Path { root: index, steps: vec![Step::Field(field)], data_type }));
            }
        }
        Ok(None)
    }

    fn enter(&self, path: &mut Path, so_far: &str, name: &Ident) -> Result<(), Mistake> {
        let place = self.place(name.span.start);
        let DataType::Struct(fields) = &path.data_type else {
            let message = format!("`{so_far}` is {}, which has no fields", kind(&path.data_type));
            let hint = match &path.data_type {
                DataType::List(_) | DataType::LargeList(_) => Some(format!(
                    "`{so_far}[OFFSET(0)]` is its first item, `UNNEST({so_far})` a table of all"
                )),
                _ => None,
            };
            return Err(Mistake { place, message, hint, may_be_of_types: true });
        };
        let has = |name: &str| {
            let rest = name.get(..4).filter(|it| it.eq_ignore_ascii_case("has_"))?;
            let field = find(fields, &name[rest.len()..])?;
            matches!(fields[field].data_type(), DataType::Struct(_)).then_some(field)
        };
        if let Some(field) = find(fields, &name.value) {
            path.steps.push(Step::Field(field));
            path.data_type = fields[field].data_type().clone();
        } else if let Some(field) = has(&name.value) {
            path.steps.push(Step::Has(field));
            path.data_type = DataType::Boolean;
        } else {
            let message = format!("there is no `{}` in `{so_far}`", name.value);
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            return Err(Mistake {
                place,
                message,
                hint: near(&name.value, &names),
                // Which columns there are is known, and what is in them perhaps not.
                may_be_of_types: !path.steps.is_empty(),
            });
        }
        Ok(())
    }

    fn pick(
        &self,
        path: &mut Path,
        so_far: &str,
        index: &Expr,
        first: &Ident,
    ) -> Result<(), Mistake> {
        let place = place_of(self.query, index).or_else(|| self.place(first.span.start));
        let mistake = |message: String, hint: Option<String>| Mistake {
            place: place.clone(),
            message,
            hint,
            may_be_of_types: true,
        };
        let (DataType::List(item) | DataType::LargeList(item)) = &path.data_type else {
            let message = format!("`{so_far}` is {}, which has no items", kind(&path.data_type));
            return Err(mistake(message, None));
        };
        let Some((function, number)) = call_of_number(index) else {
            let message = "found another way to pick an item, expected OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL of a number";
            return Err(mistake(
                message.to_owned(),
                Some(format!("`{so_far}[OFFSET(0)]` is the first item, as is `[ORDINAL(1)]`")),
            ));
        };
        let (is_ordinal, may_be_missing) = match function.to_ascii_uppercase().as_str() {
            "OFFSET" => (false, false),
            "SAFE_OFFSET" => (false, true),
            "ORDINAL" => (true, false),
            "SAFE_ORDINAL" => (true, true),
            _ => {
                let message = format!(
                    "found {function}, expected OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL"
                );
                return Err(mistake(message, None));
            }
        };
        let index = if is_ordinal { number.checked_sub(1) } else { Some(number) };
        let Some(index) = index else {
            return Err(mistake(
                "the first item is ORDINAL(1), there is none before".to_owned(),
                None,
            ));
        };
        path.data_type = item.data_type().clone();
        path.steps.push(Step::Item { index, may_be_missing, place });
        Ok(())
    }

    /// Returns a mistake about a name that nothing has.
    pub(super) fn unknown(&self, name: &Ident) -> Mistake {
        let mut names: Vec<&str> = self.roots.iter().map(|root| root.name.as_str()).collect();
        for root in self.roots.iter().filter(|root| root.is_open) {
            if let DataType::Struct(fields) = &root.data_type {
                names.extend(fields.iter().map(|field| field.name().as_str()));
            }
        }
        Mistake {
            place: self.place(name.span.start),
            message: format!("there is no `{}`", name.value),
            hint: near(&name.value, &names),
            may_be_of_types: false,
        }
    }

    pub(super) fn place(&self, at: Location) -> Option<Place> {
        Place::at(self.query, at.line, at.column)
    }
}

/// A step as it is written.
enum Link<'a> {
    Name(&'a Ident),
    Item(&'a Expr),
}

/// Returns the field of a name: upper and lower case are the same where only one field is meant.
fn find(fields: &Fields, name: &str) -> Option<usize> {
    let same = fields.iter().position(|field| field.name() == name);
    same.or_else(|| {
        let mut alike = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.name().eq_ignore_ascii_case(name))
            .map(|(index, _)| index);
        let first = alike.next()?;
        alike.next().is_none().then_some(first)
    })
}

/// Returns the name and the number of `OFFSET(3)`.
fn call_of_number(expression: &Expr) -> Option<(String, u64)> {
    let Expr::Function(function) = expression else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(number)))] = list.args.as_slice()
    else {
        return None;
    };
    let Value::Number(digits, _) = &number.value else { return None };
    Some((function.name.to_string(), digits.parse().ok()?))
}

/// Returns where an expression begins, if it says so.
pub(super) fn place_of(query: &str, expression: &Expr) -> Option<Place> {
    use datafusion::sql::sqlparser::ast::Spanned;
    let start = expression.span().start;
    Place::at(query, start.line, start.column)
}

/// Returns what values of a type are called.
pub(super) fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "nothing",
        DataType::Boolean => "a truth value",
        _ if data_type.is_numeric() => "a number",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes",
        DataType::List(_) | DataType::LargeList(_) => "a list",
        DataType::Struct(_) => "a struct",
        _ => "a value of another kind",
    }
}

fn near(name: &str, names: &[&str]) -> Option<String> {
    if let Some(near) = nearest(name, names.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut listed: Vec<String> =
        names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        listed.push(format!("{} more", names.len() - LISTED));
    }
    (!listed.is_empty()).then(|| format!("there are {}", listed.join(", ")))
}

/// Returns truth values as the numbers 0 and 1, as statistics take them, and everything else as it is.
pub(super) fn truth_as_numbers(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match values.data_type() {
        DataType::Boolean => cast(values, &DataType::Int64),
        DataType::List(item) if item.data_type() == &DataType::Boolean => {
            cast(values, &numbers_for_truth(values.data_type()))
        }
        _ => Ok(Arc::clone(values)),
    }
}

/// Returns the type that [`truth_as_numbers`] gives.
pub(super) fn numbers_for_truth(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Boolean => DataType::Int64,
        DataType::List(item) if item.data_type() == &DataType::Boolean => {
            DataType::new_list(DataType::Int64, true)
        }
        other => other.clone(),
    }
}

/// Returns the rows for which a condition holds; one that is missing does not.
pub(super) fn holds(condition: &BooleanArray) -> BooleanArray {
    condition.iter().map(|value| Some(value.unwrap_or(false))).collect()
}
