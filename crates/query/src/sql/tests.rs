use std::num::NonZeroUsize;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base::{BoxError, Classify, ErrorKind};
use dataflow::{BatchIter, Batches};
use engine::LocalEngine;

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

/// Rides in two partitions.
fn rides() -> Batches {
    let part = |ids: &[i64], zones: &[&str], fares: &[Option<f32>]| {
        batch(vec![
            ("id", Arc::new(Int64Array::from(ids.to_vec()))),
            ("Zone", Arc::new(StringArray::from(zones.to_vec()))),
            ("fare", Arc::new(Float32Array::from(fares.to_vec()))),
        ])
    };
    let first = part(&[1, 2, 3], &["b", "a", "b"], &[Some(4.5), None, Some(0.5)]);
    let second = part(&[4, 5], &["c", "a"], &[Some(7.0), Some(1.0)]);
    Batches::new(first.schema(), vec![first, second])
}

fn zones() -> Batches {
    let all = batch(vec![
        ("zone", Arc::new(StringViewArray::from(vec!["a", "b"]))),
        ("name", Arc::new(StringViewArray::from(vec!["Airport", "Bay"]))),
    ]);
    Batches::new(all.schema(), vec![all])
}

fn rows(batch: &RecordBatch) -> Vec<String> {
    let format = FormatOptions::new().with_null("null");
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &format).unwrap()).collect();
    let row = |row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" ");
    (0..batch.num_rows()).map(row).collect()
}

fn run_over(
    query: &str,
    tables: &[(&str, &dyn Source)],
    limits: Limits,
    threads: usize,
) -> Result<Vec<String>, QueryError> {
    let tables: Vec<_> = tables.iter().map(|&(name, source)| Table { name, source }).collect();
    let engine = LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default());
    let mut all = Vec::new();
    let schema = run(query, &tables, limits, &engine, &mut |batch| {
        all.extend(rows(&batch));
        Ok(())
    })?;
    let fields = schema.fields().iter();
    let header: Vec<_> = fields.map(|f| format!("{}:{}", f.name(), f.data_type())).collect();
    all.insert(0, header.join(" "));
    Ok(all)
}

/// Returns the header and the rows of a query over the two tables, or what is said about it.
fn select(query: &str) -> Vec<String> {
    let (rides, zones) = (rides(), zones());
    match run_over(query, &[("rides", &rides), ("zones", &zones)], Limits::default(), 2) {
        Ok(rows) => rows,
        Err(error) => {
            let text = error.to_string();
            let lines = text.lines().map(str::to_owned);
            lines.chain(error.hint().map(|hint| format!("hint: {hint}"))).collect()
        }
    }
}

#[test]
fn rows_come_in_the_order_of_the_tables_with_plain_types() {
    assert_eq!(
        select("SELECT id, fare FROM rides"),
        ["id:Int64 fare:Float32", "1 4.5", "2 null", "3 0.5", "4 7.0", "5 1.0"]
    );
    assert_eq!(select("SELECT count(*) AS n FROM rides"), ["n:Int64", "5"]);
    assert_eq!(
        select("SELECT \"Zone\", sum(fare) AS total, count(*) AS n FROM rides GROUP BY Zone"),
        ["Zone:Utf8 total:Float64 n:Int64", "b 5.0 2", "a 1.0 2", "c 7.0 1"]
    );
    assert_eq!(
        select("SELECT id, name FROM rides JOIN zones ON Zone = zone ORDER BY id DESC LIMIT 3"),
        ["id:Int64 name:Utf8", "5 Airport", "3 Bay", "2 Airport"]
    );
    assert_eq!(
        select("SELECT a.id FROM rides a JOIN rides b ON a.id = b.id + 3 WHERE b.fare > 1"),
        ["id:Int64", "4"]
    );
    assert_eq!(select("SELECT id FROM rides LIMIT 1"), ["id:Int64", "1"]);
    assert_eq!(select("SELECT id FROM rides WHERE false"), ["id:Int64"]);
    assert_eq!(
        select("SELECT DATE '2024-01-31' AS day, [1, 2] AS list, true AS yes, NULL AS none"),
        ["day:Utf8 list:List(Int64) yes:Boolean none:Null", "2024-01-31 [1, 2] true "]
            .map(|line| line.replace("true ", "true null"))
    );
}

