//! What an operation makes that can be paid for piece by piece.

use scrip_pricing::{IfShort, Operation, Pieces, Unit};

use crate::{face_enhance, remove_background, text_to_image, train_tune, tune_images, upscale};

#[test]
fn images_and_prompts_are_pieces() {
    use Unit::{Images, Prompts};
    // Operation, its pieces, the same operation with three.
    let table = [
        (text_to_image(768, 512, 80, 2), Images, 2, text_to_image(768, 512, 80, 3)),
        (upscale(4, 5), Images, 5, upscale(4, 3)),
        (face_enhance(1), Images, 1, face_enhance(3)),
        (remove_background(100), Images, 100, remove_background(3)),
        (tune_images(13), Prompts, 13, tune_images(3)),
        // Whether the number is supported is another question.
        (face_enhance(0), Images, 0, face_enhance(3)),
        (tune_images(i64::MAX), Prompts, i64::MAX.unsigned_abs(), tune_images(3)),
    ];
    for (operation, unit, count, with_three) in table {
        assert_eq!(operation.pieces(), Some(Pieces { unit, count }), "{operation:?}");
        assert_eq!(operation.with_pieces(3), with_three, "{operation:?}");
    }
}

#[test]
fn without_pieces_an_operation_stays_as_it_is() {
    for operation in [
        Operation::Download {},
        train_tune(8, IfShort::Defer),
        train_tune(0, IfShort::Refuse),
        text_to_image(512, 512, 50, -1),
        upscale(2, -1),
        face_enhance(-1),
        remove_background(i64::MIN),
        tune_images(-1),
    ] {
        assert_eq!(operation.pieces(), None, "{operation:?}");
        assert_eq!(operation.with_pieces(3), operation, "{operation:?}");
    }
}

#[test]
fn a_number_beyond_i64_becomes_the_largest() {
    let largest = i64::MAX.unsigned_abs();
    for (count, expected) in [(0, 0), (largest, i64::MAX), (largest + 1, i64::MAX), (u64::MAX, i64::MAX)] {
        assert_eq!(face_enhance(1).with_pieces(count), face_enhance(expected), "{count}");
    }
}

#[test]
fn a_unit_has_the_name_of_its_field() -> Result<(), serde_json::Error> {
    for (unit, name) in [(Unit::Images, "images"), (Unit::Prompts, "prompts")] {
        assert_eq!(unit.to_string(), name);
        assert_eq!(serde_json::to_value(unit)?, name);
        assert_eq!(serde_json::from_value::<Unit>(name.into())?, unit);
    }
    Ok(())
}
