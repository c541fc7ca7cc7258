//! A real PostgreSQL server.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base::{BoxError, Classify, ErrorKind};
use query::QueryError;
use query::postgres::{Environment, result_schema, run};

use crate::server::{PASSWORD, Postgres};

fn rows(batch: &RecordBatch) -> Vec<String> {
    let format = FormatOptions::new().with_null("null");
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &format).unwrap()).collect();
    let row =
        |row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" | ");
    (0..batch.num_rows()).map(row).collect()
}

/// Returns variables with the password, and some more.
fn with_password(more: &[(&str, &str)]) -> Environment {
    let all = more.iter().copied().chain([("PGPASSWORD", PASSWORD)]);
    Environment::new(all.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Returns the header and the rows of a query.
fn select(query: &str, url: &str, environment: &Environment) -> Result<Vec<String>, QueryError> {
    let mut all = Vec::new();
    let schema = run(query, url, environment, &mut |batch| {
        all.extend(rows(&batch));
        Ok(())
    })?;
    let fields = schema.fields().iter();
    let header: Vec<_> = fields.map(|f| format!("{}:{}", f.name(), f.data_type())).collect();
    all.insert(0, header.join(" | "));
    Ok(all)
}

const ALL_TYPES: &str = "
    CREATE TYPE mood AS ENUM ('fine', 'bad');
    CREATE DOMAIN grade AS integer CHECK (value > 0);
    CREATE TABLE everything (
        a smallint, b integer, c bigint, d real, e double precision, f numeric, g boolean, h text,
        i varchar(5), j char(3), k uuid, l json, m jsonb, n bytea, o date, p timestamp, q timestamptz,
        r time, s mood, t grade, u integer[], v text[], w numeric(10, 2)[], x timestamptz[], y name, z oid);
    INSERT INTO everything VALUES (
        -2, 3, 9223372036854775807, 1.5, 0.1, 12345678901234567890.5, true, 'ä\nb', 'abc', 'x',
        '00112233-4455-6677-8899-aabbccddeeff', '{\"a\": 1}', '{\"b\":2}', '\\x00ff', '2024-01-31',
        '2024-01-31 12:30:00.000001', '2024-01-31 12:30:00+02', '23:59:59.5', 'bad', 7, '{1,NULL,3}', '{}',
        '{1.25,-0.01}', '{2024-01-31 00:00:00+00}', 'me', 4000000000);
    INSERT INTO everything DEFAULT VALUES;";

#[test]
fn every_type_has_its_place_among_features() {
    let Some(server) = Postgres::start("every_type_has_its_place_among_features") else { return };
    server.execute(ALL_TYPES);
    let (url, environment) = (server.url(""), with_password(&[]));
    let found = select("SELECT * FROM everything ORDER BY a", &url, &environment).unwrap();
    assert_eq!(
        found[0],
        [
            "a:Int64",
            "b:Int64",
            "c:Int64",
            "d:Float32",
            "e:Float64",
            "f:Float64",
            "g:Boolean",
            "h:Utf8",
            "i:Utf8",
            "j:Utf8",
            "k:Utf8",
            "l:Utf8",
            "m:Utf8",
            "n:Binary",
            "o:Utf8",
            "p:Utf8",
            "q:Utf8",
            "r:Utf8",
            "s:Utf8",
            "t:Int64",
            "u:List(Int64)",
            "v:List(Utf8)",
            "w:List(Float64)",
            "x:List(Utf8)",
            "y:Utf8",
            "z:Int64",
        ]
        .join(" | ")
    );
    assert_eq!(
        found[1],
        [
            "-2",
            "3",
            "9223372036854775807",
            "1.5",
            "0.1",
            "1.2345678901234567e19",
            "true",
            "ä\nb",
            "abc",
            "x  ",
            "00112233-4455-6677-8899-aabbccddeeff",
            "{\"a\": 1}",
            "{\"b\": 2}",
            "00ff",
            "2024-01-31",
            "2024-01-31T12:30:00.000001",
            "2024-01-31T10:30:00Z",
            "23:59:59.500",
            "bad",
            "7",
            "[1, null, 3]",
            "[]",
            "[1.25, -0.01]",
            "[2024-01-31T00:00:00Z]",
            "me",
            "4000000000",
        ]
        .join(" | ")
    );
    assert_eq!(found[2], vec!["null"; 26].join(" | "));
    let schema = result_schema("SELECT a, u FROM everything", &url, &environment).unwrap();
    assert_eq!(schema.fields().len(), 2);

    // Many rows come in order and in several batches, wide ones in small batches.
    let mut sizes = Vec::new();
    let mut next = 0;
    let query = "SELECT n::bigint AS n, CASE WHEN n > 20000 THEN repeat('x', 100000) END AS wide
                 FROM generate_series(0, 20500) AS n";
    run(query, &url, &environment, &mut |batch| {
        sizes.push(batch.num_rows());
        for row in rows(&batch) {
            assert_eq!(row.split(' ').next(), Some(next.to_string().as_str()));
            next += 1;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(next, 20501);
    assert_eq!(sizes[..2], [8192, 8192]);
    assert!(sizes.len() > 6 && sizes[3..].iter().all(|&size| size < 100), "{sizes:?}");
    // One snapshot: what is written meanwhile is not seen.
    let mut num_rows = 0;
    server.execute("CREATE TABLE rides AS SELECT n FROM generate_series(1, 1000) AS n");
    run("SELECT n FROM rides UNION ALL SELECT n FROM rides", &url, &environment, &mut |batch| {
        if num_rows == 0 {
            server.execute("INSERT INTO rides SELECT n FROM generate_series(1, 1000) AS n");
        }
        num_rows += batch.num_rows();
        Ok(())
    })
    .unwrap();
    assert_eq!(num_rows, 2000);
    let stopped = run("SELECT 1 AS x", &url, &environment, &mut |_| {
        Err(BoxError::from(dataflow::EngineError::Cancelled))
    });
    assert!(matches!(stopped, Err(QueryError::Sink(_))));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let Some(server) = Postgres::start("what_is_wrong_is_said_with_its_place") else { return };
    server.execute(
        "CREATE TABLE rides (id integer, fare numeric, at interval, days date);
                    INSERT INTO rides VALUES (1, 4.5, '1 day', 'infinity')",
    );
    let (url, environment) = (server.url(""), with_password(&[]));
    let said = |query: &str| {
        let error = select(query, &url, &environment).unwrap_err();
        let hint = error.hint().map(|hint| format!("hint: {hint}"));
        let lines: Vec<_> = error.to_string().lines().map(str::to_owned).chain(hint).collect();
        (error.kind(), lines)
    };
    assert_eq!(
        said("SELECT id,\n  fair FROM rides"),
        (
            ErrorKind::Usage,
            vec![
                "the query, line 2, column 3: column \"fair\" does not exist (SQLSTATE 42703)"
                    .to_owned(),
                "      fair FROM rides".to_owned(),
                "      ^".to_owned(),
                "hint: Perhaps you meant to reference the column \"rides.fare\".".to_owned(),
            ]
        )
    );
    let first = |query: &str| {
        let (kind, lines) = said(query);
        (kind, lines[0].clone())
    };
    let check = |query: &str, kind: ErrorKind, expected: &str| {
        let (found, line) = first(query);
        assert!(found == kind && line.contains(expected), "{query}: {found:?} {line}");
    };
    check("SELEC 1", ErrorKind::Usage, "line 1, column 1: syntax error at or near \"SELEC\"");
    check("SELECT 1; SELECT 2", ErrorKind::Usage, "cannot insert multiple commands");
    check("SELECT $1::int AS x", ErrorKind::Usage, "it has parameters");
    check("", ErrorKind::Usage, "gives no columns");
    check("DELETE FROM rides", ErrorKind::Usage, "gives no columns");
    check("DELETE FROM rides RETURNING id", ErrorKind::Usage, "in a read-only transaction");
    check(
        "SELECT 1 / (id - 1) AS x FROM rides",
        ErrorKind::Data,
        "division by zero (SQLSTATE 22012)",
    );
    check(
        "SELECT at FROM rides",
        ErrorKind::Usage,
        "column `at` of the result: values of type `interval`",
    );
    check("SELECT days FROM rides", ErrorKind::Data, "column `days` of the result: found infinity");
    check("SELECT '{{1,2}}'::int[] AS x", ErrorKind::Data, "an array of 2 dimensions");
    check("SELECT 1 AS x, 2 AS x", ErrorKind::Usage, "column `x` stands twice");
    assert_eq!(select("SELECT count(*) AS n FROM rides", &url, &environment).unwrap()[1], "1");

    // Who asks, and over what.
    let refused = |url: &str, variables: &[(&str, &str)]| {
        let owned = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let error = select("SELECT 1 AS x", url, &Environment::new(owned)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(PASSWORD));
        format!("{error} ({})", error.hint().unwrap_or_default())
    };
    let wrong = refused(&url, &[("PGPASSWORD", "guess")]);
    assert!(
        wrong.contains("password authentication failed") && wrong.contains("PGPASSWORD"),
        "{wrong}"
    );
    let missing = refused(&url, &[]);
    assert!(missing.contains("password missing") && missing.contains("PGPASSWORD"), "{missing}");
    let nowhere = refused(&url.replace("/postgres?", "/nowhere?"), &[("PGPASSWORD", PASSWORD)]);
    assert!(nowhere.contains("database \"nowhere\" does not exist"), "{nowhere}");
    let nobody = refused("postgres://reader@127.0.0.1:9/x", &[]);
    assert!(nobody.starts_with("cannot talk to 127.0.0.1:9: "), "{nobody}");
    let Some(authority) = server.certificate() else {
        println!("SKIPPED TLS: there is no openssl to make a certificate");
        return;
    };
    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let with_tls = |parameters: &str, variables: &[(&str, &str)]| {
        select(ssl, &server.url(parameters), &with_password(variables)).map(|rows| rows[1].clone())
    };
    assert_eq!(with_tls("", &[]).unwrap(), "true");
    assert_eq!(with_tls("sslmode=disable", &[]).unwrap(), "false");
    let trusted = with_tls("sslmode=verify-full", &[("PGSSLROOTCERT", &authority)]);
    assert_eq!(trusted.unwrap(), "true");
    let strange = with_tls("sslmode=require", &[]).unwrap_err();
    let said = format!("{strange} ({})", strange.hint().unwrap_or_default());
    assert!(said.contains("certificate") || said.contains("authority"), "{said}");
}
