//! Schemathesis reads the document and looks for what breaks it.
