use super::*;

const SIDES: [Side; 3] = [Side::Same, Side::Changed, Side::Missing];
const NEWER: [Newer; 3] = [Newer::Advoware, Newer::Google, Newer::Unknown];

/// C5, written down cell by cell. Columns: writing to Advoware is forbidden; the source wins, Advoware or Google; the
/// last change wins, where Advoware's or Google's is newer, or where neither is and the source is Advoware or Google.
///
/// `.` nothing; `>G` `>A` update Google, Advoware; `+G` `+A` recreate; `-G` `-A` delete; `--` soft delete.
const TABLE: &str = "
    Advoware Google  | forbidden | source A  source G | newer A  newer G  neither A  neither G
    same     same    | .         | .         .        | .        .        .          .
    same     changed | >G        | >G        >A       | >A       >A       >A         >A
    same     missing | +G        | +G        -A       | -A       -A       -A         -A
    changed  same    | >G        | >G        >A       | >G       >G       >G         >G
    changed  changed | >G        | >G        >A       | >G       >A       >G         >A
    changed  missing | +G        | +G        -A       | +G       +G       +G         +G
    missing  same    | -G        | -G        +A       | -G       -G       -G         -G
    missing  changed | -G        | -G        +A       | +A       +A       +A         +A
    missing  missing | --        | --        --       | --       --       --         --
";

/// Every row there is, without agreement.
fn every_row() -> impl Iterator<Item = Row> {
    let sides = SIDES.into_iter().flat_map(|advoware| SIDES.map(|google| (advoware, google)));
    let born = sides.flat_map(|sides| Source::ALL.map(|source| (sides, source)));
    let ruled = born.flat_map(|born| SyncStrategy::ALL.map(|strategy| (born, strategy)));
    let allowed = ruled.flat_map(|ruled| [false, true].map(|allowed| (ruled, allowed)));
    let timed = allowed.flat_map(|allowed| NEWER.map(|newer| (allowed, newer)));
    timed.map(|(((((advoware, google), source), strategy), advoware_write_allowed), newer)| Row {
        advoware,
        google,
        source,
        strategy,
        advoware_write_allowed,
        newer,
        agree: false,
    })
}

fn is_born_in(source: Source) -> impl Fn(&Row) -> bool {
    move |row| row.source == source
}

fn has(advoware: Side, google: Side) -> impl Fn(&Row) -> bool {
    move |row| (row.advoware, row.google) == (advoware, google)
}

fn last_change_wins() -> impl Iterator<Item = Row> {
    every_row().filter(|row| row.advoware_write_allowed && row.strategy == SyncStrategy::LastChangeWins)
}

fn source_system_wins() -> impl Iterator<Item = Row> {
    every_row().filter(|row| row.advoware_write_allowed && row.strategy == SyncStrategy::SourceSystemWins)
}

/// All the rows (and there are some) get the verdict.
fn all(rows: impl Iterator<Item = Row>, expected: Verdict) {
    let mut count = 0;
    for row in rows {
        assert_eq!(verdict(row), expected, "{row:?}");
        count += 1;
    }
    assert!(count > 0);
}

fn column(row: Row) -> usize {
    match (row.advoware_write_allowed, row.strategy, row.newer, row.source) {
        (false, ..) => 0,
        (true, SyncStrategy::SourceSystemWins, _, Source::Advoware) => 1,
        (true, SyncStrategy::SourceSystemWins, _, Source::Google) => 2,
        (true, SyncStrategy::LastChangeWins, Newer::Advoware, _) => 3,
        (true, SyncStrategy::LastChangeWins, Newer::Google, _) => 4,
        (true, SyncStrategy::LastChangeWins, Newer::Unknown, Source::Advoware) => 5,
        (true, SyncStrategy::LastChangeWins, Newer::Unknown, Source::Google) => 6,
    }
}

