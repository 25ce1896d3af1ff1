//! What `template.yaml` says about functions, routes and the table.
//!
//! Invariant: what the local stack would have to guess or leave out, because it does not know the
//! construct, is an error that names the place.

mod document;
mod reader;
mod settings;

use crate::yaml;
use document::{Document, typed};
use reader::Reader;
use std::{collections::BTreeMap, fs, path::Path};

pub use reader::{AWS_ACCOUNT_ID, REGION};
pub use settings::{Access, Authorizer, Function, Route, Table, Template, TemplateError};

impl Template {
    /// Reads the template in `file`; `parameters` are the values a deployment would be given.
    ///
    /// # Errors
    /// When the file can't be read, or as [`Template::parse`].
    pub fn read(file: &Path, parameters: &BTreeMap<&str, &str>) -> Result<Self, TemplateError> {
        let named = |why: String| TemplateError(format!("{}: {why}", file.display()));
        let text = fs::read_to_string(file).map_err(|why| named(why.to_string()))?;
        Self::parse(&text, parameters).map_err(|TemplateError(why)| named(why))
    }

    /// Reads a template from its text.
    ///
    /// # Errors
    /// When it is not YAML, lacks what the stack needs, or uses what the stack does not know.
    pub fn parse(text: &str, parameters: &BTreeMap<&str, &str>) -> Result<Self, TemplateError> {
        let document: Document = typed("template", yaml::load(text).map_err(TemplateError)?)?;
        Reader { document: &document, parameters }.template()
    }
}
