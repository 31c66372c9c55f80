//! Every row of K6, by name, in every direction.

use super::*;

struct RowOfK6 {
    name: &'static str,
    world: World,
    both: &'static str,
    to_espocrm: &'static str,
    to_advoware: &'static str,
}

#[expect(clippy::too_many_lines, reason = "one entry for each row of K6")]
fn table() -> Vec<RowOfK6> {
    let slot = || bare_row(7, "", Some("[ESPOCRM-SLOT:4]"));
    let case = |name, world, both, to_espocrm, to_advoware| RowOfK6 { name, world, both, to_espocrm, to_advoware };
    vec![
        case("no marker, empty: nothing", world(&[], vec![row(7, "", None)]), "", "", ""),
        case(
            "no marker, in EspoCRM: Link",
            world(&[A], vec![row(7, A, None)]),
            "3:link 7=a",
            "3:link 7=a",
            "3:link 7=a",
        ),
        case(
            "no marker, new: Var4",
            world(&[], vec![row(7, A, None)]),
            "E:var4 ->a 3:var4 7=a",
            "E:var4 ->a 3:var4 7=a",
            "",
        ),
        case("marker, equal: nothing", online(world(&[A], vec![row(7, A, Some(A))])), "", "", ""),
        case(
            "marker, equal, primary moved: online",
            world(&[A], vec![row(7, A, Some(A))]),
            "3:online 7=a",
            "",
            "3:online 7=a",
        ),
        case(
            "marker in EspoCRM, empty: Var3",
            world(&[A], vec![row(7, "", Some(A))]),
            "E:var3 a>- 3:var3 7=slot",
            "E:var3 a>- 3:var3 7=slot",
            "",
        ),
        case(
            "marker in EspoCRM, other already there: Link, the old value leaves",
            world(&[B, A], vec![row(7, B, Some(A))]),
            "E:link a>- 3:link 7=b",
            "E:link a>- 3:link 7=b",
            "",
        ),
        case(
            "marker in EspoCRM, other: Var6",
            world(&[A], vec![row(7, B, Some(A))]),
            "E:var6 a>b 3:var6 7=b",
            "E:var6 a>b 3:var6 7=b",
            "",
        ),
        case(
            "marker gone, other already there: Link",
            world(&[B], vec![row(7, B, Some(A))]),
            "3:link 7=b",
            "3:link 7=b",
            "3:link 7=b",
        ),
        case("marker gone, unbound value: Var5", world(&[B], vec![row(7, A, Some(A))]), "1:var5 7=b", "", "1:var5 7=b"),
        case(
            "marker gone, emptied, unbound value: Var5",
            world(&[B], vec![row(7, "", Some(A))]),
            "1:var5 7=b",
            "",
            "1:var5 7=b",
        ),
        case(
            "marker gone, other, unbound value: Var5",
            world(&[B], vec![row(7, C, Some(A))]),
            "1:var5 7=b",
            "",
            "1:var5 7=b",
        ),
        case(
            "marker gone, equal, nothing unbound: Var2",
            world(&[], vec![row(7, A, Some(A))]),
            "1:var2 7=slot",
            "",
            "1:var2 7=slot",
        ),
        case(
            "marker gone, empty, nothing unbound: Var2",
            world(&[], vec![row(7, "", Some(A))]),
            "1:var2 7=slot",
            "",
            "1:var2 7=slot",
        ),
        case(
            "marker gone, other, nothing unbound: EspoCRM wins",
            world(&[], vec![row(7, B, Some(A))]),
            "1:var2 7=slot",
            "",
            "1:var2 7=slot",
        ),
        case("slot, empty: nothing", world(&[], vec![slot()]), "", "", ""),
        case("slot, empty, unbound value: Var1 into it", world(&[A], vec![slot()]), "3:var1 7=a", "", "3:var1 7=a"),
        case(
            "slot, not empty: as no marker",
            world(&[], vec![bare_row(7, A, Some("[ESPOCRM-SLOT:4]"))]),
            "E:var4 ->a 3:var4 7=a",
            "E:var4 ->a 3:var4 7=a",
            "",
        ),
        case("unbound value, no slot: Var1 creates", world(&[A], vec![]), "3:var1 new=a", "", "3:var1 new=a"),
    ]
}

#[test]
fn k6_every_row_of_the_table_in_every_direction() {
    for RowOfK6 { name, world, both, to_espocrm, to_advoware } in table() {
        let directions =
            [(Direction::Both, both), (Direction::ToEspocrm, to_espocrm), (Direction::ToAdvoware, to_advoware)];
        for (direction, expected) in directions {
            assert_eq!(short(&world.plan(direction)), expected, "{name}, {}", direction.name());
        }
    }
}

#[test]
fn k6_every_row_of_the_table_is_quiet_after_one_run() {
    for RowOfK6 { name, mut world, .. } in table() {
        world.run(Direction::Both);
        assert!(world.plan(Direction::Both).is_empty(), "{name}");
    }
}

#[test]
fn k8a_one_way_plans_write_to_one_side_only() {
    for RowOfK6 { name, world, .. } in table() {
        assert!(world.plan(Direction::ToAdvoware).espo.is_none(), "{name}");
        let to_espocrm = world.plan(Direction::ToEspocrm);
        let only_marks = |variant| !matches!(variant, Variant::Var1 | Variant::Var2 | Variant::Var5 | Variant::Online);
        assert!(to_espocrm.advo_writes().all(|write| only_marks(write.variant)), "{name}");
    }
}
