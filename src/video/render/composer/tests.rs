//! Pictures with words over them, looked at pixel by pixel. With `SECURESTREAM_PICTURES` set to a folder they are kept there
//! for a person to look at.

use opencv::{
    core::{MatTraitConstManual as _, Vec3b, Vector},
    imgcodecs,
};

use super::*;
use crate::video::render::osd::{Osd, tests::status};
use std::time::Duration;

const BACKGROUND: Vec3b = Vec3b::from_array([180, 120, 60]);

fn picture(width: i32, height: i32) -> Seen {
    let colour = Scalar::new(BACKGROUND[0].into(), BACKGROUND[1].into(), BACKGROUND[2].into(), 0.0);
    let picture = Mat::new_rows_cols_with_default(height, width, CV_8UC3, colour).unwrap();
    Seen { picture, size: (width, height) }
}

fn look(changes: impl FnOnce(&mut Osd), at: u64) -> Look {
    let mut osd = Osd::new("Über den Wolken – 雲の上");
    osd.inform(status(), Duration::ZERO);
    changes(&mut osd);
    osd.look(Duration::from_millis(at))
}

fn compose(picture: &Seen, window: letterbox::Size, look: &Look, name: &str) -> Vec<Vec<Vec3b>> {
    let mut composer = Composer::new(TextPainter::embedded());
    let shown = composer.compose(picture, window, look).unwrap();
    assert_eq!((shown.cols(), shown.rows()), window);
    if let Some(folder) = std::env::var_os("SECURESTREAM_PICTURES") {
        let file = std::path::Path::new(&folder).join(name).with_extension("png");
        imgcodecs::imwrite(file.to_str().unwrap(), shown, &Vector::new()).unwrap();
    }
    let width = usize::try_from(shown.cols()).unwrap();
    shown.data_typed::<Vec3b>().unwrap().chunks(width).map(<[Vec3b]>::to_vec).collect()
}

/// How many pixels of some rows are as white as words are.
fn white(rows: &[Vec<Vec3b>]) -> usize {
    rows.iter().flatten().filter(|pixel| pixel.iter().all(|part| *part > 230)).count()
}

const BLACK: Vec3b = Vec3b::from_array([0, 0, 0]);

#[test]
fn what_the_picture_leaves_of_a_window_is_black() {
    let wide = compose(&picture(160, 90), (320, 300), &Look::default(), "letterbox");
    assert!(wide[..60].iter().chain(&wide[240..]).flatten().all(|pixel| *pixel == BLACK));
    assert!(wide[60..240].iter().flatten().all(|pixel| *pixel == BACKGROUND));
    let tall = compose(&picture(90, 160), (300, 160), &Look::default(), "pillarbox");
    assert!(tall.iter().all(|row| row[..105].iter().chain(&row[195..]).all(|pixel| *pixel == BLACK)));
    assert!(tall.iter().all(|row| row[105..195].iter().all(|pixel| *pixel == BACKGROUND)));
}

#[test]
fn pixels_that_are_not_square_fill_the_shape_that_they_are_seen_in() {
    let seen = Seen { size: (128, 72), ..picture(90, 72) };
    let shown = compose(&seen, (320, 180), &Look::default(), "stretched");
    assert!(shown.iter().flatten().all(|pixel| *pixel == BACKGROUND), "16:9 has no bars in a window of 16:9");
    let shown = compose(&seen, (320, 300), &Look::default(), "stretched-letterbox");
    assert!(shown[..60].iter().chain(&shown[240..]).flatten().all(|pixel| *pixel == BLACK));
    assert!(shown[60..240].iter().flatten().all(|pixel| *pixel == BACKGROUND));
}

#[test]
fn a_window_that_changes_its_size_has_nothing_left_of_what_it_showed() {
    let mut composer = Composer::new(TextPainter::embedded());
    let full = look(Osd::toggle_help, 0);
    for (window, look) in [((640, 360), &full), ((640, 500), &full), ((640, 500), &Look::default())] {
        composer.compose(&picture(160, 90), window, look).unwrap();
    }
    let shown = composer.compose(&picture(160, 90), (640, 500), &Look::default()).unwrap();
    let pixels = shown.data_typed::<Vec3b>().unwrap();
    assert!(pixels.iter().all(|pixel| *pixel == BLACK || *pixel == BACKGROUND));
}

#[test]
fn the_position_is_drawn_at_the_bottom_and_fades() {
    let window = (960, 540);
    let shown = compose(&picture(1280, 720), window, &look(|_| (), 0), "position");
    assert!(shown[..430].iter().flatten().all(|pixel| *pixel == BACKGROUND), "the picture is left alone above");
    assert!(white(&shown[440..]) > 1_500, "{}", white(&shown[440..]));
    let bar = &shown[540 - 105 / 2];
    let share = |range: std::ops::Range<usize>| bar[range].iter().map(|pixel| u32::from(pixel[0])).max().unwrap();
    assert!(share(21..35) > 240 && share(500..900) < 120, "little of an hour was shown");
    let fading = compose(&picture(1280, 720), window, &look(|_| (), 2_170), "fading");
    let corner = |shown: &[Vec<Vec3b>]| shown[538][2][0];
    assert!(corner(&shown) < corner(&fading) && corner(&fading) < BACKGROUND[0]);
    let gone = compose(&picture(1280, 720), window, &look(|_| (), 2_400), "gone");
    assert!(gone.iter().flatten().all(|pixel| *pixel == BACKGROUND));
}

#[test]
fn statistics_stand_at_the_top_and_the_keys_over_all() {
    let statistics = compose(&picture(1280, 720), (960, 540), &look(Osd::toggle_statistics, 9_000), "statistics");
    assert!(white(&statistics[..150]) > 1_000 && white(&statistics[200..]) == 0);
    let help = compose(&picture(1280, 720), (960, 540), &look(Osd::toggle_help, 9_000), "help");
    assert!(white(&help[..270]) > 1_000 && white(&help[270..]) > 1_000);
    assert!(help.iter().flatten().all(|pixel| *pixel != BACKGROUND));
}

#[test]
fn windows_of_every_size_can_be_drawn() {
    let everything = look(
        |osd| {
            osd.toggle_help();
            osd.toggle_statistics();
        },
        2_170,
    );
    for window in [(1, 1), (2, 900), (900, 2), (40, 30), (150, 100), (426, 240), (1921, 1079)] {
        compose(&picture(321, 181), window, &everything, &format!("all-{}x{}", window.0, window.1));
    }
}
