//! What a balance would pay, and how much of an operation it covers.

use scrip_pricing::{Charge, Credits, IfShort, Operation};

use crate::{face_enhance, playground, price, text_to_image, train_tune, tune_images, upscale};

#[test]
fn a_train_tune_defers_all_its_images_or_none() {
    use IfShort::{Defer, Refuse};
    // Prompts, if short; balance; taken now, images deferred.
    let table = [
        (8, Defer, Credits::new(0, 1, 64), Credits::new(0, 1, 64), 0),
        (8, Defer, Credits::new(0, 1, 63), Credits::new(0, 1, 0), 64),
        (8, Defer, Credits::new(0, 1, 0), Credits::new(0, 1, 0), 64),
        (8, Defer, Credits::new(0, 0, 64), Credits::new(0, 1, 64), 0),
        (8, Defer, Credits::ZERO, Credits::new(0, 1, 0), 64),
        (1, Defer, Credits::new(0, 1, 8), Credits::new(0, 1, 8), 0),
        (1, Defer, Credits::new(0, 1, 7), Credits::new(0, 1, 0), 8),
        (0, Defer, Credits::new(0, 1, 0), Credits::new(0, 1, 0), 0),
        (8, Refuse, Credits::new(0, 1, 64), Credits::new(0, 1, 64), 0),
        (8, Refuse, Credits::new(0, 1, 63), Credits::new(0, 1, 64), 0),
        (0, Refuse, Credits::ZERO, Credits::new(0, 1, 0), 0),
    ];
    for (prompts, if_short, balance, credits, deferred_images) in table {
        let charge = price(&train_tune(prompts, if_short)).charge(balance);
        let expected = Charge { credits, deferred_images };
        assert_eq!(charge, expected, "{prompts} prompts, {if_short:?}, {balance:?}");
    }
}

#[test]
fn nothing_else_defers() {
    for operation in
        [text_to_image(1024, 1024, 150, 100), upscale(4, 100), tune_images(100), Operation::Download {}]
    {
        let price = price(&operation);
        let charge = Charge { credits: price.credits(), deferred_images: 0 };
        assert_eq!(price.charge(Credits::ZERO), charge, "{operation:?}");
    }
}

#[test]
fn affordable_units() {
    let table = [
        (text_to_image(512, 512, 50, 1), playground(1000), Some(1000)),
        (text_to_image(512, 512, 50, 100), playground(1000), Some(1000)),
        (text_to_image(1024, 1024, 150, 7), playground(1000), Some(100)),
        (text_to_image(1024, 1024, 150, 1), playground(19), Some(1)),
        (text_to_image(1024, 1024, 150, 1), playground(9), Some(0)),
        (text_to_image(512, 512, 50, 1), Credits::new(0, 9, 9), Some(0)),
        (upscale(4, 1), playground(5), Some(2)),
        (face_enhance(3), playground(5), Some(5)),
        (tune_images(1), Credits::new(0, 0, 104), Some(13)),
        (tune_images(1), Credits::new(0, 0, 7), Some(0)),
        (tune_images(1), Credits::new(1000, 1000, 0), Some(0)),
        (train_tune(8, IfShort::Defer), Credits::new(0, 1, 64), Some(8)),
        (train_tune(8, IfShort::Refuse), Credits::new(0, 1, 63), Some(7)),
        (train_tune(0, IfShort::Defer), Credits::new(0, 1, 104), Some(13)),
        (train_tune(8, IfShort::Defer), Credits::new(0, 1, 0), Some(0)),
        (train_tune(8, IfShort::Defer), Credits::new(0, 0, 64), Some(0)),
        (Operation::Download {}, Credits::ZERO, None),
        (Operation::Download {}, playground(1000), None),
    ];
    for (operation, balance, units) in table {
        let affordable = price(&operation).affordable_units(balance);
        assert_eq!(affordable, units, "{operation:?}, {balance:?}");
    }
}
