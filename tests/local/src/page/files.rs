//! The page's files, which are part of the program.
//!
//! Invariant: only the files that are listed here are served. While someone works on them, they are read from the
//! folder that `LOCAL_PAGE` names, so that a change needs no build.

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{borrow::Cow, env, fs, path};

/// The variable that names a folder to read the files from.
const FOLDER: &str = "LOCAL_PAGE";

/// The page runs its own scripts, styles and images, and calls its own stack. `trusted-types` lets no text become
/// markup but that of lit-html's templates.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types lit-html";

/// The headers of every file.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A file: its name, its type and its text.
type File = (&'static str, &'static str, &'static str);

/// The document itself.
const DOCUMENT: File = ("index.html", "text/html; charset=utf-8", include_str!("../../page/index.html"));

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// The files of the document, below `/page/`.
const FILES: [File; 17] = [
    ("icon.svg", "image/svg+xml", include_str!("../../page/icon.svg")),
    ("style.css", CSS, include_str!("../../page/style.css")),
    ("account.js", JAVASCRIPT, include_str!("../../page/account.js")),
    ("api.js", JAVASCRIPT, include_str!("../../page/api.js")),
    ("button.js", JAVASCRIPT, include_str!("../../page/button.js")),
    ("chart.js", JAVASCRIPT, include_str!("../../page/chart.js")),
    ("clock.js", JAVASCRIPT, include_str!("../../page/clock.js")),
    ("format.js", JAVASCRIPT, include_str!("../../page/format.js")),
    ("inside.js", JAVASCRIPT, include_str!("../../page/inside.js")),
    ("job.js", JAVASCRIPT, include_str!("../../page/job.js")),
    ("main.js", JAVASCRIPT, include_str!("../../page/main.js")),
    ("playground.js", JAVASCRIPT, include_str!("../../page/playground.js")),
    ("shop.js", JAVASCRIPT, include_str!("../../page/shop.js")),
    ("state.js", JAVASCRIPT, include_str!("../../page/state.js")),
    ("vendor/lit-html.js", JAVASCRIPT, include_str!("../../page/vendor/lit-html.js")),
    ("vendor/uPlot.iife.min.js", JAVASCRIPT, include_str!("../../page/vendor/uPlot.iife.min.js")),
    ("vendor/uPlot.min.css", CSS, include_str!("../../page/vendor/uPlot.min.css")),
];

pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(|| async { served(&DOCUMENT) })).route("/page/{*name}", get(file))
}

async fn file(Path(name): Path<String>) -> Response {
    let known = FILES.iter().find(|(known, ..)| *known == name);
    known.map_or_else(|| StatusCode::NOT_FOUND.into_response(), served)
}

fn served((name, media_type, text): &File) -> Response {
    (HEADERS, [(header::CONTENT_TYPE, *media_type)], current(name, text).into_owned()).into_response()
}

/// The text of a file as it is in the folder, if one is named; else as it was built in.
fn current(name: &str, built_in: &'static str) -> Cow<'static, str> {
    let folder = env::var_os(FOLDER);
    let read = folder.and_then(|folder| fs::read_to_string(path::Path::new(&folder).join(name)).ok());
    read.map_or(Cow::Borrowed(built_in), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that anyone can open in two seconds: without the licences, all of it.
    const BYTES_MAX: usize = 160 * 1024;

    #[test]
    fn every_file_that_is_asked_for_is_there_and_all_of_it_is_small() {
        let (_, _, document) = DOCUMENT;
        let asked =
            |text: &'static str, mark| text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
        let mut names: Vec<_> = asked(document, "\"/page/").collect();
        for (name, _, text) in FILES.iter().filter(|(name, ..)| !name.starts_with("vendor/")) {
            assert!(
                !text.contains("http://")
                    || std::path::Path::new(name).extension().is_some_and(|of| of == "svg"),
                "{name} asks another host"
            );
            names.extend(asked(text, "from \"./"));
        }
        for name in names {
            assert!(FILES.iter().any(|(known, ..)| *known == name), "{name}");
        }
        let bytes: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(bytes + document.len() < BYTES_MAX, "{bytes} bytes");
    }
}
