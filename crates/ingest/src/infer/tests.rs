use std::fs;
use std::num::NonZeroUsize;

use dataset::cell_type;
use engine::LocalEngine;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const INT: Option<FeatureType> = Some(FeatureType::Int);
const FLOAT: Option<FeatureType> = Some(FeatureType::Float);
const BYTES: Option<FeatureType> = Some(FeatureType::Bytes);

fn files(texts: &[&str]) -> (TempDir, CsvFiles) {
    let dir = tempfile::tempdir().unwrap();
    let paths = texts.iter().enumerate().map(|(index, text)| {
        let path = dir.path().join(format!("{index}.csv"));
        fs::write(&path, text).unwrap();
        path
    });
    let paths: Vec<_> = paths.collect();
    let files = CsvFiles::open(&paths).unwrap();
    (dir, files)
}

fn infer_with(threads: usize, texts: &[&str], max_kept: u64) -> Inferred {
    let (_dir, files) = files(texts);
    let engine = LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default());
    infer(&files, max_kept, &engine).unwrap()
}

#[test]
fn a_type_is_the_widest_of_all_cells_of_all_files() {
    let types = |texts: &[&str]| infer_with(2, texts, 1).types;
    let text = "i,f,s,n,nan,space\n1,1,1,,1, 1 \n,2.5,x,\"\",nan,2\n-3,1e3,,,,\n";
    assert_eq!(types(&[text]), [INT, FLOAT, BYTES, None, FLOAT, INT]);
    assert_eq!(types(&["a\n1\n", "a\n2.0\n"]), [FLOAT]);
    assert_eq!(types(&["a\n1\n", "a\nfar\n", "a\n2.0\n"]), [BYTES]);
    assert_eq!(types(&["a\n1\n", "a\n9223372036854775808\n"]), [BYTES]);
    assert_eq!(types(&["a\n\"1\"\n"]), [INT]);
    assert_eq!(types(&["a\n"]), [None]);
}

#[test]
fn the_cell_that_turns_numbers_into_text_is_found() {
    // The place and what is there, for the first column.
    let found = |texts: &[&str]| {
        let turned = infer_with(2, texts, 9).turned_text[0].clone()?;
        let name = turned.path.file_name()?.to_str()?.to_owned();
        Some(format!("{name}:{} {}", turned.line, turned.value))
    };
    let shows = |texts: &[&str], expected: &str| assert_eq!(found(texts).unwrap(), expected);
    shows(&["a\n1\nfar\nnear\n"], "0.csv:3 far");
    shows(&["a\n1\n", "a\n2\n", "a\nfar\n3\n", "a\nnear\n"], "2.csv:2 far");
    shows(&["a\n\"\"\n1.5\n\"1,5\n\"\n"], "0.csv:4 1,5\n");
    shows(&["a\n1\n9223372036854775808\n"], "0.csv:3 9223372036854775808");
    shows(&["a,b\n1,\"\n\n\"\nx\ny,2\n"], "0.csv:6 y");
    assert_eq!(found(&["a\nfar\n1\n"]), None);
    assert_eq!(found(&["a\nfar\n", "a\n1\nnear\n"]), None);
    assert_eq!(found(&["a\n\"\"\n", "a\nfar\n"]), None);
    assert_eq!(found(&["a\n1\n2.5\n"]), None);
    // A row that cannot be read has no say.
    assert_eq!(found(&["a\n1\nfar,2\n3\n"]), None);
}

#[test]
fn rows_that_cannot_be_read_have_no_say_in_types_and_are_kept_up_to_a_number() {
    let texts = ["a,b\n1,1\nx\n2,2,y\n3,3\n", "a,b\n\"z\n\"\n4,4\n"];
    let inferred = infer_with(2, &texts, 2);
    assert_eq!(inferred.types, [INT, INT]);
    assert_eq!((inferred.num_rows, inferred.num_rejected), (6, 3));
    let kept: Vec<_> =
        inferred.rejected.iter().map(|row| (row.line, row.offset, row.length)).collect();
    assert_eq!(kept, [(3, 8, 1), (4, 10, 5)]);
    let all = infer_with(1, &texts, 9).rejected;
    assert_eq!(all[2].reason, RowReason::Ragged { found: 1, expected: 2 });
    assert!(all[2].path.ends_with("1.csv"));
}

#[test]
fn a_state_travels_as_bytes() {
    let (_dir, files) = files(&["a,b\n1,2\n1,x\n2\n"]);
    let pass = InferTypes(Arc::new(Description {
        paths: files.paths().to_vec(),
        format: files.format().clone(),
        orders: vec![None],
        columns: files.columns().to_vec(),
        max_kept: 1,
    }));
    let pass: InferTypes = serde_json::from_str(&serde_json::to_string(&pass).unwrap()).unwrap();
    let mut state = pass.start().unwrap();
    state.read(files.pieces().next().unwrap().to_vec()).unwrap();
    let back = TypesState::from_bytes(&state.to_bytes()).unwrap();
    assert_eq!(back.finish().unwrap(), state.finish().unwrap());
    for bytes in [b"".as_slice(), b"\x01{}", b"\x02{}", b"\x03{}"] {
        assert!(TypesState::from_bytes(bytes).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn neither_threads_nor_files_show(
        cells in prop::collection::vec(
            prop_oneof!["[0-9]{0,3}", "[0-9]{1,2}\\.[0-9]", Just("x".to_owned()), Just("1,2".to_owned())],
            0..30,
        ),
        at in 0usize..30,
    ) {
        let text = |cells: &[String]| {
            let lines: String = cells.iter().map(|cell| format!("{cell},0\n")).collect();
            format!("a,b\n{lines}")
        };
        let one = infer_with(1, &[&text(&cells)], 100);
        let (first, rest) = cells.split_at(at.min(cells.len()));
        let parts = [text(first), text(rest)];
        let many = infer_with(3, &[&parts[0], &parts[1]], 100);
        prop_assert_eq!(&one.types, &many.types);
        prop_assert_eq!((one.num_rows, one.num_rejected), (many.num_rows, many.num_rejected));
        let reasons = |inferred: &Inferred| inferred.rejected.iter().map(|row| row.reason.clone()).collect::<Vec<_>>();
        prop_assert_eq!(reasons(&one), reasons(&many));
        let naive = cells.iter().filter(|cell| !cell.contains(',')).filter_map(|cell| cell_type(cell.as_bytes())).max();
        prop_assert_eq!(one.types[0], naive);
        let found = |inferred: &Inferred| {
            inferred.turned_text[0].clone().map(|turned| (turned.path.ends_with("0.csv"), turned.line))
        };
        let turned = cells.iter().position(|cell| cell == "x").filter(|&first| {
            cells[..first].iter().any(|cell| !cell.contains(',') && !cell.is_empty())
        });
        let line = |row: usize| row as u64 + 2;
        prop_assert_eq!(found(&one), turned.map(|row| (true, line(row))));
        let cut = first.len();
        let place = |row: usize| if row < cut { (true, line(row)) } else { (false, line(row - cut)) };
        prop_assert_eq!(found(&many), turned.map(place));
    }
}