fn side(word: &str) -> Side {
    match word {
        "same" => Side::Same,
        "changed" => Side::Changed,
        "missing" => Side::Missing,
        _ => panic!("no side: {word}"),
    }
}

fn meant(cell: &str) -> Verdict {
    match cell {
        "." => Verdict::Nothing,
        ">G" => Verdict::UpdateGoogle,
        ">A" => Verdict::UpdateAdvoware,
        "+G" => Verdict::RecreateGoogle,
        "+A" => Verdict::RecreateAdvoware,
        "-G" => Verdict::DeleteGoogle,
        "-A" => Verdict::DeleteAdvoware,
        "--" => Verdict::SoftDelete,
        _ => panic!("no verdict: {cell}"),
    }
}

#[test]
fn c5_every_row_is_as_the_table_says() {
    let mut seen = 0;
    for line in TABLE.trim().lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "|").collect();
        let [advoware, google, cells @ ..] = words.as_slice() else { panic!("no line of the table: {line}") };
        for row in every_row().filter(has(side(advoware), side(google))) {
            assert_eq!(verdict(row), meant(cells[column(row)]), "{row:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3 * 3 * 2 * 2 * 2 * 3);
}

#[test]
fn c5_without_permission_advoware_wins_always() {
    let forbidden = || every_row().filter(|row| !row.advoware_write_allowed);
    all(forbidden().filter(has(Side::Same, Side::Changed)), Verdict::UpdateGoogle);
    all(forbidden().filter(has(Side::Changed, Side::Changed)), Verdict::UpdateGoogle);
    all(forbidden().filter(has(Side::Same, Side::Missing)), Verdict::RecreateGoogle);
    all(forbidden().filter(has(Side::Missing, Side::Changed)), Verdict::DeleteGoogle);
    let writes = [Verdict::UpdateAdvoware, Verdict::RecreateAdvoware, Verdict::DeleteAdvoware];
    assert!(forbidden().all(|row| !writes.contains(&verdict(row))), "nothing is ever written to Advoware");
}

#[test]
fn c5_source_system_wins_whatever_the_other_side_did() {
    for advoware in [Side::Same, Side::Changed] {
        let born = || source_system_wins().filter(is_born_in(Source::Advoware));
        all(born().filter(has(advoware, Side::Changed)), Verdict::UpdateGoogle);
        all(born().filter(has(advoware, Side::Missing)), Verdict::RecreateGoogle);
    }
    for google in [Side::Same, Side::Changed] {
        let born = || source_system_wins().filter(is_born_in(Source::Google));
        all(born().filter(has(Side::Changed, google)), Verdict::UpdateAdvoware);
        all(born().filter(has(Side::Missing, google)), Verdict::RecreateAdvoware);
    }
}

#[test]
fn c5_source_system_wins_also_by_deleting() {
    for other in [Side::Same, Side::Changed] {
        let born = |source| source_system_wins().filter(is_born_in(source));
        all(born(Source::Advoware).filter(has(Side::Missing, other)), Verdict::DeleteGoogle);
        all(born(Source::Google).filter(has(other, Side::Missing)), Verdict::DeleteAdvoware);
    }
}

#[test]
fn c5_last_change_wins_for_the_side_that_changed() {
    all(last_change_wins().filter(has(Side::Changed, Side::Same)), Verdict::UpdateGoogle);
    all(last_change_wins().filter(has(Side::Same, Side::Changed)), Verdict::UpdateAdvoware);
}

#[test]
fn c5_last_change_wins_for_the_newer_where_both_changed() {
    let both =
        |newer| last_change_wins().filter(has(Side::Changed, Side::Changed)).filter(move |row| row.newer == newer);
    all(both(Newer::Advoware), Verdict::UpdateGoogle);
    all(both(Newer::Google), Verdict::UpdateAdvoware);
}

#[test]
fn c5_last_change_wins_for_the_source_where_neither_is_newer() {
    let neither = |source| {
        last_change_wins()
            .filter(has(Side::Changed, Side::Changed))
            .filter(move |row| (row.newer, row.source) == (Newer::Unknown, source))
    };
    all(neither(Source::Advoware), Verdict::UpdateGoogle);
    all(neither(Source::Google), Verdict::UpdateAdvoware);
}

#[test]
fn c5_last_change_wins_for_the_deletion_against_same() {
    all(last_change_wins().filter(has(Side::Missing, Side::Same)), Verdict::DeleteGoogle);
    all(last_change_wins().filter(has(Side::Same, Side::Missing)), Verdict::DeleteAdvoware);
}

#[test]
fn c5_last_change_wins_for_the_edit_against_a_deletion() {
    all(last_change_wins().filter(has(Side::Missing, Side::Changed)), Verdict::RecreateAdvoware);
    all(last_change_wins().filter(has(Side::Changed, Side::Missing)), Verdict::RecreateGoogle);
}

#[test]
fn c5_both_missing_is_a_soft_delete_in_all() {
    all(every_row().filter(has(Side::Missing, Side::Missing)), Verdict::SoftDelete);
}

#[test]
fn c5_nothing_happens_to_what_stayed_the_same() {
    all(every_row().filter(has(Side::Same, Side::Same)), Verdict::Nothing);
}

#[test]
fn c6_where_both_changed_and_agree_only_the_bases_are_stored() {
    let agreeing = every_row().map(|row| Row { agree: true, ..row });
    all(agreeing.filter(has(Side::Changed, Side::Changed)), Verdict::StoreBases);
}

#[test]
fn c6_where_one_changed_to_what_the_other_says_nothing_is_written() {
    for sides in [(Side::Changed, Side::Same), (Side::Same, Side::Changed)] {
        let agreeing = every_row().map(|row| Row { agree: true, ..row });
        all(agreeing.filter(has(sides.0, sides.1)), Verdict::StoreBases);
    }
}

#[test]
fn c6_agreement_weighs_nothing_where_a_side_is_gone_or_nothing_changed() {
    let settled = |row: &Row| [row.advoware, row.google].contains(&Side::Missing) || has(Side::Same, Side::Same)(row);
    for row in every_row().filter(settled) {
        assert_eq!(verdict(Row { agree: true, ..row }), verdict(row), "{row:?}");
    }
}

#[test]
fn permission_is_the_settings_by_source_and_the_policys_for_all() {
    for (write, advoware_born, google_born) in
        [(AdvowareWrite::GoogleBorn, false, true), (AdvowareWrite::All, true, true), (AdvowareWrite::Off, false, false)]
    {
        assert_eq!(write.allowed(Source::Advoware, None), advoware_born, "{write:?}");
        assert_eq!(write.allowed(Source::Google, None), google_born, "{write:?}");
        for (source, policy) in Source::ALL.into_iter().flat_map(|source| [true, false].map(|policy| (source, policy)))
        {
            assert_eq!(write.allowed(source, Some(policy)), policy, "{write:?} {source:?}");
        }
    }
}

#[test]
fn names_are_the_settings_and_the_hubs() {
    assert_eq!(Source::ALL.map(Source::name), ["advoware", "google"]);
    assert_eq!(SyncStrategy::ALL.map(SyncStrategy::name), ["source_system_wins", "last_change_wins"]);
    assert_eq!(AdvowareWrite::ALL.map(AdvowareWrite::name), ["google_born", "all", "off"]);
    assert!(SyncStrategy::ALL.into_iter().all(|strategy| SyncStrategy::parse(strategy.name()) == Some(strategy)));
    assert!(AdvowareWrite::ALL.into_iter().all(|write| AdvowareWrite::parse(write.name()) == Some(write)));
    assert!(Source::ALL.into_iter().all(|source| Source::parse(source.name()) == Some(source)));
    assert_eq!(AdvowareWrite::parse("on"), None);
}
