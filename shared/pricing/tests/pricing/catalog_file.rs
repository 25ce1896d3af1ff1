//! Mistakes in `catalog.toml` that the build must not let through. Each row is one edit of the
//! real file.

use scrip_pricing::catalog_file as build;

pub(crate) const CATALOG: &str = include_str!("../../catalog.toml");

/// The catalog with one edit, which must apply exactly once.
fn edited(from: &str, to: &str) -> String {
    assert_eq!(CATALOG.matches(from).count(), 1, "must be in the catalog once: {from}");
    CATALOG.replace(from, to)
}

fn problems(text: &str) -> Vec<String> {
    build::read(text).err().unwrap_or_default()
}

#[test]
fn the_catalog_is_sound() {
    assert_eq!(problems(CATALOG), Vec::<String>::new());
}

/// Each edit makes this one problem and no other.
fn assert_each_is_refused(table: &[(&str, &str, &str)]) {
    for (from, to, problem) in table {
        assert_eq!(problems(&edited(from, to)), [*problem], "{from} → {to}");
    }
}

#[test]
fn plans_and_packs() {
    const BASIC: &str = r#"name = "basic", playground = 1000,"#;
    assert_each_is_refused(&[
        (
            BASIC,
            r#"name = "basic","#,
            r#"plan "basic" has no allowance; add playground = the credits it gives a month"#,
        ),
        (
            BASIC,
            r#"name = "basic", playground = 0,"#,
            r#"plan "basic": playground is 0; it must be at least 1"#,
        ),
        (
            BASIC,
            r#"name = "basic", playground = -5,"#,
            r#"plan "basic": playground is -5; it must be at least 1"#,
        ),
        (
            BASIC,
            r#"name = "basic", playground = 1000000001,"#,
            r#"plan "basic": playground is 1000000001, which is too large; at most 1000000000"#,
        ),
        (
            r#"playground = "agreed", ext"#,
            r#"playground = "lots", ext"#,
            r#"plan "custom": playground is "lots"; it must be a number of credits or "agreed""#,
        ),
        (
            r#"playground = "agreed", ext"#,
            r#"playground = "agreed", monthly_price = 9900, ext"#,
            r#"plan "custom" is agreed per account, so it can't have a price"#,
        ),
        (
            "annual_price = 19200",
            "annual_price = 19210",
            r#"plan "basic": annual_price 19210 doesn't divide by 12, so it can't be shown per month"#,
        ),
        ("monthly_price = 1900, ", "", r#"plan "basic" has no monthly_price"#),
        ("annual_price = 19200, ", "", r#"plan "basic" has no annual_price"#),
        (
            "monthly_price = 1900",
            "monthly_price = 0",
            r#"plan "basic": monthly_price is 0; it must be at least 1"#,
        ),
        (
            "monthly_price = 1900",
            "monthly_price = 100000001",
            r#"plan "basic": monthly_price is 100000001, which is too large; at most 100000000"#,
        ),
        (
            r#"name = "basic""#,
            r#"name = "Basic plan""#,
            r#"plan "Basic plan": use only a–z, 0–9 and _ in a name"#,
        ),
        (
            r#"sku = "avatar_pack""#,
            r#"sku = "tune_pack""#,
            r#"SKU "tune_pack" would be sold twice; each needs its own name"#,
        ),
        (
            r#"sku = "avatar_pack""#,
            r#"sku = "basic_annual""#,
            r#"SKU "basic_annual" would be sold twice; each needs its own name"#,
        ),
        (
            "{ tune_image = 104 }",
            "{ tune_image = 104, playground = 10 }",
            r#"pack "avatar_pack" sells playground credits; they come with a subscription only"#,
        ),
        (
            "{ tune_image = 104 }",
            "{ playground = 10 }",
            r#"pack "avatar_pack" sells playground credits; they come with a subscription only"#,
        ),
        ("{ tune_image = 104 }", "{}", r#"pack "avatar_pack" gives no credits"#),
        ("{ tune_image = 104 }", "{ tune = 0 }", r#"pack "avatar_pack" gives no credits"#),
        (
            "{ tune_image = 104 }",
            "{ tune_images = 104 }",
            r#"pack "avatar_pack": unknown credit kind "tune_images"; there are playground, tune and tune_image"#,
        ),
        (
            "{ tune_image = 104 }",
            "{ tune_image = -1 }",
            r#"pack "avatar_pack": tune_image is -1; it must be at least 0"#,
        ),
    ]);
}

#[test]
fn a_plan_listed_twice_is_also_sold_twice() {
    let text = edited(r#"name = "standard""#, r#"name = "basic""#);
    let expected = [
        r#"plan "basic" is listed twice"#,
        r#"SKU "basic_monthly" would be sold twice; each needs its own name"#,
        r#"SKU "basic_annual" would be sold twice; each needs its own name"#,
    ];
    assert_eq!(problems(&text), expected);
}

#[test]
fn text_to_image() {
    const SQUARE: &str = "    { width = 1024, height = 1024, playground = [2, 4, 10] },\n";
    assert_each_is_refused(&[
        ("width = 768, height = 768", "width = 512, height = 1024", "tier 512 × 1024 is listed twice"),
        (
            "width = 512, height = 1024",
            "width = 1024, height = 512",
            "tier 1024 × 512: list the short side as the width",
        ),
        (SQUARE, "", "tier 1024 × 1024 is missing; without it some sizes up to 1024 have no price"),
        (
            "width = 512, height = 1024",
            "width = 512, height = 2048",
            "tier 2048 × 2048 is missing; without it some sizes up to 2048 have no price",
        ),
        ("[1, 2, 8]", "[1, 2]", "tier 768 × 1024 has 2 prices for 3 step bands"),
        ("[1, 2, 8]", "[1, 2, 8, 9]", "tier 768 × 1024 has 4 prices for 3 step bands"),
        (
            "height = 512, playground = [1, 2, 4]",
            "height = 512, playground = [0, 2, 4]",
            "tier 512 × 512: price is 0; it must be at least 1",
        ),
        (
            "[2, 4, 10]",
            "[2, 4, 1000001]",
            "tier 1024 × 1024: price is 1000001, which is too large; at most 1000000",
        ),
        ("[2, 4, 10]", "[5, 4, 10]", "tier 1024 × 1024: more steps cost less: 4 after 5"),
        (
            "[1, 2, 8]",
            "[1, 2, 5]",
            "tier 768 × 1024 costs less than the smaller 768 × 768 in the band up to 150 steps",
        ),
        (
            "[2, 4, 10]",
            "[2, 4, 7]",
            "tier 1024 × 1024 costs less than the smaller 768 × 1024 in the band up to 150 steps",
        ),
        (
            "step_bands = [50, 100, 150]",
            "step_bands = [50, 50, 150]",
            "text_to_image: step_bands must rise, so that no two overlap; 50 follows 50",
        ),
        (
            "step_bands = [50, 100, 150]",
            "step_bands = [100, 50, 150]",
            "text_to_image: step_bands must rise, so that no two overlap; 50 follows 100",
        ),
        (
            "step_bands = [50, 100, 150]",
            "step_bands = [10, 20, 49]",
            "text_to_image: steps: the default, 50, is outside 1 to 49: \
             callers who leave it out would be refused",
        ),
    ]);
}

#[test]
fn tools_and_tune_work() {
    assert_each_is_refused(&[
        (
            "[face_enhance]\nper_image = { playground = 1 }",
            "[face_enhance]\nper_image = { playground = 0 }",
            "face_enhance: per_image: playground is 0; it must be at least 1",
        ),
        (
            "[face_enhance]\nper_image = { playground = 1 }",
            "[face_enhance]\nper_image = { playground = 1, tune = 1 }",
            "face_enhance: per_image must be in playground credits, and only in them",
        ),
        (
            "# beta\nper_image = { playground = 1 }",
            "# beta\nper_image = {}",
            "remove_background: per_image must be in playground credits, and only in them",
        ),
        (
            "per_image = { playground = 0 }",
            "per_image = { playground = -1 }",
            "download: per_image: playground is -1; it must be at least 0",
        ),
        (
            "{ factor = 4, per_image = { playground = 2 } }",
            "{ factor = 2, per_image = { playground = 2 } }",
            "upscale: factors must rise; 2 follows 2",
        ),
        (
            "{ factor = 2, per_image = { playground = 1 } }",
            "{ factor = 2, per_image = { playground = 3 } }",
            "upscale 4× costs less than 2×",
        ),
        (
            "once = { tune = 1 }",
            "once = { tune_image = 1 }",
            "train_tune: once must be in tune credits, and only in them",
        ),
        (
            "prompts = { min = 1, max = 100 }",
            "prompts = { min = 0, max = 100 }",
            "tune_images: prompts: min is 0; it must be at least 1",
        ),
        (
            "prompts = { min = 0, max = 8 }",
            "prompts = { min = 0, max = 4 }",
            "train_tune: prompts: the default, 8, is outside 0 to 4: \
             callers who leave it out would be refused",
        ),
        (
            "prompts = { min = 0, max = 8 }",
            "prompts = { min = 9, max = 20 }",
            "train_tune: prompts: the default, 8, is outside 9 to 20: \
             callers who leave it out would be refused",
        ),
        (
            "images = { min = 1, max = 100 }",
            "images = { min = 2, max = 100 }",
            "images: the default, 1, is outside 2 to 100: callers who leave it out would be refused",
        ),
        (
            "images = { min = 1, max = 100 }",
            "images = { min = 1, max = 1000001 }",
            "images: max is 1000001, which is too large; at most 1000000",
        ),
    ]);
    let twice_wrong = edited("once = { tune = 1 }", "once = { tunes = 1 }");
    let expected = [
        r#"train_tune: once: unknown credit kind "tunes"; there are playground, tune and tune_image"#,
        "train_tune: once must be in tune credits, and only in them",
    ];
    assert_eq!(problems(&twice_wrong), expected);
}

#[test]
fn low_balance() {
    const PLAYGROUND: &str = "playground = \"20%\"\n";
    const TUNE: &str = "tune = 0\n";
    const TUNE_IMAGE: &str = "tune_image = 8\n";
    assert_each_is_refused(&[
        (PLAYGROUND, "", "low_balance has no playground; add playground = the credits at which it is low"),
        (TUNE, "", "low_balance has no tune; add tune = the credits at which it is low"),
        (TUNE_IMAGE, "", "low_balance has no tune_image; add tune_image = the credits at which it is low"),
        (
            TUNE,
            "tune = 0\ntunes = 0\n",
            r#"low_balance: unknown credit kind "tunes"; there are playground, tune and tune_image"#,
        ),
        (PLAYGROUND, "playground = -1\n", "low_balance: playground is -1; it must be at least 0"),
        (TUNE, "tune = -1\n", "low_balance: tune is -1; it must be at least 0"),
        (TUNE_IMAGE, "tune_image = -8\n", "low_balance: tune_image is -8; it must be at least 0"),
        (
            PLAYGROUND,
            "playground = 1000001\n",
            "low_balance: playground is 1000001, which is too large; at most 1000000",
        ),
        (TUNE, "tune = 1000001\n", "low_balance: tune is 1000001, which is too large; at most 1000000"),
        (
            TUNE,
            "tune = \"10%\"\n",
            "low_balance: tune is \"10%\"; it must be a number of credits, \
             because allowances are in playground credits",
        ),
        (
            TUNE_IMAGE,
            "tune_image = \"8\"\n",
            "low_balance: tune_image is \"8\"; it must be a number of credits, \
             because allowances are in playground credits",
        ),
    ]);
    for share in
        ["", "%", "10", "0%", "101%", "256%", "10.5%", "-10%", "+10%", "010%", "10 %", " 10%", "10%%", "１%"]
    {
        let text = edited(PLAYGROUND, &format!("playground = \"{share}\"\n"));
        let expected = format!(
            "low_balance: playground is \"{share}\"; it must be a number of credits or a share, \
             \"1%\" to \"100%\""
        );
        assert_eq!(problems(&text), [expected]);
    }
}

#[test]
fn a_playground_mark_is_a_number_or_a_percentage() {
    let table =
        [("0", None), ("250", None), (r#""1%""#, Some(1)), (r#""10%""#, Some(10)), (r#""100%""#, Some(100))];
    for (mark, percent) in table {
        let text = edited(r#"playground = "20%""#, &format!("playground = {mark}"));
        let file = build::read(&text).expect("sound");
        assert_eq!(file.low_balance["playground"].percent(), percent, "{mark}");
    }
}

#[test]
fn a_catalog_just_within_the_bounds_is_accepted() {
    for (from, to) in [
        // More work may cost the same.
        ("[2, 4, 10]", "[4, 4, 10]"),
        ("{ factor = 4, per_image = { playground = 2 } }", "{ factor = 4, per_image = { playground = 1 } }"),
        // The highest numbers.
        ("images = { min = 1, max = 100 }", "images = { min = 1, max = 1000000 }"),
        ("[2, 4, 10]", "[2, 4, 1000000]"),
        ("playground = 1000,", "playground = 1000000000,"),
        ("monthly_price = 1900", "monthly_price = 100000000"),
        (r#"playground = "20%""#, "playground = 1000000"),
        ("tune_image = 8\n", "tune_image = 1000000\n"),
    ] {
        assert_eq!(problems(&edited(from, to)), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn version_and_currency() {
    let present = format!("version = \"{}\"", scrip_pricing::CATALOG.version());
    for version in [
        "",
        "2026",
        "1-11-2026",
        "2026-11",
        "2026-13-01",
        "2026-00-01",
        "2026-11-31",
        "2026-11-00",
        "2027-02-29",
        "2100-02-29",
        "2026/11/01",
        "2026-1-01",
        "+026-11-01",
        "2026-11-01 ",
        "0000-11-01",
    ] {
        let text = edited(&present, &format!("version = \"{version}\""));
        let expected = format!("version \"{version}\" is not a date; write it like \"2026-11-01\"");
        assert_eq!(problems(&text), [expected]);
    }
    for version in ["0001-11-01", "2026-11-02", "2027-02-28", "2028-02-29", "2000-02-29", "2026-12-31"] {
        let text = edited(&present, &format!("version = \"{version}\""));
        assert_eq!(problems(&text), Vec::<String>::new(), "{version}");
    }
    for currency in ["", "US", "USD", "u$d", "dollars"] {
        let text = edited(r#"currency = "usd""#, &format!("currency = \"{currency}\""));
        let expected = format!("currency \"{currency}\" is not a currency code; write it like \"usd\"");
        assert_eq!(problems(&text), [expected]);
    }
}

#[test]
fn a_file_of_another_shape_is_refused_with_the_place() {
    // Where, what.
    let table = [
        ("[text_to_image]", "[text_to_image]\ncolour = 1", "unknown field `colour`"),
        ("images = { min = 1, max = 100 }", "images = { min = 1 }", "missing field `max`"),
        ("images = { min = 1, max = 100 }", "images = { min = 1, max = 99.5 }", "expected i64"),
        ("images = { min = 1, max = 100 }", "images = { min = 1, min = 2, max = 100 }", "duplicate key"),
        // A default is the API's, not the catalog's.
        (
            "images = { min = 1, max = 100 }",
            "images = { min = 1, max = 100, default = 2 }",
            "unknown field `default`",
        ),
        (
            "prompts = { min = 0, max = 8 }",
            "prompts = { min = 0, max = 8, default = 4 }",
            "unknown field `default`",
        ),
        ("[text_to_image]", "[text_to_image]\nsteps_default = 60", "unknown field `steps_default`"),
        ("monthly_price = 1900", "monthly_prize = 1900", "unknown field `monthly_prize`"),
        (
            "playground = 1000,",
            "playground = 10.5,",
            "`playground` must be a number of credits or \"agreed\"",
        ),
        ("monthly_price = 1900", "monthly_price = 99999999999999999999", "expected i64"),
        ("[download]", "[upload]", "unknown field `upload`"),
        ("[low_balance]", "[low_marks]", "unknown field `low_marks`"),
        ("tune = 0\n", "tune = 0.5\n", "a low-balance mark must be a number of credits or a share"),
        ("tune = 0\n", "tune = 0\ntune = 1\n", "duplicate key"),
        ("[1, 2, 8] }", "[1, 2, 8], tune = [1] }", "unknown field `tune`"),
        ("playground = [1, 2, 8]", "tune = [1, 2, 8]", "unknown field `tune`"),
    ];
    for (from, to, expected) in table {
        let problems = problems(&edited(from, to));
        assert!(
            matches!(&*problems, [only] if only.contains(expected) && only.contains("at line ")),
            "{to}: {problems:#?}",
        );
    }
}

#[test]
fn tiers_may_be_listed_in_any_order() {
    let small = "    { width = 512, height = 512, playground = [1, 2, 4] },\n";
    let large = "    { width = 1024, height = 1024, playground = [2, 4, 10] },\n";
    let text = edited(small, "").replace(large, &format!("{large}{small}"));
    let file = build::read(&text).expect("sound");
    let tiers: Vec<_> = file.text_to_image.tiers.iter().map(|t| (t.width, t.height)).collect();
    let expected = [(512, 512), (512, 768), (512, 1024), (768, 768), (768, 1024), (1024, 1024)];
    assert_eq!(tiers, expected);
}