#[test]
fn mistakes_are_pointed_at_and_near_names_are_told() {
    assert_eq!(
        select("SELECT id,\n  fair FROM rides"),
        [
            "the query, line 2, column 3: there is no column `fair`",
            "      fair FROM rides",
            "      ^",
            "hint: did you mean `fare`?"
        ]
    );
    assert_eq!(
        select("SELECT zone FROM rides")[0..1],
        ["the query, line 1, column 8: there is no column `zone`"]
    );
    assert_eq!(
        select("SELECT zone FROM rides")[3],
        "hint: did you mean `Zone`? upper and lower case are told apart"
    );
    assert_eq!(
        select("SELECT r.fair FROM rides r"),
        [
            "the query, line 1, column 8: there is no column `fair` in `r`",
            "    SELECT r.fair FROM rides r",
            "           ^",
            "hint: did you mean `fare`?"
        ]
    );
    assert_eq!(
        select("SELECT 1 FROM ride"),
        [
            "the query, line 1, column 15: there is no table `ride`",
            "    SELECT 1 FROM ride",
            "                  ^",
            "hint: did you mean `rides`?"
        ]
    );
    assert_eq!(
        select("SELECT count(*) AS n FROM rides GROUP BY zone")[0],
        "the query, line 1, column 42: there is no column `zone`"
    );
    let syntax = select("SELECT id FORM rides WHERE");
    assert!(syntax[0].starts_with("the query, line 1, column 16: "), "{syntax:?}");
    assert_eq!(syntax[2], "                   ^");
    let function = select("SELECT summ(fare) FROM rides");
    assert!(function[0].contains("summ"), "{function:?}");
    let ambiguous = select("SELECT id FROM rides a JOIN rides b ON a.id = b.id");
    assert!(ambiguous[0].contains("column `id` is in several tables"), "{ambiguous:?}");
    assert_eq!(
        select("SELECT a.id, b.id FROM rides a JOIN rides b ON a.id = b.id")[0],
        "column `id` stands twice in the result"
    );
    assert_eq!(select("  ")[0], "the query: it is empty, expected a SELECT");
    assert_eq!(
        select("SELECT 1; SELECT 2")[0],
        "the query: found 2 statements, expected one SELECT"
    );
}

