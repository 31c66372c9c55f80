//! Properties over random worlds.

use proptest::prelude::*;

use super::*;

/// Anything a remark may hold, markers right, stale and broken among it.
fn any_remark() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        "[ -~ÄÖÜäöüß\\n]{0,20}".prop_map(Some),
        Just(Some("[ESPOCRM-SLOT:4]".to_owned())),
        Just(Some("[ESPOCRM-SLOT:1] x".to_owned())),
        Just(Some("[ESPOCRM:YUBleGFtcGxlLm9yZw==:4] Büro".to_owned())),
        Just(Some("vor [ESPOCRM:YkBleGFtcGxlLm9yZw==:8]\nnach".to_owned())),
        Just(Some("[ESPOCRM:KzQ5MzAyMzEyNTEwMA==:2] Fax".to_owned())),
        Just(Some("[ESPOCRM:???:4]".to_owned())),
    ]
}

/// Values that collide in every way the rules know.
const VALUES: &[&str] =
    &["", A, B, "A@Example.org ", "030/23125 10-0", "+493023125100", "0172 9925904", "siehe Akte", "www.example.org"];

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![8 => proptest::sample::select(VALUES).prop_map(str::to_owned), 1 => any::<String>()]
}

fn any_world() -> impl Strategy<Value = World> {
    let row = (any_value(), any_remark(), 0i64..14, any::<bool>());
    let rows = proptest::collection::vec(row, 0..6);
    let mails = proptest::collection::vec((any_value(), any::<bool>(), any::<bool>()), 0..4);
    let types = proptest::sample::select(&["Office", "Fax", "Mobile", "Home", "Other", "Eigener Typ"][..]);
    let phones = proptest::collection::vec((any_value(), types, any::<bool>()), 0..4);
    let format = proptest::sample::select(&[PhoneFormat::E164, PhoneFormat::AsTyped][..]);
    (rows, mails, phones, proptest::collection::vec((0i64..8, any_value()), 0..5), any::<bool>(), format).prop_map(
        |(rows, mails, phones, known, has_base, phone_format)| {
            let mut world = World::default();
            world.phone_format = phone_format;
            for (index, (tlf, bemerkung, komm_kz, online)) in (0..).zip(rows) {
                world.advo.rows.push(AdvoRow { komm_kz, online, ..bare_row(index, &tlf, bemerkung.as_deref()) });
            }
            world.espo.mails.extend(mails.into_iter().map(|(address, primary, opt_out)| EspoMail {
                address,
                primary,
                opt_out,
                invalid: false,
            }));
            world.espo.phones.extend(
                phones
                    .into_iter()
                    .map(|(number, phone_type, primary)| EspoPhone { primary, ..phone(&number, phone_type) }),
            );
            let known: std::collections::BTreeMap<i64, String> = known.into_iter().collect();
            let known: Vec<(i64, &str)> = known.iter().map(|(id, value)| (*id, value.as_str())).collect();
            world.base = has_base.then(|| base(&known));
            world
        },
    )
}

proptest! {
    #[test]
    fn after_a_run_the_next_plan_is_empty(mut world in any_world()) {
        let first = world.run(Direction::Both);
        let next = world.plan(Direction::Both);
        prop_assert!(next.is_empty(), "first {first:?}\nnext {next:?}\nworld {world:?}");
    }

    #[test]
    fn user_text_survives_every_write_that_is_no_slot(world in any_world()) {
        for write in world.plan(Direction::Both).advo_writes().filter(|write| !write.content.tlf.is_empty()) {
            if let Target::Row { before, .. } = &write.target {
                let text = |remark: &str| super::marker::Remark::parse(remark).text;
                prop_assert_eq!(text(&write.content.bemerkung), text(&before.bemerkung));
            }
        }
    }
}