#[test]
fn a_query_does_nothing_but_select_what_stays_the_same() {
    let check = |query: &str, expected: &str| {
        let said = select(query);
        assert!(said[0].contains(expected), "{query}: {said:?}");
    };
    check("CREATE TABLE x AS SELECT 1", "expected a SELECT");
    check("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "");
    check("INSERT INTO zones SELECT 'a', 'b'", "expected a SELECT");
    check("COPY (SELECT 1 AS a) TO '/tmp/never.csv' STORED AS CSV", "");
    check("SET datafusion.execution.batch_size = 1", "expected a SELECT");
    check("EXPLAIN SELECT 1", "expected a SELECT");
    check("SELECT random() AS r", "function `random` gives another result each time");
    check("SELECT 1 AS x WHERE EXISTS (SELECT now())", "function `now` gives another result");
    check("SELECT * FROM '/etc/passwd'", "there is no table");
    for query in [
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT 1 AS a) TO '/tmp/never.csv' STORED AS CSV",
    ] {
        let (rides, zones) = (rides(), zones());
        let tables: [(&str, &dyn Source); 2] = [("rides", &rides), ("zones", &zones)];
        let error = run_over(query, &tables, Limits::default(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    assert!(!std::path::Path::new("/tmp/never.csv").exists());
}

#[test]
fn a_value_that_cannot_be_cast_stops_the_query() {
    let said = select("SELECT CAST(\"Zone\" AS INT) AS x FROM rides");
    assert!(said[0].starts_with("the query stopped: ") && said[0].contains("'b'"), "{said:?}");
    let said = select("SELECT INTERVAL '1 day' AS x");
    assert!(said[0].contains("column `x` of the result: values of type Interval"), "{said:?}");
    assert!(said[1].starts_with("hint: cast it in the query"), "{said:?}");
}

/// A table that fails in its second partition.
struct Failing(Batches);

impl Source for Failing {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn num_partitions(&self) -> usize {
        2
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        if partition == 1 {
            let path = std::path::Path::new("rides-2.csv");
            return Err(base::IoError::at("read", path)(std::io::ErrorKind::NotFound.into()).into());
        }
        self.0.read(partition, columns)
    }
}

#[test]
fn an_error_of_a_table_is_told_as_it_is() {
    let tables: [(&str, &dyn Source); 1] = [("rides", &Failing(rides()))];
    let error = run_over("SELECT count(*) FROM rides", &tables, Limits::default(), 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with("table `rides`: cannot read rides-2.csv: "), "{error}");
    // What is not needed is not read.
    let rows = run_over("SELECT id FROM rides LIMIT 1", &tables, Limits::default(), 1);
    assert_eq!(rows.unwrap(), ["id:Int64", "1"]);
}

#[test]
fn who_takes_the_rows_may_stop() {
    let rides = rides();
    let tables = [Table { name: "rides", source: &rides }];
    let engine = LocalEngine::new(NonZeroUsize::MIN, Arc::default());
    let mut no = |_| Err(BoxError::from(dataflow::EngineError::Cancelled));
    let error =
        run("SELECT id FROM rides", &tables, Limits::default(), &engine, &mut no).unwrap_err();
    assert!(matches!(error, QueryError::Sink(_)), "{error}");
}

/// Many rows: a key, and a text that takes memory.
fn many(num_batches: i64) -> Batches {
    let make = |part: i64| {
        let keys: Vec<i64> = (0..8192).map(|i| (part * 8192 + i) * 7919 % 1_000_003).collect();
        let texts: Vec<String> = keys.iter().map(|key| format!("{key:0100}")).collect();
        batch(vec![
            ("key", Arc::new(Int64Array::from(keys)) as ArrayRef),
            ("text", Arc::new(StringArray::from(texts))),
        ])
    };
    let batches: Vec<_> = (0..num_batches).map(make).collect();
    Batches::new(batches[0].schema(), batches)
}

#[test]
fn threads_do_not_show_and_sorting_goes_to_the_disk() {
    let many = many(24);
    let tables: [(&str, &dyn Source); 1] = [("many", &many)];
    let query = "SELECT key % 10 AS k, text FROM many ORDER BY k, text";
    let small = Limits { memory_bytes: 16 << 20 };
    let one = run_over(query, &tables, small, 1).unwrap();
    assert_eq!(one.len(), 1 + 24 * 8192);
    assert!(one == run_over(query, &tables, small, 4).unwrap());
    assert!(one == run_over(query, &tables, Limits::default(), 3).unwrap());
    let query = "SELECT key % 1000 AS k, count(*) AS n, sum(CAST(key AS DOUBLE) / 3) AS s FROM many GROUP BY k";
    let one = run_over(query, &tables, Limits::default(), 1).unwrap();
    assert!(one == run_over(query, &tables, Limits::default(), 4).unwrap());
}

#[test]
fn a_join_that_does_not_fit_says_so() {
    let many = many(8);
    let tables: [(&str, &dyn Source); 1] = [("many", &many)];
    let query = "SELECT a.text FROM many a JOIN many b ON a.key = b.key";
    let error = run_over(query, &tables, Limits { memory_bytes: 1 << 20 }, 2).unwrap_err();
    assert!(matches!(error, QueryError::Memory { .. }), "{error}");
    assert!(
        error.to_string().starts_with("the query needs more than 1 MiB of memory: "),
        "{error}"
    );
}

#[test]
fn columns_are_known_before_anything_is_read() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true)]));
    let result = result_schema("SELECT a, a / 2.0 AS half FROM t", &[("t", Arc::clone(&schema))]);
    let result = result.unwrap();
    let types: Vec<_> = result.fields().iter().map(|f| f.data_type().clone()).collect();
    assert_eq!(types, [DataType::Int64, DataType::Float64]);
    let error = result_schema("SELECT b FROM t", &[("t", schema)]).unwrap_err();
    assert_eq!(error.mistake().unwrap().place.as_ref().unwrap().offset(), 7);
}
